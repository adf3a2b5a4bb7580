"""Normalised classifiers: cosine similarities in place of inner products, with a learned scale."""

from __future__ import annotations

from typing import Any

import tensorflow as tf
import tf_keras

from tf_dlth.models.layers import default_kernel

KAPPA = 16.0
"""The t-vMF similarity's concentration, which the paper leaves open; this is its code's."""


@tf_keras.utils.register_keras_serializable(package="tf_dlth")
class CosineHead(tf_keras.layers.Layer):
    """Logits s * cos(f, w_j), s = 1 + softplus(a); features [N, D] -> [N, classes].

    The variables are ``kernel`` [D, classes] and the scalar ``scale``, which is a and starts at 0. No bias.
    """

    def __init__(self, units: int, kernel_initializer: Any = None, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self.units = units
        self.kernel_initializer = tf_keras.initializers.get(kernel_initializer or default_kernel())
        self.scale_initializer = tf_keras.initializers.Zeros()

    def build(self, input_shape: tf.TensorShape) -> None:
        self.kernel = self.add_weight("kernel", (input_shape[-1], self.units), initializer=self.kernel_initializer)
        self.scale = self.add_weight("scale", (), initializer=self.scale_initializer)
        super().build(input_shape)

    def call(self, inputs: tf.Tensor) -> tf.Tensor:
        cosines = tf.matmul(_unit(inputs, -1), _unit(self.kernel, 0))
        return (1.0 + tf.math.softplus(self.scale)) * self.similarity(cosines)

    def similarity(self, cosines: tf.Tensor) -> tf.Tensor:
        """What is scaled, of the shape and type of the cosines [N, classes]: the cosine itself."""
        return cosines

    def get_config(self) -> dict[str, Any]:
        initialiser = tf_keras.initializers.serialize(self.kernel_initializer)
        return {**super().get_config(), "units": self.units, "kernel_initializer": initialiser}


@tf_keras.utils.register_keras_serializable(package="tf_dlth")
class TvmfHead(CosineHead):
    """The t-vMF similarity (Kobayashi) of the cosine c: (1 + c) / (1 + kappa (1 - c)) - 1, in -1..1."""

    def similarity(self, cosines: tf.Tensor) -> tf.Tensor:
        return (1.0 + cosines) / (1.0 + KAPPA * (1.0 - cosines)) - 1.0


def normalised_head(name: str, classes: int) -> tf_keras.layers.Layer:
    """The layer ``head`` for ``cosine`` or ``tvmf``."""
    return {"cosine": CosineHead, "tvmf": TvmfHead}[name](classes, name="head")


def _unit(x: tf.Tensor, axis: int) -> tf.Tensor:
    # The square of a norm of at least 1e-12; a zero vector stays zero, with a finite gradient.
    return tf.math.l2_normalize(x, axis, epsilon=1e-24)
