from __future__ import annotations

import subprocess
import sys

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from sklearn.model_selection import StratifiedKFold

from tf_dlth.data import subsets
from tf_dlth.errors import UserError

NAMES = ("a", "b", "c", "d")

labellings = st.lists(st.integers(0, 3), min_size=0, max_size=80).map(
    # 4 images of each class at least, in any order
    lambda extra: np.random.RandomState(len(extra)).permutation([0, 1, 2, 3] * 4 + extra).astype(np.int32)
)
seeds = st.integers(0, 2**32 - 1)


def chosen(labels: np.ndarray, seed: int, **rule: float) -> np.ndarray:
    return subsets.joined(subsets.training_subset(labels, NAMES, seed=seed, **rule)[0])  # pyright: ignore[reportArgumentType]


@settings(deadline=None)
@given(labellings, seeds, st.floats(0.25, 1), st.floats(0.25, 1))
def test_a_smaller_fraction_lies_inside_a_larger(labels: np.ndarray, seed: int, a: float, b: float) -> None:
    small, large = chosen(labels, seed, fraction=min(a, b)), chosen(labels, seed, fraction=max(a, b))
    assert set(small) <= set(large)


@settings(deadline=None)
@given(labellings, seeds, st.floats(0.25, 1))
def test_a_fraction_is_rounded_in_each_class(labels: np.ndarray, seed: int, fraction: float) -> None:
    counts = np.bincount(labels[chosen(labels, seed, fraction=fraction)], minlength=4)
    assert counts.tolist() == [round(int(n) * fraction) for n in np.bincount(labels, minlength=4)]


@settings(deadline=None)
@given(labellings, seeds, st.integers(1, 4))
def test_per_class_is_balanced_and_nested(labels: np.ndarray, seed: int, per_class: int) -> None:
    small = chosen(labels, seed, per_class=per_class)
    assert np.bincount(labels[small], minlength=4).tolist() == [per_class] * 4
    assert set(small) <= set(chosen(labels, seed, per_class=4))


@settings(deadline=None)
@given(labellings, seeds, st.integers(0, 2))
def test_chosen_and_unused_partition_the_images(labels: np.ndarray, seed: int, per_class: int) -> None:
    parts = subsets.training_subset(labels, NAMES, seed=seed, per_class=per_class + 1)
    assert sorted(np.concatenate([subsets.joined(part) for part in parts])) == list(range(len(labels)))


@settings(deadline=None)
@given(labellings, seeds, st.integers(1, 3))
def test_held_out_images_stay_the_same_for_every_smaller_subset(labels: np.ndarray, seed: int, per_class: int) -> None:
    one = np.ones(4, np.int64)
    _, unused = subsets.training_subset(labels, NAMES, seed=seed, per_class=per_class)
    _, least = subsets.training_subset(labels, NAMES, seed=seed, per_class=1)
    held = subsets.joined(subsets.hold_out(unused, one)[1])
    assert held.tolist() == subsets.joined(subsets.hold_out(least, one)[1]).tolist()
    assert not set(held) & set(chosen(labels, seed, per_class=per_class))


def test_fractions_of_ten_classes_of_five_thousand() -> None:
    labels = np.repeat(np.arange(10, dtype=np.int32), 5000)
    names = tuple("0123456789")
    sizes = []
    for fraction in (0.01, 0.02, 0.1, 0.2, 0.5, 1.0):
        orders, _ = subsets.training_subset(labels, names, seed=0, fraction=fraction)
        sizes.append(len(subsets.joined(orders)))
    assert sizes == [500, 1000, 5000, 10000, 25000, 50000]


def test_seeds_choose_different_images() -> None:
    labels = np.repeat(np.arange(4, dtype=np.int32), 100)
    assert set(chosen(labels, 0, per_class=10)) != set(chosen(labels, 1, per_class=10))


def test_classes_have_orders_of_their_own() -> None:
    labels = np.repeat(np.arange(2, dtype=np.int32), 100)
    first, second = subsets.seeded_orders(labels, 2, 0)
    assert (first != second - 100).any()


def test_the_orders_are_these_for_good() -> None:
    orders = subsets.seeded_orders(np.array([0, 1, 0, 1, 0, 1, 0, 1, 0, 1], np.int32), 2, 7)
    assert [order.tolist() for order in orders] == [[8, 2, 4, 6, 0], [7, 5, 1, 3, 9]]


@pytest.mark.parametrize(
    ("imbalance", "total", "last"), [(0.1, 19573, 50), (0.05, 15907, 25), (0.02, 12608, 10), (0.01, 10847, 5)]
)
def test_long_tail_counts_of_cifar_100(imbalance: float, total: int, last: int) -> None:
    counts = subsets.long_tail_counts(500, 100, imbalance)
    assert (counts.sum(), counts[0], counts[-1]) == (total, 500, last)
    assert (np.diff(counts) <= 0).all()


