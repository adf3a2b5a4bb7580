"""Stochastic gradient descent that keeps pruned weights and their momentum at exactly zero."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any

import tensorflow as tf
import tf_keras

from tf_dlth.config import TrainingConfig


class MaskedSGD(tf_keras.optimizers.Optimizer):
    """``v <- momentum v + g + decay w;  w <- w - rate v``, then both times the mask (paper section 3.3).

    Keras' own SGD differs twice: it folds the learning rate into the velocity, which matters when the rate changes, and
    its weight decay is decoupled. The decay here is on every trainable variable, BatchNorm and biases included.
    A variable's Keras constraint is applied after the update, and the mask again after that.
    """

    def __init__(self, config: TrainingConfig) -> None:
        super().__init__(name="masked_sgd", jit_compile=False)
        self._learning_rate = self._build_learning_rate(config.learning_rate)
        self.momentum = config.momentum
        self.decay = config.weight_decay
        self.velocities: list[tf.Variable] = []
        self._masks: list[tf.Variable | None] = []

    def track(self, variables: Sequence[tf.Variable], masks: Sequence[tf.Variable | None]) -> None:
        """Creates one velocity a variable; ``masks`` holds None for variables that are never pruned."""
        super().build(variables)
        self.velocities = [self.add_variable_from_reference(v, "velocity") for v in variables]
        self._masks = list(masks)

    def build(self, var_list: Sequence[tf.Variable]) -> None:
        """Does nothing: :meth:`track` has built the slots, and Keras calls this at every first step."""

    def update_step(self, gradient: tf.Tensor, variable: tf.Variable) -> None:
        index = self._index_dict[self._var_key(variable)]
        velocity, mask = self.velocities[index], self._masks[index]
        new_velocity, new_value = self._moved(gradient, variable, velocity)
        if mask is not None:
            # A select, not a product: a non-finite gradient must not turn a pruned weight into NaN.
            kept = mask > 0.5
            new_velocity = tf.where(kept, new_velocity, tf.zeros_like(new_velocity))
            new_value = tf.where(kept, new_value, tf.zeros_like(new_value))
        velocity.assign(new_velocity)
        variable.assign(new_value)

    def _moved(self, gradient: tf.Tensor, variable: tf.Variable, velocity: tf.Variable) -> tuple[tf.Tensor, tf.Tensor]:
        """The new velocity and the new value, without the mask."""
        rate = tf.cast(self.learning_rate, variable.dtype)
        new_velocity = self.momentum * velocity + gradient + self.decay * variable
        return new_velocity, variable - rate * new_velocity

    def apply_gradients(self, grads_and_vars: Iterable[Any], **kwargs: Any) -> tf.Variable:
        pairs = list(grads_and_vars)
        iterations = super().apply_gradients(pairs, **kwargs)
        for _, variable in pairs:
            mask = self._masks[self._index_dict[self._var_key(variable)]]
            if mask is not None and variable.constraint is not None:
                variable.assign(tf.where(mask > 0.5, variable, tf.zeros_like(variable)))
        return iterations

    def get_config(self) -> dict[str, object]:
        config = super().get_config()
        return {**config, "momentum": self.momentum, "decay": self.decay}
