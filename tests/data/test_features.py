from __future__ import annotations

import math

import numpy as np
import pytest

from tf_dlth.data.features import CELLS, DIRECTIONS, FAINT, LEVELS, SIDE, colour_and_edges


def reference(image: np.ndarray) -> list[float]:
    """Pixel by pixel, as the features are described; uint8 [H, W, C] with sides of at least four."""
    height, width, channels = image.shape
    found = []
    for channel in range(channels):
        values = image[..., channel]
        found += [float(np.mean((values >= 16 * level) & (values < 16 * level + 16))) for level in range(LEVELS)]
        cells: list[list[float]] = [[] for _ in range(CELLS**2)]
        for r in range(height):
            for c in range(width):
                cells[CELLS * (CELLS * r // height) + CELLS * c // width].append(values[r, c] / 255)
        found += [float(np.mean(cell)) for cell in cells] + [float(np.std(cell)) for cell in cells]
    grey = image.mean(-1) / 255
    sums = np.zeros((CELLS**2, DIRECTIONS))
    for r in range(height):
        for c in range(width):
            down = grey[min(r + 1, height - 1), c] - grey[max(r - 1, 0), c]
            right = grey[r, min(c + 1, width - 1)] - grey[r, max(c - 1, 0)]
            angle = math.degrees(math.atan2(down, right)) % 180
            direction = int(angle * DIRECTIONS / 180) % DIRECTIONS
            sums[CELLS * (CELLS * r // height) + CELLS * c // width, direction] += math.hypot(down, right)
    for row in sums:
        found += list(row / (math.sqrt(float(row @ row)) + FAINT))
    return found


@pytest.mark.parametrize("shape", [(7, 6, 3), (8, 8, 1), (4, 5, 3)])
def test_pixel_by_pixel(shape: tuple[int, int, int]) -> None:
    images = np.random.RandomState(0).randint(0, 256, (3, *shape)).astype(np.uint8)
    found = colour_and_edges(images)
    assert found.dtype == np.float32
    np.testing.assert_allclose(found, [reference(image) for image in images], atol=2e-6)


def test_an_image_does_not_depend_on_those_beside_it() -> None:
    images = np.random.RandomState(0).randint(0, 256, (5, 8, 8, 3)).astype(np.uint8)
    assert np.array_equal(colour_and_edges(images)[3:4], colour_and_edges(images[3:4]))


def test_one_colour_has_no_edges() -> None:
    (found,) = colour_and_edges(np.full((1, 8, 8, 1), 255, np.uint8))
    assert found[:LEVELS].tolist() == [0] * 15 + [1]
    assert not found[-CELLS * CELLS * DIRECTIONS :].any()


def test_large_pictures_are_reduced_by_means() -> None:
    small = np.random.RandomState(0).randint(0, 256, (2, SIDE, SIDE, 3)).astype(np.uint8)
    large = small.repeat(3, axis=1).repeat(3, axis=2)
    assert np.array_equal(colour_and_edges(large), colour_and_edges(small))


def test_a_picture_smaller_than_the_cells() -> None:
    assert np.isfinite(colour_and_edges(np.zeros((2, 2, 3, 1), np.uint8))).all()
