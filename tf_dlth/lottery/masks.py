"""Global magnitude ranking with exact counts, in NumPy (paper section 3.1).

A mask is a boolean array of its weight's shape: True remains. ``Masks`` maps the names of all prunable variables to
their masks; every function leaves its arguments unchanged.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping

import numpy as np

Weights = Mapping[str, np.ndarray]
Masks = Mapping[str, np.ndarray]


def ones(weights: Weights, prunable: Iterable[str]) -> dict[str, np.ndarray]:
    """The dense network's masks."""
    return {name: np.ones(weights[name].shape, bool) for name in prunable}


def prune_global(weights: Weights, masks: Masks, rate: float) -> dict[str, np.ndarray]:
    """Removes the fraction ``rate`` of the remaining weights, smallest magnitudes of all layers first.

    Of ``n`` remaining weights exactly ``round(rate * n)`` go, Python's rounding. Equal magnitudes go in the order of
    (variable name, position), so that ties never change a count. What was removed never comes back.

    Raises ValueError for NaN or infinite weights, or where shapes differ.
    """
    names = sorted(masks)
    _check(weights, masks)
    magnitudes = np.concatenate([np.abs(weights[n][masks[n].astype(bool)]).ravel() for n in names])
    keep = ~_smallest(magnitudes, round(rate * magnitudes.size))
    pruned, offset = {name: mask.astype(bool) for name, mask in masks.items()}, 0
    for name in names:
        count = np.count_nonzero(pruned[name])
        pruned[name][pruned[name]] = keep[offset : offset + count]
        offset += count
    return pruned


def apply(weights: Weights, masks: Masks) -> dict[str, np.ndarray]:
    """All variables, with the removed weights exactly zero."""
    return {n: np.where(masks[n], w, np.zeros((), w.dtype)) if n in masks else w for n, w in weights.items()}


def remaining(masks: Masks) -> int:
    """How many prunable weights are left."""
    return sum(int(np.count_nonzero(mask)) for mask in masks.values())


def prunable(masks: Masks) -> int:
    """How many prunable weights the dense network has."""
    return sum(mask.size for mask in masks.values())


def density(masks: Masks) -> float:
    """Remaining over prunable weights; kernels only, not all parameters."""
    return remaining(masks) / prunable(masks)


def is_subset(child: Masks, parent: Masks) -> bool:
    """Whether the child revives no weight that its parent removed."""
    return child.keys() == parent.keys() and not any(np.any(child[n] & ~parent[n]) for n in parent)


def _smallest(values: np.ndarray, count: int) -> np.ndarray:
    """A boolean array that marks exactly the ``count`` smallest values, of equal ones the first."""
    if count == 0:
        return np.zeros(values.shape, bool)
    threshold = np.partition(values, count - 1)[count - 1]
    chosen = values < threshold
    ties = np.flatnonzero(values == threshold)
    chosen[ties[: count - np.count_nonzero(chosen)]] = True
    return chosen


def _check(weights: Weights, masks: Masks) -> None:
    for name, mask in masks.items():
        if weights[name].shape != mask.shape:
            raise ValueError(f"{name}: weight {weights[name].shape} and mask {mask.shape} differ in shape")
        if not np.isfinite(weights[name]).all():
            raise ValueError(f"{name}: NaN or infinite weights cannot be ranked")
