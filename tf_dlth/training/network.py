"""One masked network under a distribution strategy: its variables, its optimizer, its compiled steps."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterator
from typing import Any

import numpy as np
import tensorflow as tf
import tf_keras

from tf_dlth.config import TrainingConfig
from tf_dlth.data.pipeline import read_errors
from tf_dlth.models import variables
from tf_dlth.models.copying import carry_state
from tf_dlth.training.compiling import SlicedMaxPooling, compiled, compiles, refusals_told
from tf_dlth.training.masking import Arrays, Layer, Masking
from tf_dlth.training.objectives import Objective
from tf_dlth.training.optimizer import MaskedSGD
from tf_dlth.training.precision import in_float32, lowered
from tf_dlth.training.randomness import Randomness
from tf_dlth.training.scaling import LossScale, ScaledSGD, counted

Make = Callable[..., tuple[tf.Tensor, tf.Tensor]]
"""From an element of the batches to images [B, H, W, C] and labels [B]."""


class Network:
    """A wrapped copy of ``plain`` that trains; it is loaded anew for every iteration and traced once.

    With ``trained``, the variables of these names alone take steps; the others stay as they are loaded, but for
    statistics, which follow the batches. ``stream`` names the draws of layers that draw, by what is trained and the
    run's seed. ``maker``, called in the strategy's scope, gives what makes images and labels of a batch's elements on
    the device that trains; without it the elements are images and labels.
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
        maker: Callable[[], Make] | None = None,
    ) -> None:
        self.strategy = strategy
        self._masking, self._objective = masking, objective
        in_one = compiles(config.jit, strategy)
        self._differentiate = compiled(self._gradients) if in_one else self._gradients
        self._scale = LossScale() if config.precision == "mixed_float16" else None
        with strategy.scope():
            lower = plain if config.precision == "float32" else lowered(plain, config.precision)
            self.model = _training_copy(plain, lower, masking, strategy.num_replicas_in_sync, in_one)
            self._optimizer = ScaledSGD(config) if self._scale else MaskedSGD(config)
            self._make = maker() if maker else None
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
        if self._scale:
            self._scale.reset()
        self.reset_totals()

    def weights(self) -> dict[str, np.ndarray]:
        """Every variable by name, BatchNorm statistics included, no masks."""
        return {name: np.array(value) for name, value in zip(self._named, self._values(), strict=True)}

    # In one call: a hundred take longer than an epoch of a small network.
    @tf.function(autograph=False)
    def _values(self) -> list[tf.Tensor]:
        return [variable.read_value() for variable in self._named.values()]

    def momentum(self) -> dict[str, np.ndarray]:
        """The velocity of every trainable variable, and where the loss is scaled, by how much."""
        return {name: variable.numpy() for name, variable in self._slots().items()}

    def set_momentum(self, momentum: Arrays) -> None:
        """Puts back what :meth:`momentum` gave."""
        for name, variable in self._slots().items():
            variable.assign(momentum[name])

    def _slots(self) -> dict[str, tf.Variable]:
        """What a step changes beside the network's variables."""
        velocities = dict(zip(self._trainable, self._optimizer.velocities, strict=True))
        return velocities | (self._scale.variables if self._scale else {})

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
    @refusals_told()
    def run(self, batches: Iterator[Any], steps: int) -> np.ndarray:
        """Trains on the next ``steps`` global batches in one call of the compiled graph; gives :attr:`totals`."""
        self._run(batches, tf.constant(steps))
        return self.totals

    # AutoGraph would rewrite every function below, which takes longer than to trace them; an own layer is still.
    @tf.function(autograph=False, reduce_retracing=True)
    def _run(self, batches: Any, steps: tf.Tensor) -> None:
        def step(done: tf.Tensor) -> tf.Tensor:
            totals = self._replicas_step(batches.get_next())
            # One addition a step, so that the sum does not depend on how steps are split into calls.
            self._totals.assign_add(self.strategy.reduce(tf.distribute.ReduceOp.SUM, totals, axis=None))
            self._randomness.end_step()
            return done + 1

        tf.while_loop(lambda done: done < steps, step, [tf.constant(0)])

    def _replicas_step(self, batch: Any) -> Any:
        """One step of all replicas; gives the totals of each."""
        if self._scale is None:
            return self.strategy.run(self._step, args=batch)
        totals, taken = self.strategy.run(self._scaled_step, args=(self._scale.factor, *batch))
        self._scale.adapt(self.strategy.experimental_local_results(taken)[0])
        return totals

    def _step(self, *batch: tf.Tensor) -> tf.Tensor:
        self._randomness.begin_step()
        gradients, totals = self._differentiate(*self._made(batch))
        self._optimizer.apply_gradients(zip(gradients, self._trainable.values(), strict=True))
        return totals

    def _scaled_step(self, factor: tf.Tensor, *batch: tf.Tensor) -> tuple[tf.Tensor, tf.Tensor]:
        """As :meth:`_step`, and whether it was taken; else BatchNorm's statistics are as before too.

        A loss that is no number is not counted, unless at scale 1, where it is the network's own.
        """
        self._randomness.begin_step()
        statistics = [v for v in self._named.values() if v.synchronization == tf.VariableSynchronization.ON_READ]
        before = [tf.identity(variable) for variable in statistics]
        gradients, totals = self._differentiate(*self._made(batch), factor)
        assert isinstance(self._optimizer, ScaledSGD)
        pairs = zip(gradients, self._trainable.values(), strict=True)
        taken = self._optimizer.apply_scaled(pairs, factor)
        for variable, value in zip(statistics, before, strict=True):
            variable.assign(tf.where(taken, variable, value))
        return counted(totals, taken, factor), taken

    def _made(self, batch: tuple[tf.Tensor, ...]) -> tuple[tf.Tensor, tf.Tensor]:
        images, labels = self._make(*batch) if self._make else batch
        return images, labels

    def _gradients(
        self, images: tf.Tensor, labels: tf.Tensor, factor: tf.Tensor | None = None
    ) -> tuple[list[Any], tf.Tensor]:
        """The gradient of the loss, times ``factor`` where it is scaled, by every variable that takes steps."""
        with tf.GradientTape() as tape:
            loss, totals = self._objective(lambda batch: in_float32(self.model(batch, training=True)), images, labels)
            if penalties := self.model.losses:
                # As Keras' fit: weight penalties count once over all replicas, activity losses as the replicas' mean.
                penalty = tf.add_n([tf.cast(one, loss.dtype) for one in penalties])
                loss += penalty / self.strategy.num_replicas_in_sync
            if factor is not None:
                loss *= factor
        return tape.gradient(loss, list(self._trainable.values())), totals


