"""What sections of a configuration, manifests and model specifications are made of: strict, closed, immutable."""

from __future__ import annotations

from typing import Annotated, Self

from pydantic import BaseModel, ConfigDict, Field, model_validator

Seed = Annotated[int, Field(ge=0, lt=2**32)]
Channels = Annotated[tuple[float, ...], Field(strict=False, min_length=1, max_length=4)]


class Section(BaseModel):
    """Typed strictly, closed to unknown keys, immutable; NaN and infinity are no numbers."""

    model_config = ConfigDict(extra="forbid", frozen=True, strict=True, allow_inf_nan=False)


class Normalisation(Section):
    """Per-channel ``(x / 255 - mean) / std`` of images in 0..255."""

    mean: Channels
    std: Channels

    @model_validator(mode="after")
    def _same_channels(self) -> Self:
        if len(self.mean) != len(self.std):
            raise ValueError("mean and std need one value a channel each")
        if min(self.std) <= 0:
            raise ValueError("std must be above 0")
        return self
