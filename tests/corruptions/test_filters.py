from __future__ import annotations

import math

import numpy as np
import pytest

from tf_dlth.corruptions.filters import clipped_zoom, gaussian, motion_blur, to_uint8, to_unit

STRIPES = np.array(
    [
        [0, 59, 118, 177, 236, 39, 98, 157],
        [37, 107, 177, 247, 61, 131, 201, 15],
        [74, 155, 236, 61, 142, 223, 48, 129],
        [111, 203, 39, 131, 223, 59, 151, 243],
        [148, 251, 98, 201, 48, 151, 254, 101],
        [185, 43, 157, 15, 129, 243, 101, 215],
        [222, 91, 216, 85, 210, 79, 204, 73],
        [3, 139, 19, 155, 35, 171, 51, 187],
    ],
    np.uint8,
)
STRIPES_BLURRED_BY_IMAGEMAGICK = np.array(
    [
        [52, 111, 152, 167, 140, 87, 132, 157],
        [68, 131, 177, 196, 66, 126, 175, 97],
        [114, 173, 200, 81, 141, 166, 30, 64],
        [146, 184, 76, 146, 184, 70, 136, 175],
        [145, 155, 129, 179, 81, 171, 246, 181],
        [192, 91, 151, 65, 157, 214, 102, 150],
        [138, 101, 134, 130, 201, 117, 208, 153],
        [74, 159, 80, 162, 83, 160, 65, 122],
    ],
    np.uint8,
)
"""ImageMagick 6.9.11-60 Q16: ``convert stripes.png -motion-blur 3x1.5-30 blurred.png``."""


def test_all_256_values_survive_the_unit_range_and_fractions_are_cut_off() -> None:
    values = np.arange(256, dtype=np.uint8)
    np.testing.assert_array_equal(to_uint8(to_unit(values)), values)
    np.testing.assert_array_equal(to_uint8(np.array([-0.1, 99.9 / 255, 1.2])), [0, 99, 255])


def test_gaussian_is_the_normalised_kernel_with_repeated_edges() -> None:
    values = np.random.default_rng(0).random((9, 9, 2))
    sigma, radius = 0.7, 3
    kernel = np.exp(-(np.arange(-radius, radius + 1) ** 2) / (2 * sigma**2))
    kernel /= kernel.sum()
    padded = np.pad(values, ((radius, radius), (radius, radius), (0, 0)), mode="edge")
    rows = np.sum([weight * padded[k : k + 9] for k, weight in enumerate(kernel)], axis=0)
    expected = np.sum([weight * rows[:, k : k + 9] for k, weight in enumerate(kernel)], axis=0)
    np.testing.assert_allclose(gaussian(values, sigma), expected, atol=1e-12)


def test_zoom_of_one_is_the_identity() -> None:
    values = np.random.default_rng(0).random((32, 32, 3))
    np.testing.assert_allclose(clipped_zoom(values, 1.0), values, atol=1e-12)


def test_zoom_enlarges_the_centre_linearly() -> None:
    values = np.random.default_rng(0).random((32, 32, 1))
    cut = math.ceil(32 / 1.25)
    centre = values[3 : 3 + cut, 3 : 3 + cut, 0]
    places = np.linspace(0, cut - 1, 32)
    rows = np.array([np.interp(places, np.arange(cut), row) for row in centre])
    expected = np.array([np.interp(places, np.arange(cut), column) for column in rows.T]).T
    np.testing.assert_allclose(clipped_zoom(values, 1.25)[..., 0], expected, atol=1e-12)


def test_motion_blur_gives_imagemagicks_bytes() -> None:
    blurred = motion_blur(STRIPES[..., None], 3, 1.5, angle=-30)
    np.testing.assert_array_equal(blurred[..., 0], STRIPES_BLURRED_BY_IMAGEMAGICK)


@pytest.mark.parametrize(("radius", "sigma", "angle"), [(6, 1.0, 17.0), (9, 2.5, -44.0), (14, 12.0, -100.0)])
def test_motion_blur_is_a_weighted_trail_pixel_by_pixel(radius: int, sigma: float, angle: float) -> None:
    image = np.random.default_rng(1).integers(0, 256, (32, 32, 3), dtype=np.uint8)
    weights = [math.exp(-(k**2) / (2 * sigma**2)) for k in range(2 * radius + 1)]
    expected = np.zeros(image.shape)
    for row, column in np.ndindex(32, 32):
        for k, weight in enumerate(weights):
            down = math.ceil(k * math.sin(math.radians(angle)) - 0.5)
            right = math.ceil(k * math.cos(math.radians(angle)) - 0.5)
            source = image[min(max(row + down, 0), 31), min(max(column + right, 0), 31)]
            expected[row, column] += weight / sum(weights) * source
    blurred = motion_blur(image, radius, sigma, angle)
    # Cut off after rounding at 16 bits, so up to 1/514 above the exact value.
    difference = expected - blurred
    assert difference.min() >= -1 / 514 - 1e-9
    assert difference.max() < 1
