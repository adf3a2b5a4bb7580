from __future__ import annotations

from collections.abc import Mapping

import numpy as np
import pytest

from tf_dlth.corruptions.corruption import corrupt, generator
from tf_dlth.corruptions.severities import KINDS, SEVERITIES

Textures = tuple[np.ndarray, ...]

MONOTONE = {
    "gaussian_noise",
    "shot_noise",
    "impulse_noise",
    "speckle_noise",
    "defocus_blur",
    "zoom_blur",
    "gaussian_blur",
    "snow",
    "fog",
    "brightness",
    "contrast",
    "pixelate",
    "jpeg_compression",
}


def _versions(images: np.ndarray, kind: str, severity: int, frost: Textures) -> np.ndarray:
    return np.stack(
        [corrupt(image, kind, severity, generator(0, kind, severity, i), frost) for i, image in enumerate(images)]
    )


@pytest.fixture(scope="module")
def distances(tiles: np.ndarray, crystals: Textures) -> Mapping[str, list[float]]:
    """Mean squared distance to the clean images, for each kind at severities 1 to 5."""

    def distance(kind: str, severity: int) -> float:
        return float(((_versions(tiles, kind, severity, crystals).astype(float) - tiles) ** 2).mean())

    return {kind: [distance(kind, severity) for severity in SEVERITIES] for kind in KINDS}


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("channels", [1, 3])
def test_every_kind_is_repeatable_and_leaves_its_input_alone(
    kind: str, channels: int, tiles: np.ndarray, crystals: Textures
) -> None:
    image = np.ascontiguousarray(tiles[5][..., :channels])
    before = image.copy()
    for severity in SEVERITIES:
        first = corrupt(image, kind, severity, generator(1, kind, severity, 9), crystals)
        again = corrupt(image, kind, severity, generator(1, kind, severity, 9), crystals)
        np.testing.assert_array_equal(first, again)
        assert (first.dtype, first.shape) == (np.uint8, (32, 32, channels))
    np.testing.assert_array_equal(image, before)


@pytest.mark.parametrize("kind", sorted(MONOTONE))
def test_the_distance_to_the_clean_image_grows_with_every_severity(
    kind: str, distances: Mapping[str, list[float]]
) -> None:
    assert np.all(np.diff(distances[kind]) > 0), distances[kind]


def test_severity_5_is_further_than_1_for_all_but_the_elastic_transform(
    distances: Mapping[str, list[float]],
) -> None:
    grows = {kind for kind in KINDS if distances[kind][4] > distances[kind][0]}
    assert grows == set(KINDS) - {"elastic_transform"}


# The published parameters themselves do not grow in these six; what does grow is tested for each.


def test_motion_blur_has_the_same_kernel_at_severities_3_and_4(
    tiles: np.ndarray, distances: Mapping[str, list[float]]
) -> None:
    # The radius grows from 6 to 8 px, but at a deviation of 2 px the trail has ended after 13 px.
    third = corrupt(tiles[0], "motion_blur", 3, np.random.default_rng(0))
    fourth = corrupt(tiles[0], "motion_blur", 4, np.random.default_rng(0))
    assert np.abs(third.astype(int) - fourth).max() <= 1
    one, two, three, four, five = distances["motion_blur"]
    assert one < two < min(three, four)
    assert max(three, four) < five


def test_elastic_transform_jitters_less_and_less(distances: Mapping[str, list[float]]) -> None:
    assert np.all(np.diff(distances["elastic_transform"]) < 0)


def test_glass_blur_grows_with_its_rounds_and_its_blur_brings_it_back(
    distances: Mapping[str, list[float]],
) -> None:
    one, two, three, four, five = distances["glass_blur"]
    assert max(one, two, three) < min(four, five)
    assert one > two > three
    assert four > five


def test_saturate_first_takes_colour_away_and_then_adds_it(distances: Mapping[str, list[float]]) -> None:
    one, two, three, four, five = distances["saturate"]
    assert one < two
    assert three < four < five


def test_frost_darkens_the_image_from_severity_3_to_4_with_the_same_weight_of_frost(
    distances: Mapping[str, list[float]],
) -> None:
    one, two, three, four, five = distances["frost"]
    assert one < two < three
    assert four < five


def test_spatter_is_water_up_to_severity_3_and_then_mud(distances: Mapping[str, list[float]]) -> None:
    one, two, three, four, five = distances["spatter"]
    assert one < two < three
    assert four < five


def test_draws_differ_by_seed_kind_severity_and_index() -> None:
    addresses = [(0, "fog", 1, 0), (1, "fog", 1, 0), (0, "snow", 1, 0), (0, "fog", 2, 0), (0, "fog", 1, 1)]
    assert len({generator(*address).random() for address in addresses}) == len(addresses)


@pytest.mark.parametrize("shape", [(64, 64, 3), (32, 32), (32, 32, 4), (32, 16, 3)])
def test_other_shapes_are_refused(shape: tuple[int, ...]) -> None:
    with pytest.raises(ValueError, match=r"uint8 \[32, 32, 1 or 3\]"):
        corrupt(np.zeros(shape, np.uint8), "fog", 1, np.random.default_rng(0))


def test_other_values_are_refused() -> None:
    with pytest.raises(ValueError, match="not float32"):
        corrupt(np.zeros((32, 32, 3), np.float32), "fog", 1, np.random.default_rng(0))  # type: ignore[arg-type]


def test_frost_without_textures_is_refused() -> None:
    with pytest.raises(ValueError, match="frost needs textures"):
        corrupt(np.zeros((32, 32, 3), np.uint8), "frost", 1, np.random.default_rng(0))
