"""One masked network under a distribution strategy: its variables, its optimizer, its compiled steps."""

from __future__ import annotations

from collections.abc import Collection, Iterator
from typing import Any

import numpy as np
import tensorflow as tf
import tf_keras

from tf_dlth.config import TrainingConfig
from tf_dlth.data.pipeline import read_errors
from tf_dlth.models import variables
from tf_dlth.models.copying import carry_state
from tf_dlth.training.masking import Arrays, Layer, Masking
from tf_dlth.training.objectives import Objective
from tf_dlth.training.optimizer import MaskedSGD
from tf_dlth.training.randomness import Randomness


class Network:
    """A wrapped copy of ``plain`` that trains; it is loaded anew for every iteration and traced once.

    With ``trained``, the variables of these names alone take steps; the others stay as they are loaded, but for
    statistics, which follow the batches. ``stream`` names the draws of layers that draw, by what is trained and the
    run's seed.
    """

    def __init__(
        self,
        plain: tf_keras.Model,
        config: TrainingConfig,
        strategy: tf.distribute.Strategy,
        masking: Masking,
        objective: Objective,
        *,
        trained: Collection[str] | None = None,
        stream: str = "training:0",
    ) -> None:
        self.strategy = strategy
        self._masking, self._objective = masking, objective
        with strategy.scope():
            self.model = _training_copy(plain, masking, strategy.num_replicas_in_sync)
            self._optimizer = MaskedSGD(config)
            self._named = variables.named_variables(self.model)
            trainable = variables.trainable(self.model)
            self._trainable = {name: v for name, v in trainable.items() if trained is None or name in trained}
            masks = masking.mask_variables(self.model)
            self._randomness = Randomness(self.model, stream)
            self._optimizer.track(list(self._trainable.values()), [masks.get(n) for n in self._trainable])
        self._totals = tf.Variable(tf.zeros([3], tf.float64), trainable=False)

    def load(self, weights: Arrays, masks: Arrays) -> None:
        """Starts a training: no momentum, and ``weights`` that are already zero where ``masks`` are."""
        self._masking.set_masks(self.model, masks)
        variables.set_all(self._named, weights)
        for velocity in self._optimizer.velocities:
            velocity.assign(tf.zeros_like(velocity))
        self.reset_totals()

    def weights(self) -> dict[str, np.ndarray]:
        """Every variable by name, BatchNorm statistics included, no masks."""
        return {name: np.array(value) for name, value in zip(self._named, self._values(), strict=True)}

    # In one call: a hundred take longer than an epoch of a small network.
    @tf.function(autograph=False)
    def _values(self) -> list[tf.Tensor]:
        return [variable.read_value() for variable in self._named.values()]

    def momentum(self) -> dict[str, np.ndarray]:
        """The velocity of every trainable variable."""
        return dict(zip(self._trainable, (v.numpy() for v in self._optimizer.velocities), strict=True))

    def set_momentum(self, momentum: Arrays) -> None:
        """Puts back what :meth:`momentum` gave."""
        for name, velocity in zip(self._trainable, self._optimizer.velocities, strict=True):
            velocity.assign(momentum[name])

    def set_learning_rate(self, rate: float) -> None:
        self._optimizer.learning_rate = rate

    def set_address(self, iteration: int, epoch: int, step: int) -> None:
        """Says to layers that draw which step is next; ``step`` counts within the epoch, from 0."""
        self._randomness.set_address(iteration, epoch, step)

    @property
    def totals(self) -> np.ndarray:
        """float64 [3]: summed loss, correct predictions and images since :meth:`reset_totals`.

        The loss is that of the data: neither the decay nor the model's own penalties are in it.
        """
        return self._totals.numpy()

    def reset_totals(self, totals: np.ndarray | None = None) -> None:
        self._totals.assign(tf.zeros([3], tf.float64) if totals is None else totals)

    def batches(self, dataset: tf.data.Dataset) -> Iterator[Any]:
        """An iterator that deals each global batch out to the replicas."""
        if self.strategy.num_replicas_in_sync == 1:
            return iter(dataset)
        return iter(self.strategy.experimental_distribute_dataset(dataset))

    @read_errors()
    def run(self, batches: Iterator[Any], steps: int) -> np.ndarray:
        """Trains on the next ``steps`` global batches in one call of the compiled graph; gives :attr:`totals`."""
        self._run(batches, tf.constant(steps))
        return self.totals

    # AutoGraph would rewrite every function below, which takes longer than to trace them; an own layer is still.
    @tf.function(autograph=False, reduce_retracing=True)
    def _run(self, batches: Any, steps: tf.Tensor) -> None:
        def step(done: tf.Tensor) -> tf.Tensor:
            totals = self.strategy.run(self._step, args=batches.get_next())
            # One addition a step, so that the sum does not depend on how steps are split into calls.
            self._totals.assign_add(self.strategy.reduce(tf.distribute.ReduceOp.SUM, totals, axis=None))
            self._randomness.end_step()
            return done + 1

        tf.while_loop(lambda done: done < steps, step, [tf.constant(0)])

    def _step(self, images: tf.Tensor, labels: tf.Tensor) -> tf.Tensor:
        self._randomness.begin_step()
        with tf.GradientTape() as tape:
            loss, totals = self._objective(lambda batch: self.model(batch, training=True), images, labels)
            if penalties := self.model.losses:
                # As Keras' fit: weight penalties count once over all replicas, activity losses as the replicas' mean.
                penalty = tf.add_n([tf.cast(one, loss.dtype) for one in penalties])
                loss += penalty / self.strategy.num_replicas_in_sync
        watched = list(self._trainable.values())
        self._optimizer.apply_gradients(zip(tape.gradient(loss, watched), watched, strict=True))
        return totals


class SynchronisedBatchNorm(tf_keras.layers.BatchNormalization):
    """BatchNorm over all replicas, of which some may have no image of the last batch.

    Keras would keep such a replica's moving statistics as they are, and so halve the update that two replicas agree on.
    The moments are all replicas' here, so each can make the whole update.
    """

    def _support_zero_size_input(self) -> bool:
        return False


def _training_copy(plain: tf_keras.Model, masking: Masking, replicas: int) -> tf_keras.Model:
    wrap = masking.wrapper_for(plain)

    def clone(layer: Layer) -> Layer:
        if replicas > 1 and isinstance(layer, tf_keras.layers.BatchNormalization):
            kind = SynchronisedBatchNorm if type(layer) is tf_keras.layers.BatchNormalization else type(layer)
            return kind.from_config({**layer.get_config(), "synchronized": True})
        return wrap(layer)

    network = tf_keras.models.clone_model(plain, clone_function=clone)
    copies = {copy.name: copy for copy in map(variables.unwrapped, network.layers)}
    trained = {id(variable) for variable in plain.trainable_weights}
    for layer in plain.layers:
        carry_state(layer, copies[layer.name], trained)
    return network