class SynchronisedBatchNorm(tf_keras.layers.BatchNormalization):
    """BatchNorm over all replicas, of which some may have no image of the last batch.

    Keras would keep such a replica's moving statistics as they are, and so halve the update that two replicas agree on.
    The moments are all replicas' here, so each can make the whole update.
    """

    def _support_zero_size_input(self) -> bool:
        return False


def _training_copy(
    plain: tf_keras.Model, lower: tf_keras.Model, masking: Masking, replicas: int, compiled: bool
) -> tf_keras.Model:
    """A wrapped copy of ``lower``, with the state of ``plain``."""
    wrap = masking.wrapper_for(lower)

    def clone(layer: Layer) -> Layer:
        if replicas > 1 and isinstance(layer, tf_keras.layers.BatchNormalization):
            kind = SynchronisedBatchNorm if type(layer) is tf_keras.layers.BatchNormalization else type(layer)
            return kind.from_config({**layer.get_config(), "synchronized": True})
        if compiled and SlicedMaxPooling.replaces(layer):
            return SlicedMaxPooling.from_config(layer.get_config())
        return wrap(layer)

    network = tf_keras.models.clone_model(lower, clone_function=clone)
    copies = {copy.name: copy for copy in map(variables.unwrapped, network.layers)}
    trained = {id(variable) for variable in plain.trainable_weights}
    for layer in plain.layers:
        carry_state(layer, copies[layer.name], trained)
    return network
