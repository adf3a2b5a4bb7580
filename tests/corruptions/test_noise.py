"""Each noise against the exact distribution of its output, for one grey value over many draws."""

from __future__ import annotations

from collections.abc import Callable
from fractions import Fraction

import numpy as np
import pytest
from scipy import stats

from tf_dlth.corruptions import noise
from tf_dlth.corruptions.severities import LEVELS

SHAPE = (256, 256, 3)
GRAY = 120
LEVEL_1_AND_5 = (0, 4)


def _shares(image: np.ndarray) -> np.ndarray:
    return np.bincount(image.ravel(), minlength=256) / image.size


def _corrupted(function: Callable, kind: str, index: int, value: int = GRAY) -> np.ndarray:
    return function(np.full(SHAPE, value, np.uint8), LEVELS[kind][index], np.random.default_rng(index))


def _normal_probabilities(deviation: float) -> np.ndarray:
    """Of the outputs 0..255 of value + N(0, deviation), clipped and cut off to whole numbers."""
    edges = np.array([-np.inf, *range(1, 256), np.inf])
    return np.diff(stats.norm.cdf(edges, loc=GRAY, scale=deviation))


def _poisson_probabilities(events: int) -> np.ndarray:
    probabilities = np.zeros(256)
    counts = np.arange(0, 2 * events)
    for count, probability in zip(counts, stats.poisson.pmf(counts, GRAY / 255 * events), strict=True):
        probabilities[int(min(Fraction(int(count), events), Fraction(1)) * 255)] += probability
    return probabilities


def _assert_distributed(image: np.ndarray, probabilities: np.ndarray) -> None:
    """Chi-square over the outputs that are expected at least 10 times; the rest is one bin."""
    common = probabilities * image.size >= 10
    expected = np.array([*probabilities[common], probabilities[~common].sum()]) * image.size
    found = np.array([*_shares(image)[common], _shares(image)[~common].sum()]) * image.size
    filled = expected > 1e-6
    assert found[~filled].sum() == 0
    assert stats.chisquare(found[filled], expected[filled], sum_check=False).pvalue > 1e-4


@pytest.mark.parametrize("index", LEVEL_1_AND_5)
def test_gaussian_noise_has_its_normal_distribution(index: int) -> None:
    deviation = {0: 0.04, 4: 0.10}[index]
    noisy = _corrupted(noise.gaussian_noise, "gaussian_noise", index)
    _assert_distributed(noisy, _normal_probabilities(255 * deviation))


@pytest.mark.parametrize("index", LEVEL_1_AND_5)
def test_speckle_noise_is_normal_in_proportion_to_the_value(index: int) -> None:
    deviation = {0: 0.06, 4: 0.2}[index]
    noisy = _corrupted(noise.speckle_noise, "speckle_noise", index)
    _assert_distributed(noisy, _normal_probabilities(GRAY * deviation))


@pytest.mark.parametrize("index", LEVEL_1_AND_5)
def test_shot_noise_has_its_poisson_distribution(index: int) -> None:
    noisy = _corrupted(noise.shot_noise, "shot_noise", index)
    _assert_distributed(noisy, _poisson_probabilities({0: 500, 4: 50}[index]))


@pytest.mark.parametrize("index", LEVEL_1_AND_5)
def test_impulse_noise_sets_its_share_to_black_and_white_and_no_other_value(index: int) -> None:
    share = {0: 0.01, 4: 0.07}[index]
    probabilities = np.zeros(256)
    probabilities[[0, GRAY, 255]] = share / 2, 1 - share, share / 2
    _assert_distributed(_corrupted(noise.impulse_noise, "impulse_noise", index), probabilities)


def test_impulse_noise_hits_the_channels_one_by_one() -> None:
    hit = _corrupted(noise.impulse_noise, "impulse_noise", 4) != GRAY
    assert hit.any(axis=-1).mean() == pytest.approx(1 - 0.93**3, abs=0.005)


@pytest.mark.parametrize("function", [noise.shot_noise, noise.speckle_noise])
def test_noise_in_proportion_leaves_black_alone(function: Callable) -> None:
    kind = function.__name__
    assert not _corrupted(function, kind, 4, value=0).any()
