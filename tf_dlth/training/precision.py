"""The copy of a network that trains in a lower precision; its variables stay float32."""

from __future__ import annotations

import tensorflow as tf
import tf_keras

from tf_dlth.config import Precision
from tf_dlth.models.copying import copied
from tf_dlth.models.layers import Normalise

Layer = tf_keras.layers.Layer


def lowered(plain: tf_keras.Model, precision: Precision) -> tf_keras.Model:
    """A copy of a flat model whose layers compute in ``precision``, with variables of its own, float32.

    Pixels are normalised in float32, and Keras' BatchNorm computes its statistics so; a layer that was given another
    type than float32 keeps it. Raises UserError for a layer whose get_config does not suffice.
    """

    def copy(layer: Layer) -> Layer:
        lower = layer.dtype_policy.name == "float32" and not isinstance(layer, Normalise)
        return copied(layer, layer.name, policy=precision if lower else None)

    return tf_keras.models.clone_model(plain, clone_function=copy)


def in_float32(logits: tf.Tensor) -> tf.Tensor:
    """What the loss is computed of: logits of a lower precision cast, others as they are."""
    return tf.cast(logits, tf.float32) if logits.dtype in (tf.bfloat16, tf.float16) else logits
