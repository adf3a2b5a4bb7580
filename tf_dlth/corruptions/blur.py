"""Blur: Gaussian, glass, defocus, motion, zoom."""

from __future__ import annotations

import cv2
import numpy as np
from numpy.typing import NDArray

from tf_dlth.corruptions import filters
from tf_dlth.corruptions.filters import Image, gaussian, to_single_unit, to_uint8, to_unit
from tf_dlth.corruptions.severities import Level


def gaussian_blur(image: Image, level: Level, rng: np.random.Generator) -> Image:
    """uint8 [H, W, C]: convolves with a Gaussian."""
    (sigma,) = level
    return to_uint8(gaussian(to_unit(image), sigma))


def glass_blur(image: Image, level: Level, rng: np.random.Generator) -> Image:
    """uint8 [H, W, C]: moves pixels about locally, between two Gaussian blurs."""
    sigma, rounds = level
    moved = to_uint8(gaussian(to_unit(image), sigma))
    for _ in range(int(rounds)):
        moved = _copy_from_above_left(moved, rng)
    return to_uint8(gaussian(to_unit(moved), sigma))


def _copy_from_above_left(image: Image, rng: np.random.Generator) -> Image:
    """Each pixel from (2, 2) on becomes a random one of itself and its neighbours above and left."""
    # paper: pixels are shuffled; the published set swaps two of them through views of one array, from the
    # last pixel back to the first, so that one is copied and the other stays; here: the same copies in one
    # gather, because the scan has not yet reached any pixel that is read.
    side = image.shape[0]
    rows, columns = np.mgrid[2:side, 2:side]
    up, left = rng.integers(-1, 1, size=(2, side - 2, side - 2))
    moved = image.copy()
    moved[2:, 2:] = image[rows + up, columns + left]
    return moved


def defocus_blur(image: Image, level: Level, rng: np.random.Generator) -> Image:
    """uint8 [H, W, C]: convolves with a disk."""
    radius, softness = level
    blurred = cv2.filter2D(to_unit(image), -1, _disk(radius, softness))
    return to_uint8(blurred.reshape(image.shape))


def _disk(radius: float, softness: float) -> NDArray[np.float32]:
    """A disk of weight 1, its edge softened; 7 x 7, which holds the largest radius and the softening."""
    offsets = np.arange(-3, 4)
    inside = (offsets[:, None] ** 2 + offsets**2 <= radius**2).astype(np.float32)
    return cv2.GaussianBlur(inside / inside.sum(), (3, 3), sigmaX=softness).astype(np.float32)


def motion_blur(image: Image, level: Level, rng: np.random.Generator) -> Image:
    """uint8 [H, W, C]: leaves a trail in a random direction within 45 degrees of the horizontal."""
    radius, sigma = level
    return filters.motion_blur(image, radius, sigma, angle=rng.uniform(-45, 45))


def zoom_blur(image: Image, level: Level, rng: np.random.Generator) -> Image:
    """uint8 [H, W, C]: averages the image with a series of zooms into its centre."""
    (end,) = level
    unit = to_single_unit(image)
    factors = np.arange(1, end, 0.01)
    zoomed = sum((filters.clipped_zoom(unit, factor) for factor in factors), start=np.zeros_like(unit))
    return to_uint8((unit + zoomed) / (len(factors) + 1))
