"""One training of one masked network, from its first weights to what is kept of it."""

from __future__ import annotations

import math
import time
from collections.abc import Callable, Mapping
from dataclasses import asdict, dataclass, field
from typing import Any, Literal, Protocol

import numpy as np
import tensorflow as tf

from tf_dlth.config import TrainingConfig, WeightsKind
from tf_dlth.errors import Stopped, UserError
from tf_dlth.training.checkpoint import Checkpoint
from tf_dlth.training.loop import EpochResult, Position, train_epochs
from tf_dlth.training.network import Network
from tf_dlth.training.signals import StopRequest

Arrays = Mapping[str, np.ndarray]
BestKind = Literal["test_best", "heldout"]


@dataclass(frozen=True)
class Scores:
    """Accuracies as fractions; ``heldout`` is None where no images are held out."""

    test: float
    heldout: float | None = None


@dataclass(frozen=True)
class Kept:
    """Weights worth keeping, and what they scored after ``epoch``."""

    epoch: int
    scores: Scores
    weights: Arrays


@dataclass(frozen=True)
class Trained:
    """One finished training; ``kept`` has ``last``, ``test_best`` and, with a held-out set, ``heldout``."""

    kept: Mapping[WeightsKind, Kept]
    epochs: int
    train_loss: float
    train_accuracy: float
    seconds: float
    images_per_second: float


class Observer(Protocol):
    """Whoever watches a training; nothing it does changes a result."""

    def progress(self, iteration: int, position: Position, images_per_second: float) -> None: ...
    def epoch_ended(self, metrics: Mapping[str, Any]) -> None: ...


class Log(Protocol):
    """Where a training leaves its metrics and its checkpoints."""

    def append_metrics(self, line: Mapping[str, Any]) -> None: ...
    def save(self, checkpoint: Checkpoint) -> None: ...


@dataclass
class _State:
    """What changes in the course of one training, beside the network's own variables."""

    iteration: int
    masks: Arrays
    position: Position
    best: dict[BestKind, Kept] = field(default_factory=dict)
    seconds: float = 0.0
    timed: dict[str, float] = field(default_factory=lambda: {"images": 0.0, "seconds": 0.0})


