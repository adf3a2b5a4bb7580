"""Whether one arm beats another: paired t-tests over runs that share their seeds, corrected by Holm.

The unit is a pair (seed, subset_seed): the images and first weights that all arms share. Draws inside a pair, such
as the seeds of random masks, are averaged and never count as further units.
"""

from __future__ import annotations

import math
from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Literal

import numpy as np
from scipy.special import stdtr, stdtrit

MIN_PAIRS = 3
"""Fewer pairs are described, not tested."""
ALPHA = 0.05

Pair = tuple[int, int]
"""(seed, subset_seed)"""
Word = Literal["confirmed", "contradicted", "inconclusive", "not tested"]


@dataclass(frozen=True)
class Record:
    """One run's number, an accuracy as a rule."""

    pair: Pair
    arm: str
    value: float
    mask_seed: int | None = None


@dataclass(frozen=True)
class Paired:
    """``values[arm]`` is float64 [pairs], in the order of ``pairs``; ``incomplete`` pairs, left out, lack an arm."""

    pairs: tuple[Pair, ...]
    values: dict[str, np.ndarray]
    incomplete: tuple[Pair, ...]


@dataclass(frozen=True)
class Interval:
    """Mean of ``n`` values and its confidence limits, NaN for fewer than 2 values."""

    n: int
    mean: float
    low: float
    high: float


@dataclass(frozen=True)
class PairedTest:
    """Differences of two arms and the two-sided p-value that their mean is zero, None where ``method`` says so."""

    differences: Interval
    p: float | None
    method: Literal["t-test", "sign test", "not tested"]


@dataclass(frozen=True)
class Verdict:
    """A claim judged within its family; ``p`` is Holm's."""

    word: Word
    p: float | None
    test: PairedTest

    def __str__(self) -> str:
        return f"not tested ({self.test.differences.n})" if self.word == "not tested" else self.word


def paired(records: Iterable[Record], arms: Sequence[str]) -> Paired:
    """One value a pair and arm, the mean over mask seeds, for the pairs that all ``arms`` have.

    Raises ValueError for a run that is given twice and for a value that is NaN or infinite.
    """
    cells: defaultdict[Pair, defaultdict[str, dict[int | None, float]]] = defaultdict(lambda: defaultdict(dict))
    for record in records:
        if record.arm in arms:
            _place(cells[record.pair][record.arm], record)
    complete = sorted(pair for pair, cell in cells.items() if len(cell) == len(set(arms)))
    values = {arm: np.array([np.mean(list(cells[pair][arm].values())) for pair in complete], float) for arm in arms}
    return Paired(tuple(complete), values, tuple(sorted(cells.keys() - set(complete))))


def t_interval(values: np.ndarray, confidence: float = 0.95) -> Interval:
    """Student's interval of the mean of float [n], with n - 1 degrees of freedom."""
    n = len(values)
    mean = float(np.mean(values)) if n else math.nan
    if n < 2:
        return Interval(n, mean, math.nan, math.nan)
    reach = float(stdtrit(n - 1, (1 + confidence) / 2) * np.std(values, ddof=1) / math.sqrt(n))
    return Interval(n, mean, mean - reach, mean + reach)


def paired_test(higher: np.ndarray, lower: np.ndarray) -> PairedTest:
    """Tests ``higher - lower``, float [pairs] each; the paper's claim is that the mean difference is positive.

    Differences that are all alike leave a t-test without an error to measure by. If they are zero, p is 1; else
    the sign test's 2 / 2^n takes its place, which needs no error and asks for 6 pairs to pass .05.
    """
    differences = np.asarray(higher, float) - np.asarray(lower, float)
    interval = t_interval(differences)
    if interval.n < MIN_PAIRS:
        return PairedTest(interval, None, "not tested")
    rounding = 8 * np.finfo(float).eps * max(np.abs(higher).max(), np.abs(lower).max())
    if np.ptp(differences) <= rounding:
        zero = np.abs(differences).max() <= rounding
        return PairedTest(interval, 1.0 if zero else 2.0 ** (1 - interval.n), "sign test")
    t = interval.mean / (np.std(differences, ddof=1) / math.sqrt(interval.n))
    return PairedTest(interval, float(2 * stdtr(interval.n - 1, -abs(t))), "t-test")


def holm(p_values: Sequence[float | None]) -> list[float | None]:
    """Holm's corrected p-values, in the order given.

    The family is fixed beforehand: a member that was not tested (None) stays so, but counts as a test with p = 1.
    """
    corrected: list[float | None] = [None] * len(p_values)
    tested = sorted((p, i) for i, p in enumerate(p_values) if p is not None)
    largest = 0.0
    for rank, (p, i) in enumerate(tested):
        corrected[i] = largest = max(largest, min(1.0, (len(p_values) - rank) * p))
    return corrected


def judge(family: Mapping[str, PairedTest]) -> dict[str, Verdict]:
    """The verdict on each claim of a family that was fixed before the results were seen.

    ``confirmed``: Holm's p below .05 and the difference has the paper's sign, plus; ``contradicted``: the same with
    minus; ``inconclusive`` otherwise, which is no proof of equality; ``not tested``: fewer than 3 pairs.
    """
    corrected = holm([test.p for test in family.values()])
    return {
        claim: Verdict(_word(p, test.differences.mean), p, test)
        for (claim, test), p in zip(family.items(), corrected, strict=True)
    }


def _word(p: float | None, mean: float) -> Word:
    if p is None:
        return "not tested"
    if p >= ALPHA:
        return "inconclusive"
    return "confirmed" if mean > 0 else "contradicted"


def _place(values: dict[int | None, float], record: Record) -> None:
    place = f"seed {record.pair[0]}, subset_seed {record.pair[1]}, arm {record.arm}, mask_seed {record.mask_seed}"
    if record.mask_seed in values:
        raise ValueError(f"{place} is given twice")
    if not math.isfinite(record.value):
        raise ValueError(f"{place} has the value {record.value}")
    values[record.mask_seed] = record.value
