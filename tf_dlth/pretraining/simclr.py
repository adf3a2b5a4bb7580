"""The network of SimCLR and its training: an encoder, two projection layers, NT-Xent over the global batch."""

from __future__ import annotations

import math
import time
from collections.abc import Callable, Mapping
from dataclasses import asdict, dataclass
from typing import Any, Protocol

import numpy as np
import tensorflow as tf
import tf_keras

from tf_dlth.config import TrainingConfig
from tf_dlth.errors import Stopped, UserError
from tf_dlth.models.build import features
from tf_dlth.models.layers import default_kernel, relu, uniform
from tf_dlth.pretraining.nt_xent import nt_xent, similarities
from tf_dlth.training.checkpoint import Checkpoint
from tf_dlth.training.loop import EpochResult, Position, train_epochs
from tf_dlth.training.network import Network
from tf_dlth.training.signals import StopRequest

Arrays = Mapping[str, np.ndarray]
Layer = tf_keras.layers.Layer


def with_projection(classifier: tf_keras.Model, size: int) -> tf_keras.Model:
    """``images`` -> projections [N, size]: the classifier's penultimate features, a hidden layer as wide, ReLU, linear.

    The encoder's layers are the classifier's own, under the same names; its head is left out.
    """
    encoded = features(classifier).output[0]
    width = int(encoded.shape[-1])
    hidden = relu(_dense(width, width, "projection_hidden")(encoded), "projection_relu")
    projections = _dense(size, width, "projection")(hidden)
    return tf_keras.Model(classifier.input, projections, name=f"{classifier.name}_projection")


def _dense(units: int, inputs: int, name: str) -> Layer:
    return tf_keras.layers.Dense(
        units, kernel_initializer=default_kernel(), bias_initializer=uniform(inputs), name=name
    )


class Unmasked:
    """The masks of a network that is not pruned: none."""

    def wrapper_for(self, model: tf_keras.Model) -> Callable[[Layer], Layer]:
        return lambda layer: type(layer).from_config(layer.get_config())

    def mask_variables(self, wrapped: tf_keras.Model) -> dict[str, tf.Variable]:
        return {}

    def set_masks(self, wrapped: tf_keras.Model, masks: Arrays) -> None: ...


class ContrastiveNetwork(Network):
    """A :class:`Network` whose batches are views [B, 2, H, W, C] and whose loss is NT-Xent.

    ``totals`` are the summed loss (an image's is the mean of its two views'), the share of views whose nearest
    neighbour is the image's other view, summed over images, and the images.
    """

    def __init__(
        self, plain: tf_keras.Model, config: TrainingConfig, strategy: tf.distribute.Strategy, temperature: float
    ) -> None:
        self._temperature = temperature
        super().__init__(plain, config, strategy, Unmasked())

    def _step(self, images: tf.Tensor, labels: tf.Tensor) -> tf.Tensor:
        context: Any = tf.distribute.get_replica_context()
        counts = context.all_gather(2 * tf.shape(images)[:1], axis=0)
        first = tf.reduce_sum(counts[: context.replica_id_in_sync_group])
        with tf.GradientTape() as tape:
            # Views 2i and 2i + 1 are of one image, on each replica and so in the global batch.
            anchors = self.model(_as_one_batch(images), training=True)
            # Every anchor is compared with the views of all replicas. The gradient of the gathering adds up what
            # all replicas' losses say of a projection, so that the sum of the gradients is the global batch's.
            candidates = context.all_gather(anchors, axis=0)
            scaled, positives = similarities(anchors, candidates, first, self._temperature)
            losses = nt_xent(scaled, positives)
            loss = tf.reduce_sum(losses) / tf.cast(tf.reduce_sum(counts), losses.dtype)
        watched = list(self._trainable.values())
        self._optimizer.apply_gradients(zip(tape.gradient(loss, watched), watched, strict=True))
        hits = tf.math.count_nonzero(tf.argmax(scaled, -1, output_type=positives.dtype) == positives)
        sums = (tf.reduce_sum(losses), hits, tf.shape(anchors)[0])
        return tf.stack([tf.cast(value, tf.float64) / 2 for value in sums])


def _as_one_batch(views: tf.Tensor) -> tf.Tensor:
    """[B, 2, ...] as [2 B, ...], for B = 0 too."""
    return tf.reshape(views, tf.concat([2 * tf.shape(views)[:1], tf.shape(views)[2:]], 0))


class Log(Protocol):
    """Where a pre-training leaves its metrics and its checkpoints."""

    def append_metrics(self, line: Mapping[str, Any]) -> None: ...
    def save(self, checkpoint: Checkpoint) -> None: ...


