from __future__ import annotations

import colorsys
import math

import numpy as np
import pytest

from tf_dlth.corruptions import weather
from tf_dlth.corruptions.plasma import plasma
from tf_dlth.corruptions.severities import LEVELS

RNG_SEED = 11


def rng() -> np.random.Generator:
    return np.random.default_rng(RNG_SEED)


class Calm(np.random.Generator):
    """A generator whose normal draws are all the mean."""

    def __init__(self) -> None:
        super().__init__(np.random.PCG64(0))

    def normal(self, loc=0.0, scale=1.0, size=None):  # type: ignore[override]
        return np.full(size or (), loc)


@pytest.mark.parametrize("level", LEVELS["fog"])
def test_fog_over_white_is_its_plasma_alone(level: tuple[float, ...]) -> None:
    amount, decay = level
    foggy = weather.fog(np.full((32, 32, 3), 255, np.uint8), level, rng())
    expected = 255 * (1 + amount * plasma(32, decay, rng())) / (1 + amount)
    assert np.abs(foggy - (expected[..., None] - 0.5)).max() <= 0.5 + 1e-9


def test_fog_keeps_black_black() -> None:
    assert not weather.fog(np.zeros((32, 32, 3), np.uint8), LEVELS["fog"][4], rng()).any()


@pytest.mark.parametrize(("index", "rise"), [(0, 0.05), (4, 0.3)])
def test_brightness_raises_the_hsv_value(index: int, rise: float, tiles: np.ndarray) -> None:
    brighter = weather.brightness(tiles[3], LEVELS["brightness"][index], rng())
    for before, after in zip(tiles[3].reshape(-1, 3), brighter.reshape(-1, 3), strict=True):
        hue, saturation, value = colorsys.rgb_to_hsv(*(before / 255))
        expected = colorsys.hsv_to_rgb(hue, saturation, min(value + rise, 1))
        assert np.abs(255 * np.array(expected) - 0.5 - after).max() <= 0.5 + 1e-6


@pytest.mark.parametrize(("index", "rise"), [(0, 0.05), (4, 0.3)])
def test_brightness_of_one_channel_is_a_sum(index: int, rise: float) -> None:
    ramp = np.arange(256, dtype=np.uint8).reshape(16, 16, 1)
    brighter = weather.brightness(ramp, LEVELS["brightness"][index], rng())
    expected = np.floor(np.minimum(ramp + 255 * rise, 255) + 1e-9)
    np.testing.assert_array_equal(brighter, expected)


@pytest.mark.parametrize("level", LEVELS["frost"])
def test_frost_is_a_weighted_sum_cut_off_to_whole_numbers(level: tuple[float, ...]) -> None:
    image_weight, frost_weight = level
    texture = np.full((40, 50, 3), (10, 100, 200), np.uint8)
    frosty = weather.frost(np.full((32, 32, 3), 90, np.uint8), level, rng(), [texture])
    expected = [math.floor(round(image_weight * 90 + frost_weight * f, 6)) for f in (10, 100, 200)]
    np.testing.assert_array_equal(np.unique(frosty.reshape(-1, 3), axis=0), [expected])


def test_frost_crops_anywhere_but_at_the_last_place_and_uses_every_texture() -> None:
    rows, columns = np.mgrid[0:34, 0:35]
    textures = [np.stack([rows, columns, np.full_like(rows, number)], -1).astype(np.uint8) for number in range(5)]
    draws = np.random.default_rng(0)
    black = np.zeros((32, 32, 3), np.uint8)
    corners = {tuple(weather.frost(black, (0.0, 1.0), draws, textures)[0, 0]) for _ in range(600)}
    # The upper end is left out, as in the published set: 2 rows and 3 columns of places.
    assert corners == {(r, c, n) for r in range(2) for c in range(3) for n in range(5)}


def test_frost_over_one_channel_is_its_luminance() -> None:
    texture = np.full((40, 40, 3), (10, 100, 200), np.uint8)
    frosty = weather.frost(np.zeros((32, 32, 1), np.uint8), (1.0, 1.0), rng(), [texture])
    assert set(frosty.ravel()) == {int(0.299 * 10 + 0.587 * 100 + 0.114 * 200)}


@pytest.mark.parametrize("level", LEVELS["snow"])
def test_snow_without_flakes_whitens(level: tuple[float, ...], tiles: np.ndarray) -> None:
    weight = level[-1]
    snowy = weather.snow(tiles[4], level, Calm())
    unit = tiles[4] / 255
    gray = unit @ [0.299, 0.587, 0.114]
    expected = weight * unit + (1 - weight) * np.maximum(unit, 1.5 * gray[..., None] + 0.5)
    assert np.abs(255 * np.minimum(expected, 1) - 0.5 - snowy).max() <= 0.51


@pytest.mark.parametrize("level", LEVELS["snow"])
def test_snow_falls_twice_turned_by_180_degrees(level: tuple[float, ...]) -> None:
    snowy = weather.snow(np.full((32, 32, 3), 40, np.uint8), level, rng())
    np.testing.assert_array_equal(snowy, snowy[::-1, ::-1])
    assert snowy.max() > snowy.min()


@pytest.mark.parametrize("level", LEVELS["spatter"][3:])
def test_mud_is_brown_where_it_covers_and_leaves_the_rest(level: tuple[float, ...]) -> None:
    # Bright, so that even a half covered pixel is darker than a clean one.
    bright = np.full((32, 32, 3), 250, np.uint8)
    muddy = weather.spatter(bright, level, rng())
    changed = (muddy != 250).any(axis=-1)
    assert 0.005 < changed.mean() < 0.3
    full = (np.abs(muddy.astype(int) - (63, 42, 20)) <= 1).all(axis=-1)
    assert full.any()
    # Opacity .8 and more, or none.
    assert muddy[changed].max(axis=0).tolist() <= [101, 84, 66]


@pytest.mark.parametrize("level", LEVELS["spatter"][:3])
def test_water_only_adds_pale_turquoise(level: tuple[float, ...]) -> None:
    dark = np.full((32, 32, 3), 20, np.uint8)
    added = weather.spatter(dark, level, rng()).astype(int) - 20
    assert added.min() >= 0
    brightest = added.reshape(-1, 3)[added[..., 1].argmax()]
    np.testing.assert_allclose(brightest, [0.5 * 175, 0.5 * 238, 0.5 * 238], atol=1)


@pytest.mark.parametrize("level", LEVELS["spatter"])
def test_a_dry_image_stays_clean(level: tuple[float, ...], tiles: np.ndarray) -> None:
    np.testing.assert_array_equal(weather.spatter(tiles[4], level, Calm()), tiles[4])
