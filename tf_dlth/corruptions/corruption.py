"""One corruption of one image."""

from __future__ import annotations

import zlib
from collections.abc import Callable, Mapping, Sequence
from typing import Final

import numpy as np

from tf_dlth.corruptions import blur, digital, noise, weather
from tf_dlth.corruptions.filters import Image
from tf_dlth.corruptions.severities import LEVELS, SIDE, Level

Corruption = Callable[[Image, Level, np.random.Generator], Image]

BY_KIND: Final[Mapping[str, Corruption]] = {
    "gaussian_noise": noise.gaussian_noise,
    "shot_noise": noise.shot_noise,
    "impulse_noise": noise.impulse_noise,
    "speckle_noise": noise.speckle_noise,
    "gaussian_blur": blur.gaussian_blur,
    "glass_blur": blur.glass_blur,
    "defocus_blur": blur.defocus_blur,
    "motion_blur": blur.motion_blur,
    "zoom_blur": blur.zoom_blur,
    "fog": weather.fog,
    "snow": weather.snow,
    "brightness": weather.brightness,
    "spatter": weather.spatter,
    "contrast": digital.contrast,
    "saturate": digital.saturate,
    "jpeg_compression": digital.jpeg_compression,
    "pixelate": digital.pixelate,
    "elastic_transform": digital.elastic_transform,
}
"""Every corruption but frost, which alone needs textures."""


def corrupt(image: Image, kind: str, severity: int, rng: np.random.Generator, frost: Sequence[Image] = ()) -> Image:
    """``image`` uint8 [32, 32, 1 or 3] under one corruption; ``frost`` holds the textures for that kind.

    Raises ValueError for another shape or dtype, and for frost without textures.
    """
    if image.dtype != np.uint8 or image.shape not in ((SIDE, SIDE, 1), (SIDE, SIDE, 3)):
        raise ValueError(f"an image must be uint8 [{SIDE}, {SIDE}, 1 or 3], not {image.dtype} {image.shape}")
    level = LEVELS[kind][severity - 1]
    if kind != "frost":
        return BY_KIND[kind](image, level, rng)
    if not frost:
        raise ValueError("frost needs textures")
    return weather.frost(image, level, rng, frost)


def generator(seed: int, kind: str, severity: int, index: int) -> np.random.Generator:
    """The random draws of one image: a function of these four alone, so independent of order and workers."""
    return np.random.default_rng([seed, zlib.crc32(kind.encode()), severity, index])
