from __future__ import annotations

import colorsys
import io
import math
from fractions import Fraction

import numpy as np
import PIL.Image
import pytest

from tf_dlth.corruptions import digital
from tf_dlth.corruptions.severities import LEVELS

RNG = np.random.default_rng(0)


@pytest.mark.parametrize(("index", "factor"), [(0, Fraction(3, 4)), (4, Fraction(3, 20))])
def test_contrast_draws_to_each_channels_mean(index: int, factor: Fraction, tiles: np.ndarray) -> None:
    flatter = digital.contrast(tiles[9], LEVELS["contrast"][index], RNG)
    for channel in range(3):
        values = tiles[9][..., channel].ravel().tolist()
        mean = Fraction(sum(values), len(values))
        exact = [mean + factor * (value - mean) for value in values]
        difference = np.array([float(e) for e in exact]) - flatter[..., channel].ravel()
        assert difference.min() > -1e-9
        assert difference.max() < 1 + 1e-9


@pytest.mark.parametrize(("index", "factor", "offset"), [(0, 0.3, 0.0), (4, 2.5, 0.2)])
def test_saturate_scales_the_hsv_saturation(index: int, factor: float, offset: float, tiles: np.ndarray) -> None:
    stronger = digital.saturate(tiles[6], LEVELS["saturate"][index], RNG)
    for before, after in zip(tiles[6].reshape(-1, 3), stronger.reshape(-1, 3), strict=True):
        hue, saturation, value = colorsys.rgb_to_hsv(*(before / 255))
        expected = colorsys.hsv_to_rgb(hue, min(saturation * factor + offset, 1), value)
        assert np.abs(255 * np.array(expected) - 0.5 - after).max() <= 0.5 + 1e-6


def test_one_channel_has_no_saturation() -> None:
    ramp = np.arange(256, dtype=np.uint8).reshape(16, 16, 1)
    np.testing.assert_array_equal(digital.saturate(ramp, LEVELS["saturate"][4], RNG), ramp)


@pytest.mark.parametrize(("index", "quality"), list(enumerate([80, 65, 58, 50, 40])))
@pytest.mark.parametrize("channels", [1, 3])
def test_jpeg_is_pillows(index: int, quality: int, channels: int, tiles: np.ndarray) -> None:
    image = tiles[8][..., :channels]
    stream = io.BytesIO()
    PIL.Image.fromarray(image.squeeze(), "L" if channels == 1 else "RGB").save(stream, "JPEG", quality=quality)
    expected = np.array(PIL.Image.open(stream)).reshape(image.shape)
    np.testing.assert_array_equal(digital.jpeg_compression(image, LEVELS["jpeg_compression"][index], RNG), expected)


def _box_resized(values: np.ndarray, new: int) -> np.ndarray:
    """Means, over the first axis, of the old pixels whose centres lie in each new one; else the nearest."""
    scale = len(values) / new
    reach = max(scale, 1) / 2
    centres = [(k + 0.5) * scale for k in range(new)]
    return np.array([values[int(c - reach + 0.5) : int(c + reach + 0.5)].mean(axis=0) for c in centres])


@pytest.mark.parametrize(("index", "small"), list(enumerate([30, 28, 27, 24, 20])))
def test_pixelate_takes_means_and_repeats_them(index: int, small: int, tiles: np.ndarray) -> None:
    pixelated = digital.pixelate(tiles[1], LEVELS["pixelate"][index], RNG)
    expected = tiles[1].astype(float)
    for size in (small, 32):
        columns = _box_resized(expected.swapaxes(0, 1), size).swapaxes(0, 1)
        expected = _box_resized(columns, size)
    assert np.abs(pixelated - expected).max() <= 1


class Draws(np.random.Generator):
    """A generator whose uniform draws are given."""

    def __init__(self, *values: float) -> None:
        super().__init__(np.random.PCG64(0))
        self.values = iter(values)

    def uniform(self, low=0.0, high=1.0, size=None):  # type: ignore[override]
        return np.full(size or (), next(self.values))


@pytest.mark.parametrize("level", LEVELS["elastic_transform"])
def test_elastic_transform_without_a_draw_is_the_identity(level: tuple[float, ...], tiles: np.ndarray) -> None:
    still = digital.elastic_transform(tiles[0], level, Draws(0, 0, 0))
    np.testing.assert_array_equal(still, tiles[0])


def test_equal_jitter_moves_the_whole_image(tiles: np.ndarray) -> None:
    moved = digital.elastic_transform(tiles[0], LEVELS["elastic_transform"][0], Draws(2, 0, 0))
    np.testing.assert_array_equal(moved[2:, 2:], tiles[0][:-2, :-2])
    # Beyond the edge the image is mirrored about its outermost pixels.
    np.testing.assert_array_equal(moved[0, 2:], tiles[0][2, :-2])


def test_an_even_field_displaces_by_its_size(tiles: np.ndarray) -> None:
    # Severity 5: .1 x 32 = 3.2 px along x for a draw of 1; five eighths of that is 2 px.
    moved = digital.elastic_transform(tiles[0], LEVELS["elastic_transform"][4], Draws(0, 2 / 3.2, 1 / 3.2))
    difference = moved[:-1, :-2].astype(int) - tiles[0][1:, 2:]
    assert np.abs(difference).max() <= 1


def test_the_jitter_is_drawn_up_to_its_share_of_the_side() -> None:
    bounds = []

    class Recorder(Draws):
        def uniform(self, low=0.0, high=1.0, size=None):  # type: ignore[override]
            bounds.append((low, high))
            return np.zeros(size or ())

    digital.elastic_transform(np.zeros((32, 32, 3), np.uint8), LEVELS["elastic_transform"][1], Recorder())
    assert math.isclose(bounds[0][1], 2.24)
    assert bounds[0][0] == -bounds[0][1]
    assert bounds[1:] == [(-1, 1), (-1, 1)]
