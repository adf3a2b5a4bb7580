"""The largest search that fits into a time, of paces that were measured. Nothing here measures or knows a machine.

Given up first are iterations, then epochs, then width. Each iteration costs as much as a whole training, and the first
prunings span most of the densities at which tickets win; a shorter cosine is still a whole schedule; a narrower network
is another network. None is given up beyond what leaves a search worth its time.
"""

from __future__ import annotations

import math
from bisect import bisect_right
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace

from tf_dlth.pacing.pace import Pace
from tf_dlth.training.schedule import Schedule

WIDTHS = (8, 16, 32, 64)
LEAST_ITERATIONS = 8
"""Prunings: at the usual rate of a fifth the last leaves a sixth of the weights."""
LEAST_EPOCHS, LEAST_STEPS = 30, 250
"""Of a training, whichever is more: of few images an epoch is few steps."""


@dataclass(frozen=True)
class Limits:
    """Least and most, both included; equal where the user set the value."""

    epochs: tuple[int, int]
    iterations: tuple[int, int]

    @classmethod
    def of(cls, schedule: Schedule, iterations: int, epochs_kept: bool, iterations_kept: bool) -> Limits:
        """At most what ``schedule`` and ``iterations`` say, and exactly that of what is kept."""
        most = schedule.epochs
        enough = max(LEAST_EPOCHS, math.ceil(LEAST_STEPS / schedule.steps), schedule.rewind_epochs + 1)
        return cls(
            epochs=(most if epochs_kept else min(enough, most), most),
            iterations=(iterations if iterations_kept else min(LEAST_ITERATIONS, iterations), iterations),
        )


@dataclass(frozen=True)
class Choice:
    """What is trained, and about how many seconds it takes."""

    width: int
    epochs: int
    iterations: int
    seconds: float


def choose(paces: Mapping[int, Pace], limits: Limits, schedule: Schedule, budget: float) -> Choice | None:
    """The widest network of which the least fits into ``budget`` seconds, then its epochs, then its iterations.

    None where nothing fits.
    """
    for width in sorted(paces, reverse=True):
        if least(width, paces[width], limits, schedule).seconds <= budget:
            return _largest(width, paces[width], limits, schedule, budget)
    return None


def least(width: int, pace: Pace, limits: Limits, schedule: Schedule) -> Choice:
    """The shortest search of one width."""
    return _search(width, pace, schedule, limits.epochs[0], limits.iterations[0])


def measure_while_it_fits(
    widths: tuple[int, ...], measure: Callable[[int], Pace], limits: Limits, schedule: Schedule, budget: float
) -> dict[int, Pace]:
    """The paces of the ``widths``, in rising order, that may fit: at least of the first.

    From one width to the next the time grows at least as much as it did before, so that not all need measuring.
    """
    paces: dict[int, Pace] = {}
    before, expected = 0.0, 0.0
    for width in widths:
        if expected > budget:
            break
        paces[width] = measure(width)
        now = least(width, paces[width], limits, schedule).seconds
        expected, before = (now * max(1.0, now / before) if before else now), now
    return paces


def _largest(width: int, pace: Pace, limits: Limits, schedule: Schedule, budget: float) -> Choice:
    def by_epochs(epochs: int) -> Choice:
        return _search(width, pace, schedule, epochs, limits.iterations[0])

    epochs = _last(limits.epochs, by_epochs, budget)
    iterations = _last(limits.iterations, lambda k: _search(width, pace, schedule, epochs, k), budget)
    return _search(width, pace, schedule, epochs, iterations)


def _last(limits: tuple[int, int], search: Callable[[int], Choice], budget: float) -> int:
    """The largest number within the limits, of which the first fits, that still fits."""
    numbers = range(limits[0], limits[1] + 1)
    return numbers[bisect_right(numbers, budget, key=lambda number: search(number).seconds) - 1]


def _search(width: int, pace: Pace, schedule: Schedule, epochs: int, iterations: int) -> Choice:
    seconds = pace.seconds(replace(schedule, epochs=epochs), range(iterations + 1))
    return Choice(width, epochs, iterations, seconds)