def test_the_long_tail_is_the_first_images_in_file_order() -> None:
    labels = np.random.RandomState(0).permutation(np.repeat(np.arange(100, dtype=np.int32), 500))
    names = tuple(map(str, range(100)))
    orders, unused = subsets.training_subset(labels, names, seed=3, imbalance=0.1)
    assert len(subsets.joined(orders)) == 19573
    assert len(subsets.joined(unused)) == 50000 - 19573
    assert orders[99].tolist() == np.flatnonzero(labels == 99)[:50].tolist()


def test_a_fraction_that_empties_a_class_is_an_error() -> None:
    labels = np.array([0] * 100 + [1] * 4 + [2] * 100 + [3] * 100, np.int32)
    with pytest.raises(UserError, match=r"data.fraction: 0.1 of the 4 images of class b .* use at least 0.25"):
        chosen(labels, 0, fraction=0.1)


def test_too_many_a_class_is_an_error() -> None:
    labels = np.array([0] * 9 + [1] * 9 + [2] * 7 + [3] * 9, np.int32)
    with pytest.raises(UserError, match=r"data.per_class: 8 images asked of class c, which has 7; .* at most 7"):
        chosen(labels, 0, per_class=8)


def test_a_long_tail_that_ends_before_the_last_class_is_an_error() -> None:
    labels = np.repeat(np.arange(4, dtype=np.int32), 20)
    with pytest.raises(UserError, match=r"data.imbalance: 0.01 leaves class d without images"):
        chosen(labels, 0, imbalance=0.01)


@settings(deadline=None)
@given(labellings, seeds)
def test_leading_split_partitions_by_class(labels: np.ndarray, seed: int) -> None:
    first, second, rest = subsets.leading_split(labels, 4, seed, (2, 1))
    assert np.bincount(labels[first], minlength=4).tolist() == [2] * 4
    assert np.bincount(labels[second], minlength=4).tolist() == [1] * 4
    assert sorted([*first, *second, *rest]) == list(range(len(labels)))


@settings(deadline=None)
@given(labellings, seeds)
def test_a_fifth_of_each_class_tests(labels: np.ndarray, seed: int) -> None:
    train, test = subsets.fifth_split(labels, NAMES, seed)
    counts = np.bincount(labels, minlength=4)
    assert np.bincount(labels[test], minlength=4).tolist() == [max(1, round(0.2 * int(n))) for n in counts]
    assert sorted([*train, *test]) == list(range(len(labels)))


def test_a_class_with_one_image_cannot_be_split() -> None:
    with pytest.raises(UserError, match="class b has one image"):
        subsets.fifth_split(np.array([0, 0, 1], np.int32), NAMES[:2], 0)


def test_the_module_needs_numpy_alone() -> None:
    code = "import sys, tf_dlth.data.subsets; print('tensorflow' in sys.modules)"
    output = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert output.stdout == "False\n"


@settings(deadline=None)
@given(labellings, seeds, st.integers(2, 4))
def test_folds_are_as_stratified_as_scikit_learns(labels: np.ndarray, seed: int, folds: int) -> None:
    numbers = subsets.fold_numbers(labels, NAMES, seed, folds)
    ours = np.array([np.bincount(labels[numbers == fold], minlength=4) for fold in range(1, folds + 1)])
    split = StratifiedKFold(folds, shuffle=True, random_state=0).split(labels, labels)
    theirs = np.array([np.bincount(labels[held], minlength=4) for _, held in split])
    assert (np.sort(ours, axis=0) == np.sort(theirs, axis=0)).all()  # each class alike, but for which fold has one more
    assert np.ptp(ours, axis=0).max() <= 1
    assert np.ptp(ours.sum(axis=1)) <= 1
    assert (subsets.fold_numbers(labels, NAMES, seed, folds) == numbers).all()


def test_another_seed_deals_out_other_folds() -> None:
    labels = np.arange(80) % 4
    assert (subsets.fold_numbers(labels, NAMES, 0, 4) != subsets.fold_numbers(labels, NAMES, 1, 4)).any()


def test_every_fold_has_every_class() -> None:
    labels = np.array([0] * 9 + [1] * 3 + [2] * 4 + [3] * 9)
    with pytest.raises(UserError, match=r"data.fold: 4 folds need .* class b has 3 to .*; use 3 folds at most"):
        subsets.fold_numbers(labels, NAMES, 0, 4)
    with pytest.raises(UserError, match="class b has 1 to train and choose by; add images of it"):
        subsets.fold_numbers(labels[[0, 1, 9, 12, 13, 16, 17]], NAMES, 0, 2)
