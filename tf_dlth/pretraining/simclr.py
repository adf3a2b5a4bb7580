"""The training of SimCLR: an encoder with two projection layers, followed by what its nearest neighbours say."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any, Protocol

import tensorflow as tf
import tf_keras

from tf_dlth.models.build import encoder
from tf_dlth.models.copying import added_losses
from tf_dlth.models.layers import linear, relu
from tf_dlth.runs.checkpoint import Checkpoint
from tf_dlth.training.loop import EpochResult
from tf_dlth.training.masking import Arrays
from tf_dlth.training.schedule import Position
from tf_dlth.training.session import Log, Session


def with_projection(classifier: tf_keras.Model, size: int) -> tf_keras.Model:
    """``images`` -> projections [N, size]: the classifier's penultimate features, a hidden layer as wide, ReLU, linear.

    The encoder's layers are the classifier's own, under the same names; its head is left out.
    """
    encoded = encoder(classifier).output
    width = int(encoded.shape[-1])
    hidden = relu(linear(encoded, width, "projection_hidden"), "projection_relu")
    projections = linear(hidden, size, "projection")
    model = tf_keras.Model(classifier.input, projections, name=f"{classifier.name}_projection")
    model.add_loss(added_losses(classifier))
    return model


class Watcher(Protocol):
    """Whoever watches a pre-training; nothing it does changes a result."""

    def progress(self, position: Position, images_per_second: float) -> None: ...
    def epoch_ended(self, metrics: Mapping[str, Any]) -> None: ...


class Pretraining:
    """Follows a session by ``monitor(weights, between)``, the accuracy of the encoder by neighbours.

    ``between`` is what the monitor calls every few seconds.
    """

    def __init__(
        self,
        session: Session,
        batches: Callable[[Position], tf.data.Dataset],
        monitor: Callable[[Arrays, Callable[[], None]], float],
        log: Log,
        watcher: Watcher,
    ) -> None:
        self._session, self._batches, self._monitor = session, batches, monitor
        self._log, self._watcher = log, watcher

    def train(self, initial: Arrays, resume: Checkpoint | None) -> Arrays:
        """The float32 weights by variable name after the last epoch, from ``initial`` or from where ``resume`` stopped.

        Raises Stopped after a signal, with the state saved, and UserError when the training diverges.
        """
        session = self._session
        if resume is None:
            session.begin(initial, {}, first_epoch=1)
            self._append(0, None, self._monitor(initial, session.stop_if_asked))
        else:
            session.resume(resume, {})
        for result in session.epochs(self._batches, lambda: Checkpoint({"iteration": 0})):
            self._record(result)
        return session.weights()

    def _record(self, result: EpochResult) -> None:
        accuracy = None
        if self._session.schedule.is_evaluated(result.epoch):
            accuracy = self._monitor(self._session.weights(), self._session.stop_if_asked)
        self._append(result.epoch, result, accuracy)

    def _append(self, epoch: int, result: EpochResult | None, knn_accuracy: float | None) -> None:
        line = {
            "epoch": epoch,
            "nt_xent": result.loss if result else None,
            "contrastive_accuracy": result.accuracy if result else None,
            "knn_accuracy": knn_accuracy,
        }
        self._log.append_metrics(line)
        self._watcher.epoch_ended(line)
