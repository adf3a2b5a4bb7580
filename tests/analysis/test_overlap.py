from __future__ import annotations

import math

import numpy as np
import pytest
from scipy import stats

from tf_dlth.analysis.overlap import expected_jaccard, jaccard
from tf_dlth.errors import UserError


def mask_of(size: int, count: int) -> np.ndarray:
    return np.arange(size) < count


def masks_of(*layers: tuple[int, int]) -> dict[str, np.ndarray]:
    return {str(i): mask_of(*layer) for i, layer in enumerate(layers)}


def test_jaccard_literals():
    a = {"x": np.array([[True, True], [False, False]]), "y": np.array([True, False, True])}
    b = {"y": np.array([True, False, True]), "x": np.array([[True, False], [True, True]])}
    result = jaccard(a, b)
    assert result.layers == {"x": 1 / 4, "y": 1.0}
    assert list(result.layers) == ["x", "y"]
    assert result.overall == 3 / 6


def test_two_empty_masks_have_no_overlap_to_speak_of():
    a = {"empty": np.zeros(3, bool), "full": np.ones(2, bool)}
    for result in (jaccard(a, a), expected_jaccard(a, a)):
        assert math.isnan(result.layers["empty"])
        assert result.layers["full"] == 1
        assert result.overall == 1
    nothing = {"empty": np.zeros(3, bool)}
    assert math.isnan(jaccard(nothing, nothing).overall)
    assert math.isnan(expected_jaccard(nothing, nothing).overall)


@pytest.mark.parametrize(
    ("size", "a", "b"), [(10, 3, 4), (10, 9, 8), (5, 5, 2), (7, 0, 3), (1, 1, 1), (1000, 35, 400), (50000, 1758, 30000)]
)
def test_a_layer_against_scipys_hypergeometric(size: int, a: int, b: int):
    x = np.arange(max(0, a + b - size), min(a, b) + 1)
    expected = np.sum(stats.hypergeom.pmf(x, size, a, b) * x / (a + b - x))
    result = expected_jaccard({"w": mask_of(size, a)}, {"w": mask_of(size, b)})
    assert result.layers["w"] == pytest.approx(expected, rel=1e-9)
    assert result.overall == pytest.approx(expected, rel=1e-9)


def test_the_expectation_by_hand():
    """One of two positions each: the same with probability 1/2, Jaccard 1 or 0."""
    one = masks_of((2, 1))
    assert expected_jaccard(one, one).overall == pytest.approx(0.5, rel=1e-12)
    two = masks_of((2, 1), (2, 1))
    # 0, 1 or 2 in common with probabilities 1/4, 1/2, 1/4; Jaccard 0, 1/3, 1
    assert expected_jaccard(two, two).overall == pytest.approx(1 / 6 + 1 / 4, rel=1e-12)


def test_against_simulation():
    a, b = masks_of((30, 6), (100, 3), (9, 9)), masks_of((30, 20), (100, 50), (9, 2))
    random = np.random.RandomState(0)
    draws = []
    for _ in range(4000):
        drawn = [{name: random.permutation(mask) for name, mask in masks.items()} for masks in (a, b)]
        result = jaccard(*drawn)
        draws.append([*result.layers.values(), result.overall])
    expected = expected_jaccard(a, b)
    errors = np.std(draws, axis=0) / math.sqrt(len(draws))
    values = [*expected.layers.values(), expected.overall]
    assert np.all(np.abs(np.mean(draws, axis=0) - values) <= 4 * errors + 1e-12)


def test_layers_of_a_real_size():
    """Millions of positions: the law is narrow, so the ratio of expectations is a close check."""
    sizes = (1728, 1179648, 2359296, 2359296)
    a, b = (masks_of(*((n, round(n * d)) for n, d in zip(sizes, ds, strict=True))) for ds in ((0.9, 0.1, 0.02, 0),) * 2)
    expected = expected_jaccard(a, b)
    shared = sum(int(a[n].sum()) ** 2 / a[n].size for n in a)
    total = 2 * sum(int(mask.sum()) for mask in a.values())
    assert expected.overall == pytest.approx(shared / (total - shared), rel=1e-4)
    assert expected.layers["1"] == pytest.approx(0.1 / 1.9, rel=1e-4)
    assert math.isnan(expected.layers["3"])


@pytest.mark.parametrize("compare", [jaccard, expected_jaccard])
def test_networks_of_other_layers_are_an_error(compare):
    a = masks_of((2, 1))
    for other in (masks_of((3, 1)), masks_of((2, 1), (2, 1)), {}):
        with pytest.raises(UserError):
            compare(a, other)
