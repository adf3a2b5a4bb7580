"""What several corruptions share: the unit range, Gaussian blur, zoom into the centre, motion blur."""

from __future__ import annotations

import math
from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy import ndimage

Image = NDArray[np.uint8]
Unit = NDArray[Any]
"""Values in 0..1, at the precision that the published set has at that place."""


def to_unit(image: Image) -> NDArray[np.float64]:
    """Values of 0..255 as float64 in 0..1, of the same shape."""
    return image / 255.0


def to_single_unit(image: Image) -> NDArray[np.float32]:
    """Values of 0..255 as float32 in 0..1, of the same shape, in which the published set computes some corruptions."""
    return image.astype(np.float32) / np.float32(255)


def to_uint8(unit: Unit) -> Image:
    """Floats of 0..1, clipped, as uint8 of the same shape; truncated, not rounded, as in the published set."""
    return (np.clip(unit, 0, 1) * 255).astype(np.uint8)


def gaussian(values: Unit, sigma: float, edge: str = "nearest", truncate: float = 4.0) -> Unit:
    """Gaussian blur over the first two axes."""
    return np.asarray(ndimage.gaussian_filter(values, sigma, mode=edge, truncate=truncate, axes=(0, 1)))


def clipped_zoom(values: Unit, factor: float) -> Unit:
    """The centre of a square [H, W, C], enlarged linearly to the square's own size."""
    side = values.shape[0]
    cut = math.ceil(side / factor)
    top = (side - cut) // 2
    centre = values[top : top + cut, top : top + cut]
    zoomed = np.asarray(ndimage.zoom(centre, (factor, factor, 1), order=1))
    spare = (zoomed.shape[0] - side) // 2
    return zoomed[spare : spare + side, spare : spare + side]


def motion_blur(image: Image, radius: float, sigma: float, angle: float) -> Image:
    """A one-sided Gaussian trail along ``angle`` degrees over [H, W, C], edges repeated.

    The published set has it from ImageMagick; this gives the bytes of ImageMagick 6.9.11 at 16 bits a value.
    """
    height, width = image.shape[:2]
    steps = np.arange(2 * math.ceil(radius) + 1)
    weights = np.exp(-(steps**2) / (2 * sigma**2))
    weights /= weights.sum()
    rows = _nearest(steps * math.sin(math.radians(angle))) + len(steps)
    columns = _nearest(steps * math.cos(math.radians(angle))) + len(steps)
    padded = np.pad(image, ((len(steps),) * 2, (len(steps),) * 2, (0, 0)), mode="edge")
    blurred = np.zeros(image.shape)
    for weight, row, column in zip(weights, rows, columns, strict=True):
        blurred += weight * padded[row : row + height, column : column + width]
    at_16_bits = np.floor(blurred * 257 + 0.5)
    return (at_16_bits // 257).astype(np.uint8)


def _nearest(steps: NDArray[Any]) -> NDArray[np.intp]:
    """Nearest whole numbers, halves down, as ImageMagick rounds its offsets."""
    return np.ceil(steps - 0.5).astype(np.intp)
