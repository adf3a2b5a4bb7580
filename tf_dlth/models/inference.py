"""A plain model in inference: what evaluates and what predicts runs the same compiled function, in the same batches."""

from __future__ import annotations

from collections.abc import Callable

import tensorflow as tf
import tf_keras

from tf_dlth.files import Tensors
from tf_dlth.models import variables

BATCH = 250
"""Images a call. Fixed: a convolution may round differently in batches of other sizes."""

Predict = Callable[[tf.Tensor], tf.Tensor]


def predictor(model: tf_keras.Model) -> Predict:
    """Compiled inference of a plain model: images [N, H, W, C] -> logits [N, classes]."""
    return tf.function(lambda images: model(images, training=False), autograph=False, reduce_retracing=True)


class Inference:
    """A plain model that computes with one set of weights after the other; it is compiled once."""

    def __init__(self, model: tf_keras.Model) -> None:
        self._named, self._compute = variables.named_variables(model), predictor(model)

    def load(self, weights: Tensors) -> None:
        """Sets all variables by name; raises UserError for weights that are not the model's."""
        variables.require_all(self._named, weights)
        self._set([tf.constant(weights[name]) for name in self._named])

    # In one call: a hundred take longer than to evaluate a small network.
    @tf.function(autograph=False)
    def _set(self, values: list[tf.Tensor]) -> None:
        for variable, value in zip(self._named.values(), values, strict=True):
            variable.assign(value)

    def __call__(self, images: tf.Tensor) -> tf.Tensor:
        """Images [N, H, W, C] -> logits [N, classes]."""
        return self._compute(images)
