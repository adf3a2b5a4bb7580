"""One training in progress: where it stands, its clock, its checkpoints, how it stops, resumes and goes wrong."""

from __future__ import annotations

import math
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import asdict
from typing import Any, Protocol

import numpy as np
import tensorflow as tf

from tf_dlth.errors import Stopped, UserError
from tf_dlth.runs.checkpoint import Checkpoint
from tf_dlth.training.loop import EpochResult, train_epochs
from tf_dlth.training.network import Network
from tf_dlth.training.schedule import Position, Schedule
from tf_dlth.training.signals import StopRequest

Arrays = Mapping[str, np.ndarray]


class Log(Protocol):
    """Where a training leaves its metrics and its checkpoints."""

    def append_metrics(self, line: Mapping[str, Any]) -> None: ...
    def save(self, checkpoint: Checkpoint) -> None: ...


class Session:
    """Trains one network, once or several times in turn.

    ``section`` of the configuration holds the learning rate. ``progress`` hears the position and images a second.
    Before :meth:`epochs`, either :meth:`begin` or :meth:`resume`.
    """

    def __init__(
        self,
        network: Network,
        schedule: Schedule,
        section: str,
        log: Log,
        stop: StopRequest,
        progress: Callable[[Position, float], None],
        checkpoint_seconds: float,
    ) -> None:
        self.schedule = schedule
        self._network, self._section = network, section
        self._log, self._stop, self._progress = log, stop, progress
        self._checkpoint_seconds = checkpoint_seconds
        self._traced, self._where = False, ""
        self._set(Position(1), 0.0, {"images": 0.0, "seconds": 0.0})

    def _set(self, position: Position, seconds: float, timed: dict[str, float]) -> None:
        self.position, self.seconds, self._timed = position, seconds, timed
        self._owned: Callable[[], Checkpoint] | None = None

    def begin(self, weights: Arrays, masks: Arrays, first_epoch: int) -> None:
        """Starts anew; ``weights``, float32 by variable name, are zero already where the boolean ``masks`` are."""
        self._network.load(weights, masks)
        self._set(Position(first_epoch), 0.0, {"images": 0.0, "seconds": 0.0})

    def resume(self, checkpoint: Checkpoint, masks: Arrays) -> None:
        """Goes on from a checkpoint of a training with these masks."""
        groups, meta = checkpoint.groups, checkpoint.meta
        self._network.load(groups["weights"], masks)
        self._network.set_momentum(groups["momentum"])
        self._network.reset_totals(groups["totals"]["totals"])
        self._set(Position(**meta["position"]), meta["seconds"], meta["timed"])

    def epochs(
        self,
        batches: Callable[[Position], tf.data.Dataset],
        owned: Callable[[], Checkpoint],
        iteration: int | None = None,
    ) -> Iterator[EpochResult]:
        """Trains to the last epoch and yields after each, saving at the ends of epochs that lie far enough apart.

        ``owned`` gives what the caller adds to a checkpoint; ``iteration`` is None where there is only one training.
        Raises Stopped after a signal, with the state saved, and UserError when the loss is no longer a number.
        """
        self._owned, self._where = owned, "" if iteration is None else f" of iteration {iteration}"
        saved = time.monotonic()
        schedule, start = self.schedule, self.position
        for result in train_epochs(self._network, schedule, start, batches, self._after_call, iteration or 0):
            if not math.isfinite(result.loss):
                raise self._diverged("the loss")
            yield result
            if result.epoch < self.schedule.epochs and time.monotonic() - saved >= self._checkpoint_seconds:
                self._save(Position(result.epoch + 1), np.zeros(3))
                saved = time.monotonic()

    def weights(self) -> dict[str, np.ndarray]:
        """Every variable of the network by name, float32; raises UserError when one holds NaN or infinity."""
        weights = self._network.weights()
        for name, values in weights.items():
            if not np.isfinite(values).all():
                raise self._diverged(name)
        return weights

    @contextmanager
    def timed(self) -> Iterator[None]:
        """Adds the block's time to that of the training, as evaluating is."""
        begin = time.perf_counter()
        yield
        self.seconds += time.perf_counter() - begin

    def stop_if_asked(self) -> None:
        """Raises Stopped after a signal, with the state saved; before the first epoch there is none to save."""
        if self._stop.received is not None:
            self._save(self.position, self._network.totals)
            raise Stopped(self._stop.received, "stopped; the state is saved")

    @property
    def images_per_second(self) -> float:
        """The rate of training so far; 0 before it is known."""
        return self._timed["images"] / self._timed["seconds"] if self._timed["seconds"] else 0.0

    def _after_call(self, position: Position, seconds: float) -> None:
        if self._traced:  # the first call also compiles
            self._timed["images"] += self.schedule.images_between(self.position, position)
            self._timed["seconds"] += seconds
        self._traced = True
        self.seconds += seconds
        self.position = position
        self._progress(position, self.images_per_second)
        self.stop_if_asked()

    def _save(self, position: Position, totals: np.ndarray) -> None:
        if self._owned is None:
            return
        owned = self._owned()
        meta = {"position": asdict(position), "seconds": self.seconds, "timed": self._timed}
        groups: dict[str, Arrays] = {
            "weights": self._network.weights(),
            "momentum": self._network.momentum(),
            "totals": {"totals": totals},
        }
        self._log.save(Checkpoint({**owned.meta, **meta}, {**groups, **owned.groups}))

    def _diverged(self, what: object) -> UserError:
        return UserError(
            f"the training diverged ({what} is no finite number) in epoch {self.position.epoch}{self._where}; lower "
            f"{self._section}.learning_rate (now {self.schedule.learning_rate:g})"
        )
