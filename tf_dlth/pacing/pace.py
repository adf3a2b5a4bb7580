"""How long a search takes, from how long its parts do."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

from tf_dlth.training.schedule import Schedule


@dataclass(frozen=True)
class Pace:
    """Seconds on this machine.

    ``compiling`` once a run; ``epoch`` trains on all training images once, ``evaluation`` scores all test and held-out
    images once, ``ticket`` keeps what an iteration found.
    """

    compiling: float
    epoch: float
    evaluation: float
    ticket: float

    def seconds(self, schedule: Schedule, iterations: Iterable[int]) -> float:
        """Of these iterations, compiling included."""
        numbers = list(iterations)
        epochs = sum(schedule.length(k) for k in numbers)
        evaluations = sum(schedule.evaluations(k) for k in numbers)
        return self.compiling + epochs * self.epoch + evaluations * self.evaluation + len(numbers) * self.ticket
