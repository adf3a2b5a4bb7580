"""How much two masks agree, and how much they would by their layer densities alone."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from tf_dlth.analysis.layers import Masks, require_layers

TAIL = 1e-15
"""The probability left out on both sides of an intersection's distribution: it bounds the error of an expectation."""


@dataclass(frozen=True)
class Overlap:
    """Jaccard indices |A and B| / |A or B|, by layer and over all positions; NaN where both masks are empty."""

    layers: dict[str, float]
    overall: float


def jaccard(a: Masks, b: Masks) -> Overlap:
    """The overlap of two networks' masks. Raises UserError where their layers differ."""
    _require_same(a, b)
    both = [int(np.count_nonzero(a[name] & b[name])) for name in a]
    either = [int(np.count_nonzero(a[name] | b[name])) for name in a]
    layers = {name: _ratio(x, y) for name, x, y in zip(a, both, either, strict=True)}
    return Overlap(layers, _ratio(sum(both), sum(either)))


def expected_jaccard(a: Masks, b: Masks) -> Overlap:
    """The expectation of ``jaccard`` for positions drawn uniformly in each layer, both masks keeping their counts.

    A layer's intersection is then hypergeometric, and the whole network's is the sum of independent ones. The
    expectations are sums over these distributions, with an error below 1e-12; not the ratio of expectations.
    Raises UserError where the layers differ.
    """
    _require_same(a, b)
    counts = {name: (int(np.count_nonzero(a[name])), int(np.count_nonzero(b[name]))) for name in a}
    parts = {name: _intersections(a[name].size, *counts[name]) for name in a}
    layers = {name: _expectation(parts[name], sum(counts[name])) for name in a}
    return Overlap(layers, _expectation(_sum(list(parts.values())), sum(map(sum, counts.values()))))


@dataclass(frozen=True)
class _Distribution:
    """Of a whole number: float64 ``probabilities`` of ``first``, ``first`` + 1, ..."""

    first: int
    probabilities: np.ndarray


def _intersections(total: int, a: int, b: int) -> _Distribution:
    """Common members of two uniformly drawn subsets with ``a`` and ``b`` of ``total`` positions."""
    mean = a * b / total
    # Hoeffding's bound, which holds for draws without replacement too: P(|x - mean| >= d) <= 2 exp(-2 d^2 / draws)
    reach = math.sqrt(min(a, b) * math.log(2 / TAIL) / 2)
    first = max(0, a + b - total, math.floor(mean - reach))
    x = np.arange(first, min(a, b, math.ceil(mean + reach)), dtype=float)
    ratios = np.log((a - x) / (x + 1)) + np.log((b - x) / (total - a - b + x + 1))
    logs = np.concatenate([[0.0], np.cumsum(ratios)])
    probabilities = np.exp(logs - logs.max())
    return _Distribution(first, probabilities / probabilities.sum())


def _sum(parts: Sequence[_Distribution]) -> _Distribution:
    """The sum of independent numbers: the convolution of their distributions."""
    length = sum(part.probabilities.size - 1 for part in parts) + 1
    transforms = [np.fft.rfft(part.probabilities, length) for part in parts]
    return _Distribution(sum(part.first for part in parts), np.fft.irfft(np.prod(transforms, axis=0), length))


def _expectation(intersection: _Distribution, sizes: int) -> float:
    """Of x / (sizes - x), the Jaccard index of sets with ``sizes`` members together and x in common."""
    if sizes == 0:
        return math.nan
    x = intersection.first + np.arange(intersection.probabilities.size)
    return float(intersection.probabilities @ (x / (sizes - x)))


def _ratio(both: int, either: int) -> float:
    return both / either if either else math.nan


def _require_same(a: Masks, b: Masks) -> None:
    require_layers(a, b)
    require_layers(b, a)