class Watcher(Protocol):
    """Whoever watches a pre-training; nothing it does changes a result."""

    def progress(self, position: Position, images_per_second: float) -> None: ...
    def epoch_ended(self, metrics: Mapping[str, Any]) -> None: ...


@dataclass
class State:
    """What changes in the course of a pre-training, beside the network's own variables."""

    position: Position
    seconds: float = 0.0


class Pretraining:
    """Trains one contrastive network and follows it by ``monitor(weights, between)``, its accuracy by neighbours.

    ``between`` is what the monitor calls every few seconds. The epochs are those of :mod:`tf_dlth.training.loop`; what
    a ticket's trainer does around them (masks, best weights, test scores) has no place here.
    """

    def __init__(
        self,
        network: Network,
        config: TrainingConfig,
        images: int,
        batches: Callable[[Position], tf.data.Dataset],
        monitor: Callable[[Arrays, Callable[[], None]], float],
        log: Log,
        watcher: Watcher,
        stop: StopRequest,
        checkpoint_seconds: float,
    ) -> None:
        self._network, self._config, self._images = network, config, images
        self._batches, self._monitor = batches, monitor
        self._log, self._watcher, self._stop = log, watcher, stop
        self._checkpoint_seconds = checkpoint_seconds

    def train(self, initial: Arrays, resume: Checkpoint | None) -> tuple[Arrays, State]:
        """The weights after the last epoch, from ``initial`` or from where ``resume`` stopped.

        Raises Stopped after a signal, with the state saved, and UserError when the loss is no longer a number.
        """
        state = self._begin(initial, resume)
        saved = time.monotonic()
        weights = self._network.weights()
        for result in self._epochs(state):
            weights = self._network.weights()
            self._require_finite(result, weights)
            self._record(state, result, weights)
            if result.epoch < self._config.epochs and time.monotonic() - saved >= self._checkpoint_seconds:
                self._save(state, Position(result.epoch + 1), np.zeros(3))
                saved = time.monotonic()
        return weights, state

    def _begin(self, initial: Arrays, resume: Checkpoint | None) -> State:
        if resume is None:
            self._network.load(initial, {})
            self._append(0, None, self._monitor(initial, self._stop_at_once))
            return State(Position(1))
        self._network.load(resume.groups["weights"], {})
        self._network.set_momentum(resume.groups["momentum"])
        self._network.reset_totals(resume.groups["totals"]["totals"])
        return State(Position(**resume.meta["position"]), resume.meta["seconds"])

    def _epochs(self, state: State) -> Any:
        steps = math.ceil(self._images / self._config.batch_size)

        def after_call(position: Position, seconds: float) -> None:
            same_epoch = position.epoch == state.position.epoch
            done = position.step - (state.position.step if same_epoch else 0)
            self._watcher.progress(position, done * self._config.batch_size / seconds)
            state.seconds += seconds
            state.position = position
            self._stop_if_asked(state)

        return train_epochs(self._network, self._config, steps, state.position, self._batches, after_call)

    def _record(self, state: State, result: EpochResult, weights: Arrays) -> None:
        is_due = result.epoch % self._config.evaluate_every == 0 or result.epoch == self._config.epochs
        accuracy = self._monitor(weights, lambda: self._stop_if_asked(state)) if is_due else None
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

    def _stop_at_once(self) -> None:
        """Before the first step there is nothing to save."""
        if self._stop.received is not None:
            raise Stopped(self._stop.received, "stopped before the first step")

    def _stop_if_asked(self, state: State) -> None:
        if self._stop.received is not None:
            self._save(state, state.position, self._network.totals)
            raise Stopped(self._stop.received, "stopped; the state is saved")

    def _save(self, state: State, position: Position, totals: np.ndarray) -> None:
        meta = {"iteration": 0, "position": asdict(position), "seconds": state.seconds}
        groups = {
            "weights": self._network.weights(),
            "momentum": self._network.momentum(),
            "totals": {"totals": totals},
        }
        self._log.save(Checkpoint(meta, groups))

    def _require_finite(self, result: EpochResult, weights: Arrays) -> None:
        if not math.isfinite(result.loss) or not all(np.isfinite(w).all() for w in weights.values()):
            raise UserError(
                f"the pre-training diverged (loss {result.loss:g}, or weights that are no numbers) in epoch "
                f"{result.epoch}; lower pretrain.learning_rate (now {self._config.learning_rate:g})"
            )
