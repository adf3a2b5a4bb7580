"""Noise: Gaussian, shot, impulse, speckle; every value of every channel draws its own."""

from __future__ import annotations

import numpy as np

from tf_dlth.corruptions.filters import Image, to_uint8, to_unit
from tf_dlth.corruptions.severities import Level


def gaussian_noise(image: Image, level: Level, rng: np.random.Generator) -> Image:
    """uint8 [H, W, C]: adds normal noise."""
    (deviation,) = level
    return to_uint8(to_unit(image) + rng.normal(scale=deviation, size=image.shape))


def shot_noise(image: Image, level: Level, rng: np.random.Generator) -> Image:
    """uint8 [H, W, C]: counts Poisson events in proportion to the value."""
    (events,) = level
    return to_uint8(rng.poisson(to_unit(image) * events) / events)


def impulse_noise(image: Image, level: Level, rng: np.random.Generator) -> Image:
    """uint8 [H, W, C]: sets a share of the values to black or white, with equal chances."""
    (share,) = level
    hit = rng.random(image.shape) <= share
    white = rng.random(image.shape) <= 0.5
    return np.where(hit, np.where(white, 255, 0), image).astype(np.uint8)


def speckle_noise(image: Image, level: Level, rng: np.random.Generator) -> Image:
    """uint8 [H, W, C]: adds normal noise in proportion to the value."""
    (deviation,) = level
    unit = to_unit(image)
    return to_uint8(unit + unit * rng.normal(scale=deviation, size=image.shape))
