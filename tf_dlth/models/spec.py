"""What has to be known to build a network again."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import Field

from tf_dlth.config.base import Section

MAX_WIDTH, MAX_SIDE, MAX_CHANNELS, MAX_CLASSES = 4096, 2048, 4, 100_000
"""Bounds of what is built, as a manifest may come from anywhere."""

Side = Annotated[int, Field(ge=1, le=MAX_SIDE)]
InputShape = Annotated[
    tuple[Side, Side, Annotated[int, Field(ge=1, le=MAX_CHANNELS)]],
    Field(strict=False),  # JSON has no tuples
]


class ModelSpec(Section):
    """A network up to its weights; ``input_shape`` is (height, width, channels)."""

    architecture: Annotated[str, Field(min_length=1, max_length=200)]
    width: Annotated[int, Field(ge=1, le=MAX_WIDTH)]
    stem: Literal["small", "full"]
    head: Literal["linear", "cosine", "tvmf"]
    classes: Annotated[int, Field(ge=1, le=MAX_CLASSES)]
    input_shape: InputShape
