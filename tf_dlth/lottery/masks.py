"""Masks, and global magnitude ranking with exact counts, in NumPy (paper section 3.1)."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from typing import NamedTuple

import numpy as np

Weights = Mapping[str, np.ndarray]
"""Floating-point arrays by variable name, each of its variable's shape."""


class LayerCount(NamedTuple):
    """The weights of one prunable variable."""

    remaining: int
    total: int


class Masks(Mapping[str, np.ndarray]):
    """A boolean array of its weight's shape for every prunable variable, by name: True remains. Never changed.

    Takes arrays of 0 and 1 of any type; raises ValueError for other values and for no arrays at all.
    """

    def __init__(self, arrays: Mapping[str, np.ndarray]) -> None:
        if not arrays:
            raise ValueError("masks of no variable: there is nothing to prune")
        self._arrays = {name: _boolean(name, np.asarray(array)) for name, array in arrays.items()}
        self._counts = {name: LayerCount(int(np.count_nonzero(a)), a.size) for name, a in self._arrays.items()}

    @classmethod
    def ones(cls, weights: Weights, prunable: Iterable[str]) -> Masks:
        """The dense network's: all True, of the shapes of ``weights``."""
        return cls({name: np.ones(weights[name].shape, bool) for name in prunable})

    def __getitem__(self, name: str) -> np.ndarray:
        return self._arrays[name]

    def __iter__(self) -> Iterator[str]:
        return iter(self._arrays)

    def __len__(self) -> int:
        return len(self._arrays)

    def __eq__(self, other: object) -> bool:
        if not isinstance(other, Masks):
            return NotImplemented
        return self.keys() == other.keys() and all(np.array_equal(self[name], other[name]) for name in self)

    __hash__ = None  # type: ignore[assignment]  # equal by content, and large

    def __repr__(self) -> str:
        return f"Masks({self.remaining} of {self.prunable} weights in {len(self)} variables)"

    @property
    def layers(self) -> Mapping[str, LayerCount]:
        """Remaining and all weights of each variable."""
        return dict(self._counts)

    @property
    def remaining(self) -> int:
        """How many prunable weights are left."""
        return sum(count.remaining for count in self._counts.values())

    @property
    def prunable(self) -> int:
        """How many prunable weights the dense network has."""
        return sum(count.total for count in self._counts.values())

    @property
    def density(self) -> float:
        """Remaining over prunable weights; kernels only, not all parameters."""
        return self.remaining / self.prunable

    def apply(self, weights: Weights) -> dict[str, np.ndarray]:
        """All of ``weights``, with the removed ones exactly zero; raises ValueError where shapes differ."""
        self.require_fit(weights)
        return {n: np.where(self[n], w, np.zeros((), w.dtype)) if n in self else w for n, w in weights.items()}

    def within(self, parent: Masks) -> bool:
        """Whether they revive no weight that the parent removed, and are of the same variables."""
        return self.keys() == parent.keys() and not any(np.any(self[n] & ~parent[n]) for n in parent)

    def require_fit(self, weights: Weights) -> None:
        """Raises ValueError unless every mask has its weight's shape."""
        for name, mask in self.items():
            if weights[name].shape != mask.shape:
                raise ValueError(f"{name}: weight {weights[name].shape} and mask {mask.shape} differ in shape")


def prune_global(weights: Weights, masks: Mapping[str, np.ndarray], rate: float) -> Masks:
    """Removes the fraction ``rate`` of the remaining weights, smallest magnitudes of all layers first.

    Of ``n`` remaining weights exactly ``round(rate * n)`` go, Python's rounding. Equal magnitudes go in the order of
    (variable name, position), so that ties never change a count. What was removed never comes back.

    Raises ValueError for NaN or infinite weights, or where shapes differ.
    """
    before = Masks(masks)
    before.require_fit(weights)
    names = sorted(before)
    magnitudes = np.concatenate([_magnitudes(name, weights[name][before[name]]) for name in names])
    keep = ~_smallest(magnitudes, round(rate * magnitudes.size))
    ends = np.cumsum([before.layers[name].remaining for name in names])
    kept = dict(zip(names, np.split(keep, ends[:-1]), strict=True))
    return Masks({name: _narrowed(mask, kept[name]) for name, mask in before.items()})


def _narrowed(mask: np.ndarray, kept: np.ndarray) -> np.ndarray:
    """The mask with those of its remaining weights that ``kept`` [remaining] marks."""
    narrowed = mask.copy()
    narrowed[mask] = kept
    return narrowed


def _magnitudes(name: str, values: np.ndarray) -> np.ndarray:
    if not np.isfinite(values).all():
        raise ValueError(f"{name}: NaN or infinite weights cannot be ranked")
    return np.abs(values)


def _smallest(values: np.ndarray, count: int) -> np.ndarray:
    """A boolean array that marks exactly the ``count`` smallest values, of equal ones the first."""
    if count == 0:
        return np.zeros(values.shape, bool)
    threshold = np.partition(values, count - 1)[count - 1]
    chosen = values < threshold
    ties = np.flatnonzero(values == threshold)
    chosen[ties[: count - np.count_nonzero(chosen)]] = True
    return chosen


def _boolean(name: str, array: np.ndarray) -> np.ndarray:
    if array.dtype != bool and not np.isin(array, (0, 1)).all():
        raise ValueError(f"{name}: a mask holds nothing but 0 and 1")
    frozen = array.astype(bool)
    frozen.flags.writeable = False
    return frozen