class Trainer:
    """Trains the iterations of one run, all with the same compiled network.

    ``batches(iteration, position)`` gives the training batches from there on; ``evaluate(weights, between)`` scores
    weights and calls ``between`` every few seconds.
    """

    def __init__(
        self,
        network: Network,
        config: TrainingConfig,
        images: int,
        batches: Callable[[int, Position], tf.data.Dataset],
        evaluate: Callable[[Arrays, Callable[[], None]], Scores],
        log: Log,
        observer: Observer,
        stop: StopRequest,
        checkpoint_seconds: float,
    ) -> None:
        self._network, self._config, self._images = network, config, images
        self._steps = math.ceil(images / config.batch_size)
        self._batches, self._evaluate = batches, evaluate
        self._log, self._observer, self._stop = log, observer, stop
        self._checkpoint_seconds = checkpoint_seconds
        self._traced = False

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

        ``at_epoch`` is called with the weights after the epochs it names. Raises Stopped after a signal, with the
        state saved, and UserError when the loss is no longer a number.
        """
        state = self._begin(iteration, weights, masks, first_epoch, resume)
        saved = time.monotonic()
        result, last = None, None
        for result in self._epochs(state):
            self._require_number(state, result, result.loss)
            if result.epoch in at_epoch:
                at_epoch[result.epoch](self._network.weights())
            if self._is_due(result.epoch):
                last = self._score(state, result)
                self._record(state, result, last)
            if result.epoch < self._config.epochs and time.monotonic() - saved >= self._checkpoint_seconds:
                self._save(state, Position(result.epoch + 1), np.zeros(3))
                saved = time.monotonic()
        assert result is not None and last is not None, "the last epoch is always trained and evaluated"
        self._require_number(state, result, sum(float(w.sum()) for w in last.weights.values()))
        return self._trained(state, result, last, epochs=self._config.epochs - first_epoch + 1)

    def _begin(
        self, iteration: int, weights: Arrays, masks: Arrays, first_epoch: int, resume: Checkpoint | None
    ) -> _State:
        if resume is None:
            self._network.load(weights, masks)
            return _State(iteration, masks, Position(first_epoch))
        groups, meta = resume.groups, resume.meta
        stored = groups["masks"]
        if stored.keys() != masks.keys() or not all(np.array_equal(stored[n], masks[n]) for n in masks):
            raise UserError(f"the checkpoint of iteration {iteration} has other masks than the iteration before gives")
        self._network.load(groups["weights"], masks)
        self._network.set_momentum(groups["momentum"])
        self._network.reset_totals(groups["totals"]["totals"])
        best = {kind: _kept_from(m, groups[kind]) for kind, m in meta["best"].items()}
        return _State(iteration, masks, Position(**meta["position"]), best, meta["seconds"], meta["timed"])

    def _epochs(self, state: _State) -> Any:
        def after_call(position: Position, seconds: float) -> None:
            self._clock(state, position, seconds)
            self._stop_if_asked(state)

        return train_epochs(
            self._network,
            self._config,
            self._steps,
            state.position,
            lambda position: self._batches(state.iteration, position),
            after_call,
        )

    def _clock(self, state: _State, position: Position, seconds: float) -> None:
        images = self._images_until(position.step) - (
            self._images_until(state.position.step) if position.epoch == state.position.epoch else 0
        )
        state.seconds += seconds
        state.position = position
        if self._traced:  # the first call also compiles
            state.timed["images"] += images
            state.timed["seconds"] += seconds
        self._traced = True
        self._observer.progress(state.iteration, position, _rate(state))

    def _images_until(self, step: int) -> int:
        return min(step * self._config.batch_size, self._images)

    def _is_due(self, epoch: int) -> bool:
        return epoch % self._config.evaluate_every == 0 or epoch == self._config.epochs

    def _score(self, state: _State, result: EpochResult) -> Kept:
        weights, begin = self._network.weights(), time.perf_counter()
        scores = self._evaluate(weights, lambda: self._stop_if_asked(state))
        state.seconds += time.perf_counter() - begin
        return Kept(result.epoch, scores, weights)

    def _record(self, state: _State, result: EpochResult, kept: Kept) -> None:
        for kind in _rules_for(kept.scores):
            if kind not in state.best or _score_of(kind, kept.scores) > _score_of(kind, state.best[kind].scores):
                state.best[kind] = kept
        line = {
            "iteration": state.iteration,
            "epoch": result.epoch,
            "train_loss": result.loss,
            "train_accuracy": result.accuracy,
            "test_accuracy": kept.scores.test,
            "heldout_accuracy": kept.scores.heldout,
        }
        self._log.append_metrics(line)
        self._observer.epoch_ended(line)

    def _stop_if_asked(self, state: _State) -> None:
        if self._stop.received is not None:
            self._save(state, state.position, self._network.totals)
            raise Stopped(self._stop.received, "stopped; the state is saved")

    def _save(self, state: _State, position: Position, totals: np.ndarray) -> None:
        best = {kind: {"epoch": k.epoch, "scores": asdict(k.scores)} for kind, k in state.best.items()}
        meta = {
            "iteration": state.iteration,
            "position": asdict(position),
            "best": best,
            "seconds": state.seconds,
            "timed": state.timed,
        }
        groups: dict[str, Arrays] = {
            "weights": self._network.weights(),
            "momentum": self._network.momentum(),
            "masks": {name: mask.astype(np.uint8) for name, mask in state.masks.items()},
            "totals": {"totals": totals},
            **{kind: kept.weights for kind, kept in state.best.items()},
        }
        self._log.save(Checkpoint(meta, groups))

    def _require_number(self, state: _State, result: EpochResult, value: float) -> None:
        """``value`` is the epoch's loss, or the sum of all weights, which no NaN or infinity survives."""
        if not math.isfinite(value):
            raise UserError(
                f"the training diverged (loss {result.loss:g}) in epoch {result.epoch} of iteration {state.iteration}; "
                f"lower training.learning_rate (now {self._config.learning_rate:g})"
            )

    def _trained(self, state: _State, result: EpochResult, last: Kept, epochs: int) -> Trained:
        kept: dict[WeightsKind, Kept] = {"last": last, **state.best}
        return Trained(kept, epochs, result.loss, result.accuracy, state.seconds, _rate(state))


def _rules_for(scores: Scores) -> tuple[BestKind, ...]:
    """The rules that choose an epoch: on the test set, and on the held-out set if there is one."""
    return ("test_best",) if scores.heldout is None else ("test_best", "heldout")


def _score_of(kind: BestKind, scores: Scores) -> float:
    score = scores.test if kind == "test_best" else scores.heldout
    assert score is not None
    return score


def _kept_from(meta: Mapping[str, Any], weights: Arrays) -> Kept:
    return Kept(meta["epoch"], Scores(**meta["scores"]), weights)


def _rate(state: _State) -> float:
    return state.timed["images"] / state.timed["seconds"] if state.timed["seconds"] else 0.0
