"""The trainings of a ticket search: each from its first weights to what is kept of it."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from typing import Any, Protocol

import numpy as np
import tensorflow as tf

from tf_dlth.config import WeightsKind
from tf_dlth.runs.checkpoint import Checkpoint
from tf_dlth.training.keeping import Arrays, Best, Kept, Scores, Trained
from tf_dlth.training.loop import EpochResult
from tf_dlth.training.network import Network
from tf_dlth.training.schedule import Position, Schedule
from tf_dlth.training.session import Log, Session
from tf_dlth.training.signals import StopRequest


class Observer(Protocol):
    """Whoever watches a training; nothing it does changes a result."""

    def progress(self, iteration: int, position: Position, images_per_second: float) -> None: ...
    def epoch_ended(self, metrics: Mapping[str, Any]) -> None: ...


class Trainer:
    """Trains the iterations of one run, all with the same compiled network.

    ``batches(iteration, position)`` gives the training batches from there on; ``evaluate(weights, between)`` yields
    the scores of weights by name (``test``, ``heldout``) and calls ``between`` every few seconds.
    """

    def __init__(
        self,
        network: Network,
        schedule: Schedule,
        batches: Callable[[int, Position], tf.data.Dataset],
        evaluate: Callable[[Arrays, Callable[[], None]], Iterable[tuple[str, float]]],
        log: Log,
        observer: Observer,
        stop: StopRequest,
        checkpoint_seconds: float,
    ) -> None:
        self._batches, self._evaluate = batches, evaluate
        self._log, self._observer = log, observer
        self._session = Session(network, schedule, "training", log, stop, self._progress, checkpoint_seconds)
        self._iteration, self._masks, self._best = 0, {}, Best()

    def train(
        self,
        iteration: int,
        weights: Arrays,
        masks: Arrays,
        first_epoch: int,
        at_epoch: Mapping[int, Callable[[Arrays], None]],
        resume: Checkpoint | None,
    ) -> Trained:
        """Trains from ``first_epoch`` to the last, or from where ``resume`` stopped.

        ``weights`` are float32 by variable name, zero where the boolean ``masks`` are. ``at_epoch`` is called with the
        weights after the epochs it names. Raises Stopped after a signal, with the state saved, and UserError when the
        training diverges.
        """
        self._iteration, self._masks = iteration, masks
        self._begin(weights, first_epoch, resume)
        result, last = None, None
        for result in self._session.epochs(lambda position: self._batches(iteration, position), self._owned, iteration):
            if result.epoch in at_epoch:
                at_epoch[result.epoch](self._session.weights())
            if self._session.schedule.is_evaluated(result.epoch):
                last = self._score(result)
                self._record(result, last)
        assert result is not None and last is not None, "the last epoch is always trained and evaluated"
        return self._trained(result, last, epochs=result.epoch - first_epoch + 1)

    def _begin(self, weights: Arrays, first_epoch: int, resume: Checkpoint | None) -> None:
        if resume is None:
            self._best = Best()
            self._session.begin(weights, self._masks, first_epoch)
        else:
            self._best = Best.restored(resume.meta["best"], resume.groups)
            self._session.resume(resume, self._masks)

    def _progress(self, position: Position, images_per_second: float) -> None:
        self._observer.progress(self._iteration, position, images_per_second)

    def _score(self, result: EpochResult) -> Kept:
        weights = self._session.weights()
        with self._session.timed():
            scores = Scores(**dict(self._evaluate(weights, self._session.stop_if_asked)))
        return Kept(result.epoch, scores, weights)

    def _record(self, result: EpochResult, kept: Kept) -> None:
        self._best.offer(kept)
        line = {
            "iteration": self._iteration,
            "epoch": result.epoch,
            "train_loss": result.loss,
            "train_accuracy": result.accuracy,
            "test_accuracy": kept.scores.test,
            "heldout_accuracy": kept.scores.heldout,
        }
        self._log.append_metrics(line)
        self._observer.epoch_ended(line)

    def _owned(self) -> Checkpoint:
        """What a checkpoint holds beside the session's state."""
        masks = {name: mask.astype(np.uint8) for name, mask in self._masks.items()}
        best = {kind: kept.weights for kind, kept in self._best.items()}
        return Checkpoint({"iteration": self._iteration, "best": self._best.meta()}, {"masks": masks, **best})

    def _trained(self, result: EpochResult, last: Kept, epochs: int) -> Trained:
        kept: dict[WeightsKind, Kept] = {"last": last, **self._best}
        session = self._session
        return Trained(kept, epochs, result.loss, result.accuracy, session.seconds, session.images_per_second)
