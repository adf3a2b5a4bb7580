"""What sections of a configuration, manifests and model specifications are made of: strict, closed, immutable."""

from __future__ import annotations

from typing import Annotated, Literal, Self

from pydantic import BaseModel, ConfigDict, Field, model_validator

Seed = Annotated[int, Field(ge=0, lt=2**32)]
Sha256 = Annotated[str, Field(pattern=r"^[0-9a-f]{64}$")]
SMALLEST_STD, LARGEST = 1e-6, 1e6
"""Of normalisation: far beyond what images have, far within what float32 divides by."""
Fit = Literal["crop", "pad"]
"""How a picture of another shape becomes square."""
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
        if not all(SMALLEST_STD <= std <= LARGEST for std in self.std):
            raise ValueError(f"std must be from {SMALLEST_STD:g} to {LARGEST:g}")
        if not all(abs(mean) <= LARGEST for mean in self.mean):
            raise ValueError(f"mean must be at most {LARGEST:g} in magnitude")
        return self
