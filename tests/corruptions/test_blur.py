from __future__ import annotations

import math

import numpy as np
import pytest
from scipy import ndimage

from tf_dlth.corruptions import blur
from tf_dlth.corruptions.filters import gaussian, to_single_unit, to_uint8, to_unit
from tf_dlth.corruptions.severities import LEVELS


def _swapped_through_views(image: np.ndarray, rng: np.random.Generator) -> np.ndarray:
    """The published loop: ``a[p], a[q] = a[q], a[p]`` on pixels of one array, from the last to the first."""
    image = image.copy()
    up, left = rng.integers(-1, 1, size=(2, 30, 30))
    for row in range(31, 1, -1):
        for column in range(31, 1, -1):
            here = (row, column)
            there = (row + up[row - 2, column - 2], column + left[row - 2, column - 2])
            image[here], image[there] = image[there], image[here]
    return image


@pytest.mark.parametrize("level", LEVELS["glass_blur"])
def test_glass_blur_is_the_published_loop(level: tuple[float, ...], tiles: np.ndarray) -> None:
    sigma, rounds = level
    rng = np.random.default_rng(3)
    expected = to_uint8(gaussian(to_unit(tiles[7]), sigma))
    for _ in range(int(rounds)):
        expected = _swapped_through_views(expected, rng)
    expected = to_uint8(gaussian(to_unit(expected), sigma))
    np.testing.assert_array_equal(blur.glass_blur(tiles[7], level, np.random.default_rng(3)), expected)


def _softened_disk(radius: float, softness: float) -> np.ndarray:
    """17 x 17, as the published set has it."""
    offsets = np.arange(-8, 9)
    disk = (np.add.outer(offsets**2, offsets**2) <= radius**2).astype(float)
    side = math.exp(-1 / (2 * softness**2))
    kernel = np.array([side, 1, side]) / (1 + 2 * side)
    return ndimage.convolve(disk / disk.sum(), np.outer(kernel, kernel), mode="constant")


@pytest.mark.parametrize("level", LEVELS["defocus_blur"])
def test_defocus_blur_convolves_with_a_softened_disk(level: tuple[float, ...], tiles: np.ndarray) -> None:
    kernel = _softened_disk(*level)
    channels = [ndimage.convolve(tiles[5][..., c].astype(float), kernel, mode="mirror") for c in range(3)]
    blurred = blur.defocus_blur(tiles[5], level, np.random.default_rng(0))
    assert np.abs(np.stack(channels, axis=-1) - 0.5 - blurred).max() <= 0.51


@pytest.mark.parametrize("level", LEVELS["gaussian_blur"])
def test_gaussian_blur_keeps_a_points_weight(level: tuple[float, ...]) -> None:
    (sigma,) = level
    point = np.zeros((32, 32, 1), np.uint8)
    point[16, 16] = 255
    blurred = blur.gaussian_blur(point, level, np.random.default_rng(0))[..., 0]
    kernel = np.exp(-(np.arange(-4, 5) ** 2) / (2 * sigma**2))
    kernel[np.abs(np.arange(-4, 5)) > int(4 * sigma + 0.5)] = 0
    kernel /= kernel.sum()
    expected = np.floor(255 * np.outer(kernel, kernel) + 1e-9)
    np.testing.assert_array_equal(blurred[12:21, 12:21], expected)
    assert blurred.sum() == expected.sum()


def test_zoom_blur_averages_the_image_and_seven_zooms_at_severity_1(tiles: np.ndarray) -> None:
    unit = to_single_unit(tiles[2])
    zooms = [blur.filters.clipped_zoom(unit, factor) for factor in (1, 1.01, 1.02, 1.03, 1.04, 1.05, 1.06)]
    expected = 255 * (unit + np.sum(zooms, axis=0)) / 8
    blurred = blur.zoom_blur(tiles[2], LEVELS["zoom_blur"][0], np.random.default_rng(0))
    assert np.abs(expected - 0.5 - blurred).max() <= 0.51


def test_motion_blur_turns_with_its_draw_within_45_degrees(tiles: np.ndarray) -> None:
    level = LEVELS["motion_blur"][4]
    angles = [np.random.default_rng(seed).uniform(-45, 45) for seed in range(3)]
    for seed, angle in enumerate(angles):
        blurred = blur.motion_blur(tiles[0], level, np.random.default_rng(seed))
        np.testing.assert_array_equal(blurred, blur.filters.motion_blur(tiles[0], *level, angle=angle))
