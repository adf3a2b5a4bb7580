"""Cutout against a loop in NumPy and the exact law of its corners."""

from __future__ import annotations

import numpy as np
import pytest
import tensorflow as tf
from scipy import stats

from tf_dlth.data.augmentation.cutout import cut_out
from tf_dlth.data.augmentation.draws import Stream, uniforms


def seeds(count: int) -> tf.Tensor:
    return tf.stack([tf.range(count), tf.fill([count], 11)], axis=1)


def by_hand(image: np.ndarray, side: int, draws: np.ndarray) -> np.ndarray:
    """Numbers top and left -side//2 .. length - side - 1, the square clipped to the image, filled with the mean."""
    height, width = image.shape[:2]
    top, left = (
        -(side // 2) + int(np.floor(np.float64(u) * max(length - side + side // 2, 1)))
        for u, length in zip(draws, (height, width), strict=True)
    )
    covered = image.copy()
    for row in range(top, top + side):
        for column in range(left, left + side):
            if 0 <= row < height and 0 <= column < width:
                covered[row, column] = int(image.mean())
    return covered


@pytest.mark.parametrize(
    ("shape", "side"),
    [((32, 32, 3), 16), ((32, 32, 1), 16), ((21, 34, 3), 7), ((8, 8, 3), 4), ((5, 5, 1), 2), ((6, 9, 3), 9)],
)
def test_equals_the_loop(shape: tuple[int, int, int], side: int) -> None:
    images = np.random.default_rng(side).integers(0, 256, (40, *shape), dtype=np.uint8)
    (draws,) = uniforms(seeds(40), [Stream.CUTOUT], 2)
    expected = [by_hand(image, side, u) for image, u in zip(images, draws.numpy(), strict=True)]
    np.testing.assert_array_equal(cut_out(tf.constant(images), seeds(40), side), np.stack(expected))


def test_corner_law_at_32_pixels() -> None:
    """Top and left are -8..15, equally likely: 210.25 covered pixels on average, the last row and column never."""
    count = 20_000
    flat = np.zeros((1, 32, 32, 1), np.uint8)
    flat[0, 31, 31] = 255  # the mean is 255 / 1024, cut to 0: so cover white with it
    white = 255 - flat
    covered = np.concatenate(
        [
            (cut_out(tf.tile(tf.constant(white), [2000, 1, 1, 1]), part, 16).numpy() == 254)[..., 0]
            for part in tf.split(seeds(count), 10)
        ]
    )
    assert not covered[:, 31].any() and not covered[:, :, 31].any()
    areas = covered.sum(axis=(1, 2))
    one_side = np.array([*range(8, 16), *[16] * 16])
    expected = np.outer(one_side, one_side).ravel()
    assert expected.mean() == 210.25
    assert abs(areas.mean() - 210.25) < 4 * expected.std() / np.sqrt(count)
    last_row = covered.any(axis=2).cumsum(axis=1).argmax(axis=1)
    last_column = covered.any(axis=1).cumsum(axis=1).argmax(axis=1)
    cells = np.bincount((last_row - 7) * 24 + last_column - 7, minlength=576)
    assert stats.chisquare(cells).pvalue > 1e-3


def test_fill_is_one_gray_over_all_channels() -> None:
    image = np.zeros((1, 8, 8, 3), np.uint8)
    image[..., 0] = 200  # mean 66.67
    changed = cut_out(tf.constant(image), seeds(1), 6).numpy()[0]
    covered = (changed != image[0]).any(axis=-1)
    assert covered.any() and (changed[covered] == 66).all()
