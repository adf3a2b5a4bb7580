"""Epochs of one training; it knows nothing of evaluating, saving or drawing."""

from __future__ import annotations

import math
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass

import tensorflow as tf

from tf_dlth.training.network import Network
from tf_dlth.training.schedule import Position, Schedule

LONGEST_CALL = 5.0
"""Seconds that a call of the compiled graph may take: signals are heard only between calls."""


@dataclass(frozen=True)
class EpochResult:
    """Means over the images of one epoch, in training mode; the loss without the decay and a model's own penalties.

    There is no accuracy where the labels are shares of classes.
    """

    epoch: int
    loss: float
    accuracy: float | None


def train_epochs(
    network: Network,
    schedule: Schedule,
    start: Position,
    batches: Callable[[Position], tf.data.Dataset],
    after_call: Callable[[Position, float], None],
    iteration: int = 0,
) -> Iterator[EpochResult]:
    """Trains from ``start`` to the last epoch and yields after each of them.

    ``after_call`` hears the position and the seconds of every call of the graph; it may raise to stop.
    """
    call = _CallLength()
    iterator = network.batches(batches(start))
    for epoch in range(start.epoch, schedule.epochs + 1):
        network.set_learning_rate(schedule.rate(epoch))
        done = start.step if epoch == start.epoch else 0
        network.set_address(iteration, epoch, done)
        while done < schedule.steps:
            now = min(call.steps, schedule.steps - done)
            begin = time.perf_counter()
            network.run(iterator, now)
            seconds = time.perf_counter() - begin
            call.adapt(now, seconds)
            done += now
            after_call(Position(epoch, done), seconds)
        loss, hits, images = network.totals
        # No image counts where all steps were skipped and their losses no numbers.
        mean = float(loss / images) if images else math.nan
        yield EpochResult(epoch, mean, float(hits / images) if images and hits >= 0 else None)
        network.reset_totals()


class _CallLength:
    """Steps a call: doubled while whole calls are short, halved when one was too long."""

    def __init__(self) -> None:
        self.steps = 1

    def adapt(self, done: int, seconds: float) -> None:
        if seconds > LONGEST_CALL:
            self.steps = max(1, done // 2)
        elif done == self.steps and seconds < LONGEST_CALL / 2:
            self.steps *= 2
