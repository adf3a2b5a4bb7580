from __future__ import annotations

import math

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import stats

from tf_dlth.analysis.cross_validation import (
    chosen_by_all,
    chosen_by_others,
    difference,
    estimate,
    with_differences,
)

IMAGES = np.array([10, 20, 10])
ACCURACIES = np.array([[0.9, 0.5, 0.7], [0.5, 0.8, 0.7], [0.2, 0.6, 0.7]])
"""Right answers 9 5 7, 10 16 14 and 2 6 7: without the first fold 12 22 21, without the second 11 11 14, without the
third 19 21 21."""


def test_each_fold_takes_what_is_right_most_often_in_the_others() -> None:
    assert chosen_by_others(ACCURACIES, IMAGES).tolist() == [1, 2, 1]
    assert chosen_by_all(ACCURACIES, IMAGES) == 2  # 21 27 28


@settings(deadline=None)
@given(st.integers(2, 6), st.integers(1, 5), st.integers(0, 2**32 - 1))
def test_what_a_fold_scores_does_not_take_part_in_its_choice(folds: int, candidates: int, seed: int) -> None:
    random = np.random.RandomState(seed)
    images = random.randint(3, 9, folds)
    accuracies = random.randint(0, images[:, None] + 1, (folds, candidates)) / images[:, None]
    changed = accuracies.copy()
    changed[0] = random.randint(0, images[0] + 1, candidates) / images[0]
    found = chosen_by_others(accuracies, images)
    assert found[0] == chosen_by_others(changed, images)[0]
    for fold in range(folds):
        others = [i for i in range(folds) if i != fold]
        right = [sum(round(accuracies[i, c] * images[i]) for i in others) for c in range(candidates)]
        assert found[fold] == right.index(max(right))


def test_an_accuracy_is_pooled_over_images_and_its_interval_is_of_the_folds() -> None:
    values = np.array([0.9, 0.8, 0.7])
    found = estimate(values, IMAGES)
    assert found.pooled == pytest.approx(32 / 40)
    assert found.error == pytest.approx(math.sqrt(0.8 * 0.2 / 40))
    assert found.folds.mean == pytest.approx(0.8)
    expected = stats.t.interval(0.95, 2, loc=values.mean(), scale=stats.sem(values))
    assert (found.folds.low, found.folds.high) == pytest.approx(expected)


def test_a_difference_is_paired_by_fold() -> None:
    first, second = np.array([0.9, 0.8, 0.7]), np.array([0.8, 0.7, 0.5])
    found = difference(first, second, IMAGES)
    assert found.pooled == pytest.approx((1 + 2 + 2) / 40)
    assert found.error == pytest.approx(math.sqrt((0.8 * 0.2 + 0.675 * 0.325) / 40))
    paired = stats.ttest_rel(first, second).confidence_interval(0.95)
    assert (found.folds.low, found.folds.high) == pytest.approx((paired.low, paired.high))


def test_the_ticket_is_compared_with_all_others() -> None:
    values = {"dense": np.array([0.5, 0.5, 0.5]), "ticket": np.array([0.6, 0.5, 0.7]), "control": np.array([0.6] * 3)}
    found = with_differences(values, IMAGES)
    assert list(found) == ["dense", "ticket", "control", "ticket - dense", "ticket - control"]
    assert found["ticket - control"].folds.mean == pytest.approx(0)
    assert list(with_differences({"dense": values["dense"]}, IMAGES)) == ["dense"]
