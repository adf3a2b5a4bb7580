"""Each function by itself; over all images and values they are tested through the operations that call them."""

from __future__ import annotations

import numpy as np
import pytest
import tensorflow as tf

from tf_dlth.data.augmentation.geometry import affine, rotation, shear_x_bicubic, shear_y_bicubic

IDENTITY = (1.0, 0.0, 0.0, 0.0, 1.0, 0.0)


def moved(images: np.ndarray, matrix: tuple[float, ...], fill: int = 7) -> np.ndarray:
    matrices = tf.constant(np.tile(matrix, (len(images), 1)), tf.float64)
    return affine(tf.constant(images), matrices, fill).numpy()


def test_the_identity_moves_nothing(noise: np.ndarray) -> None:
    np.testing.assert_array_equal(moved(noise, IDENTITY), noise)


@pytest.mark.parametrize(("x", "y"), [(3, 0), (0, -2), (-5, 4), (40, 0)])
def test_whole_pixels_are_a_shift_with_the_fill_behind_it(noise: np.ndarray, x: int, y: int) -> None:
    """Pixel (i, j) is read at (i + x, j + y)."""
    framed = np.pad(noise, ((0, 0), (50, 50), (50, 50), (0, 0)), constant_values=7)
    expected = framed[:, 50 + y : 82 + y, 50 + x : 82 + x]
    np.testing.assert_array_equal(moved(noise, (1, 0, x, 0, 1, y)), expected)


def test_half_the_step_doubles_every_pixel(noise: np.ndarray) -> None:
    doubled = moved(noise, (0.5, 0, 0, 0, 0.5, 0))
    np.testing.assert_array_equal(doubled, noise[:, :16, :16].repeat(2, axis=1).repeat(2, axis=2))


@pytest.mark.parametrize("quarters", [0, 1, 2, 3, -1])
def test_quarter_turns_are_numpys(noise: np.ndarray, quarters: int) -> None:
    """Counter-clockwise, about the centre."""
    matrix = rotation(tf.fill([len(noise)], 90.0 * quarters), 32, 32)
    assert matrix.shape == (len(noise), 6) and matrix.dtype == tf.float64
    turned = affine(tf.constant(noise), tf.round(matrix), 0)
    np.testing.assert_array_equal(turned, np.rot90(noise, quarters, axes=(1, 2)))


def test_a_turn_keeps_the_centre_and_the_lengths() -> None:
    a, b, c, d, e, f = rotation(tf.constant([17.0]), 20, 30).numpy()[0]
    assert (a * 15 + b * 10 + c, d * 15 + e * 10 + f) == pytest.approx((15, 10))
    assert a * e - b * d == pytest.approx(1)


def test_each_image_has_its_own_matrix(noise: np.ndarray) -> None:
    matrices = np.tile(IDENTITY, (len(noise), 1))
    matrices[:, 2] = np.arange(len(noise))
    together = affine(tf.constant(noise), tf.constant(matrices), 0).numpy()
    for number, image in enumerate(noise):
        np.testing.assert_array_equal(together[number], moved(image[None], tuple(matrices[number]), 0)[0])


@pytest.mark.parametrize("shear", [shear_x_bicubic, shear_y_bicubic])
def test_no_shear_moves_nothing(noise: np.ndarray, shear) -> None:
    np.testing.assert_array_equal(shear(tf.constant(noise), tf.zeros(len(noise)), 0), noise)


def test_a_shear_along_y_is_one_along_x_of_the_transposed(noise: np.ndarray) -> None:
    shears = tf.linspace(-0.3, 0.3, len(noise))
    across = noise.transpose(0, 2, 1, 3)
    expected = shear_x_bicubic(tf.constant(across), shears, 9).numpy().transpose(0, 2, 1, 3)
    np.testing.assert_array_equal(shear_y_bicubic(tf.constant(noise), shears, 9), expected)


def test_a_smooth_ramp_is_sheared_exactly() -> None:
    """A cubic through points of a line is the line, away from the edges."""
    ramp = np.broadcast_to(np.arange(0, 128, 4, dtype=np.uint8)[None, None, :, None], (1, 32, 32, 1))
    found = shear_x_bicubic(tf.constant(ramp), tf.constant([0.25]), 0).numpy()[0, :, :, 0].astype(int)
    y, x = np.mgrid[:32, :32]
    position = x + 0.25 * (y + 0.5)
    inside = (position >= 1) & (position <= 29)
    np.testing.assert_array_equal(found[inside], np.floor(4 * position[inside] + 1e-9))
