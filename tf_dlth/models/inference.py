"""A plain model in inference: what evaluates and what predicts runs the same compiled function, in the same batches."""

from __future__ import annotations

from collections.abc import Callable

import tensorflow as tf
import tf_keras

BATCH = 250
"""Images a call. Fixed: a convolution may round differently in batches of other sizes."""

Predict = Callable[[tf.Tensor], tf.Tensor]


def predictor(model: tf_keras.Model) -> Predict:
    """Compiled inference of a plain model: images [N, H, W, C] -> logits [N, classes]."""
    return tf.function(lambda images: model(images, training=False), autograph=False, reduce_retracing=True)
