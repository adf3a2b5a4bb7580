"""Loss scaling for float16, in which small gradients would be zero (Micikevicius et al., "Mixed precision training").

The loss is multiplied before the gradient is taken, and the float32 gradient divided. A step whose gradient overflows
is skipped and the scale halved; after many steps in a row without one it is doubled.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

import tensorflow as tf

from tf_dlth.training.optimizer import MaskedSGD

FIRST, LARGEST = 2.0**15, 2.0**24
STEPS_TO_DOUBLE = 2000


class LossScale:
    """A power of two from 1 to ``LARGEST``. It stands outside of the replicas, which all see the same one."""

    def __init__(self) -> None:
        self._factor = tf.Variable(tf.constant(FIRST), trainable=False)
        self._steps = tf.Variable(tf.constant(0), trainable=False)
        self.variables = {"loss_scale": self._factor, "loss_scale_steps": self._steps}
        """What a checkpoint holds: the scale, float32, and the steps since it was changed, int32."""

    @property
    def factor(self) -> tf.Tensor:
        return self._factor.read_value()

    def reset(self) -> None:
        """As at the first step of a training."""
        self._factor.assign(FIRST)
        self._steps.assign(0)

    def adapt(self, taken: tf.Tensor) -> None:
        """After a step that was taken (bool []), or skipped."""
        steps = tf.where(taken, self._steps + 1, 0)
        doubled = steps >= STEPS_TO_DOUBLE
        larger = tf.where(doubled, tf.minimum(2 * self._factor, LARGEST), self._factor)
        self._factor.assign(tf.where(taken, larger, tf.maximum(self._factor / 2, 1.0)))
        self._steps.assign(tf.where(doubled, 0, steps))


class ScaledSGD(MaskedSGD):
    """:class:`MaskedSGD` that skips steps: weights, momentum and masked zeros stay as they are, bit by bit."""

    def apply_scaled(self, grads_and_vars: Iterable[Any], factor: tf.Tensor) -> tf.Tensor:
        """Takes a step by the gradients of the loss times ``factor``, float32 [], if all of them are finite.

        Called in a replica's context; gives whether it was taken, bool [], the same on all replicas.
        """
        pairs = [(tf.convert_to_tensor(g), v) for g, v in grads_and_vars if g is not None]
        summed = list(self.aggregate_gradients(pairs))
        taken = tf.reduce_all([tf.reduce_all(tf.math.is_finite(gradient)) for gradient, _ in summed])
        # Replicas meet inside of apply_gradients, which a condition may not surround: NaN says there what to skip.
        divided = [(tf.where(taken, gradient / factor, float("nan")), variable) for gradient, variable in summed]
        self.apply_gradients(divided, skip_gradients_aggregation=True)
        return taken

    def _moved(self, gradient: tf.Tensor, variable: tf.Variable, velocity: tf.Variable) -> tuple[tf.Tensor, tf.Tensor]:
        new_velocity, new_value = super()._moved(gradient, variable, velocity)
        taken = tf.math.is_finite(gradient)
        return tf.where(taken, new_velocity, velocity), tf.where(taken, new_value, variable)


def counted(totals: tf.Tensor, taken: tf.Tensor, factor: tf.Tensor) -> tf.Tensor:
    """A step's totals, float64 [3], as the epoch counts them, if it was ``taken`` or not.

    A skipped step's loss counts too, unless it is no number: then nothing does. At scale 1 there is nothing left to
    halve, and the training has diverged: NaN.
    """
    left = tf.where(tf.math.is_finite(totals[0]), totals, tf.zeros_like(totals))
    return tf.where(taken, totals, tf.where(factor > 1, left, tf.fill([3], tf.constant(float("nan"), tf.float64))))
