"""The arithmetic of epochs, steps and learning rates. Epochs count from 1."""

from __future__ import annotations

import math
from dataclasses import dataclass

from tf_dlth.config import TrainingConfig


@dataclass(frozen=True, order=True)
class Position:
    """``step`` batches of ``epoch`` are done."""

    epoch: int
    step: int = 0


@dataclass(frozen=True)
class Schedule:
    """Epochs of ``images`` in batches, the last one partial. ``rewind_epochs`` is r of section 3.1 of the paper.

    Iteration 0 of a search trains from epoch 1; every later one, and a baseline (``rewound``), from epoch r + 1 of the
    same curve.
    """

    images: int
    batch_size: int
    epochs: int
    learning_rate: float
    evaluate_every: int
    rewind_epochs: int = 0
    rewound: bool = False

    @classmethod
    def of(cls, training: TrainingConfig, images: int, rewind_epochs: int = 0, rewound: bool = False) -> Schedule:
        """The schedule that a resolved training section asks for on so many images."""
        assert isinstance(training.epochs, int), "what is to match another run's is resolved by now"
        return cls(
            images=images,
            batch_size=training.batch_size,
            epochs=training.epochs,
            learning_rate=training.learning_rate,
            evaluate_every=training.evaluate_every,
            rewind_epochs=rewind_epochs,
            rewound=rewound,
        )

    @property
    def steps(self) -> int:
        """Batches of an epoch."""
        return math.ceil(self.images / self.batch_size)

    def rate(self, epoch: int) -> float:
        """``learning_rate (1 + cos(pi (epoch - 1) / epochs)) / 2``, constant inside an epoch (paper section 3.3)."""
        return self.learning_rate * (1 + math.cos(math.pi * (epoch - 1) / self.epochs)) / 2

    def is_evaluated(self, epoch: int) -> bool:
        """Every ``evaluate_every`` epochs, and at the end."""
        return epoch % self.evaluate_every == 0 or epoch == self.epochs

    def evaluations(self, iteration: int) -> int:
        """Epochs of an iteration that are evaluated."""
        before = (self.first_epoch(iteration) - 1) // self.evaluate_every
        return self.epochs // self.evaluate_every - before + (self.epochs % self.evaluate_every > 0)

    def images_between(self, before: Position, after: Position) -> int:
        """Images that were trained on from one position to a later one of the same epoch, or from its beginning."""
        begun = self._images_until(before.step) if before.epoch == after.epoch else 0
        return self._images_until(after.step) - begun

    def first_epoch(self, iteration: int) -> int:
        """The first epoch that an iteration trains."""
        return self.rewind_epochs + 1 if iteration > 0 or self.rewound else 1

    def length(self, iteration: int) -> int:
        """Epochs that an iteration trains."""
        return self.epochs - self.first_epoch(iteration) + 1

    def steps_until(self, iteration: int, position: Position) -> int:
        """Steps of a search from its beginning to a position in an iteration."""
        before = sum(self.length(k) for k in range(iteration))
        return (before + position.epoch - self.first_epoch(iteration)) * self.steps + position.step

    def total_steps(self, iterations: int) -> int:
        """Steps of iterations 0 to ``iterations``."""
        return sum(self.length(k) for k in range(iterations + 1)) * self.steps

    def _images_until(self, step: int) -> int:
        return min(step * self.batch_size, self.images)
