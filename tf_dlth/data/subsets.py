"""Which images are trained on and held out: stratified, seeded and nested. NumPy only.

Every function works on labels alone. ``orders`` are index arrays, one a class; a subset is a prefix of each,
so that a smaller subset lies inside every larger one of the same seed.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from tf_dlth.errors import UserError, printable

Orders = list[np.ndarray]
"""For each class the positions of its images, int64 [images of the class]."""


def file_orders(labels: np.ndarray, classes: int) -> Orders:
    """The positions of each class in file order, from labels int [N]."""
    by_class = np.argsort(labels, kind="stable")
    ends = np.cumsum(np.bincount(labels, minlength=classes))
    return np.split(by_class, ends[:-1])


def seeded_orders(labels: np.ndarray, classes: int, seed: int) -> Orders:
    """The positions of each class, from labels int [N], in an order that only the seed and the class decide."""
    # RandomState, because NumPy freezes its stream for good and that of Generator only within a version.
    return [
        members[np.random.RandomState([seed, label]).permutation(len(members))]
        for label, members in enumerate(file_orders(labels, classes))
    ]


def sizes(orders: Orders) -> np.ndarray:
    """Images of each class, int64 [classes]."""
    return np.array([len(order) for order in orders], np.int64)


def fraction_counts(available: np.ndarray, fraction: float, class_names: Sequence[str]) -> np.ndarray:
    """A share of each class, int64 [classes], rounded half to even; raises UserError where a class is left empty."""
    counts = np.array([round(int(n) * fraction) for n in available], np.int64)
    if (empty := np.flatnonzero(counts == 0)).size:
        label = int(empty[0])
        raise UserError(
            f"data.fraction: {fraction:g} of the {available[label]} images of class {class_names[label]} is "
            f"less than one image; use at least {1 / max(1, int(available[label])):.3g}"
        )
    return counts


def long_tail_counts(largest: int, classes: int, imbalance: float) -> np.ndarray:
    """``int(largest * imbalance ** (j / (classes - 1)))`` images of class j, int64 [classes] (paper section 3.5)."""
    steps = max(1, classes - 1)
    return np.array([int(largest * imbalance ** (j / steps)) for j in range(classes)], np.int64)


def require(asked: np.ndarray, available: np.ndarray, class_names: Sequence[str], field: str) -> None:
    """Raises UserError naming the first class with fewer images than are asked for, int [classes] both."""
    if (short := np.flatnonzero(asked > available)).size:
        label = int(short[0])
        raise UserError(
            f"{field}: {asked[label]} images asked of class {class_names[label]}, which has "
            f"{available[label]}; ask for at most {int(available.min())}"
        )


def cut(orders: Orders, counts: np.ndarray) -> tuple[Orders, Orders]:
    """The first ``counts`` (int [classes]) of each order, and the rest."""
    return (
        [order[:count] for order, count in zip(orders, counts, strict=True)],
        [order[count:] for order, count in zip(orders, counts, strict=True)],
    )


def training_subset(
    labels: np.ndarray,
    class_names: Sequence[str],
    *,
    seed: int,
    fraction: float | None = None,
    per_class: int | None = None,
    imbalance: float | None = None,
) -> tuple[Orders, Orders]:
    """The chosen positions of each class in labels int [N] and the unused ones; without a rule everything is chosen."""
    orders = seeded_orders(labels, len(class_names), seed)
    available = sizes(orders)
    if imbalance is not None:
        return _long_tail(labels, class_names, imbalance)
    if fraction is not None:
        return cut(orders, fraction_counts(available, fraction, class_names))
    if per_class is not None:
        counts = np.full(len(class_names), per_class, np.int64)
        require(counts, available, class_names, "data.per_class")
        return cut(orders, counts)
    return cut(orders, available)


def _long_tail(labels: np.ndarray, class_names: Sequence[str], imbalance: float) -> tuple[Orders, Orders]:
    orders = file_orders(labels, len(class_names))
    smallest = int(sizes(orders).min())
    counts = long_tail_counts(smallest, len(class_names), imbalance)
    if counts[-1] == 0:
        raise UserError(
            f"data.imbalance: {imbalance:g} leaves class {class_names[-1]} without images; "
            f"use at least {1 / smallest:.3g}"
        )
    return cut(orders, counts)


def hold_out(orders: Orders, counts: np.ndarray) -> tuple[Orders, Orders]:
    """What remains, and the last ``counts`` (int [classes]) of each order: the same whatever prefix is trained on."""
    return cut(orders, sizes(orders) - counts)


def fold_numbers(labels: np.ndarray, class_names: Sequence[str], seed: int, folds: int) -> np.ndarray:
    """The fold, 1 to ``folds``, of each image, int64 [N] as its labels are; only the seed and the labels decide.

    The images of one class after the other, in seeded order, are dealt out in turn, so that neither the images of a
    class nor all of them differ by more than one between two folds. Raises UserError where a fold would lack a class.
    """
    orders = seeded_orders(labels, len(class_names), seed)
    fewest = int(np.argmin(sizes(orders)))
    if (found := len(orders[fewest])) < folds:
        fewer = f"use {found} folds at most, or add images of it" if found > 1 else "add images of it"
        raise UserError(
            f"data.fold: {folds} folds need as many images of every class, and class "
            f"{printable(class_names[fewest])} has {found} to train and choose by; {fewer}"
        )
    numbers = np.empty(len(labels), np.int64)
    numbers[np.concatenate(orders)] = np.arange(len(labels)) % folds + 1
    return numbers


def joined(orders: Orders) -> np.ndarray:
    """All positions of all classes in file order, int64 [n]."""
    return np.sort(np.concatenate(orders)) if orders else np.empty(0, np.int64)


def fifth_split(labels: np.ndarray, class_names: Sequence[str], seed: int) -> tuple[np.ndarray, np.ndarray]:
    """Training and test positions of one tree, int64, from labels int [N].

    20 % of each class tests, rounded, at least one image.
    """
    orders = seeded_orders(labels, len(class_names), seed)
    if (single := np.flatnonzero(sizes(orders) < 2)).size:
        name = printable(class_names[int(single[0])])
        raise UserError(f"class {name} has one image, which cannot both train and test; add another")
    counts = np.array([max(1, round(0.2 * int(n))) for n in sizes(orders)], np.int64)
    train, test = hold_out(orders, counts)
    return joined(train), joined(test)


def leading_split(labels: np.ndarray, classes: int, seed: int, leading: Sequence[int]) -> tuple[np.ndarray, ...]:
    """The first ``leading[0]`` of each class, the next ``leading[1]``, ..., and last the rest.

    Positions, int64, from labels int [N].
    """
    rest = seeded_orders(labels, classes, seed)
    parts = []
    for count in leading:
        head, rest = cut(rest, np.minimum(count, sizes(rest)))
        parts.append(joined(head))
    return (*parts, joined(rest))
