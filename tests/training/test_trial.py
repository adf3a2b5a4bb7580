from __future__ import annotations

from collections.abc import Callable

import numpy as np
import pytest
import tensorflow as tf
import tf_keras
from tf_keras import layers

from tf_dlth.errors import UserError
from tf_dlth.training.trial import require_replay


def network(layer: Callable, *after: Callable) -> tf_keras.Model:
    images = tf_keras.Input((6, 6, 2), name="images")
    x = layer(tf.cast(images, tf.float32))
    for one in after:
        x = one(x)
    return tf_keras.Model(images, layers.Dense(3, name="head")(layers.Flatten()(x)))


def drawing(draw: Callable) -> layers.Lambda:
    return layers.Lambda(lambda x: x + draw(x), name="drawing")


def numpy_noise(x: tf.Tensor) -> tf.Tensor:
    noise = tf.numpy_function(lambda: np.random.normal(size=1).astype(np.float32), [], tf.float32)
    return tf.reshape(noise, [1, 1, 1, 1])


@tf_keras.utils.register_keras_serializable(package="test_trial")
class Always(tf_keras.__internal__.layers.BaseRandomLayer):
    """Draws whatever ``training`` is."""

    def __init__(self, rng_type=None, **kwargs):
        super().__init__(force_generator=True, **kwargs)

    def call(self, inputs):
        return inputs + self._random_generator.random_normal(tf.shape(inputs))


GENERATOR, STRANGER = tf.random.Generator.from_seed(1), tf.Variable(tf.ones([]), name="stranger")


class Adding(layers.Layer):
    """Mixes its input with float32, which a lower precision does not allow."""

    def call(self, inputs):
        return inputs + tf.ones([], tf.float32)


def test_a_layer_that_cannot_compute_lower_is_named_with_the_precision():
    require_replay(network(Adding(name="adding")))
    message = r"^model\.architecture: the network cannot be copied with training\.precision mixed_bfloat16: .*adding"
    with pytest.raises(UserError, match=message):
        require_replay(network(Adding(name="adding")), "mixed_bfloat16")
    require_replay(network(layers.Conv2D(2, 3), layers.BatchNormalization(), layers.Dropout(0.5)), "mixed_float16")


def test_layers_that_keras_has_pass():
    require_replay(network(layers.RandomFlip(), layers.Conv2D(2, 3), layers.Dropout(0.5), layers.GaussianNoise(0.1)))


@pytest.mark.parametrize(
    ("layer", "message"),
    [
        (drawing(lambda x: tf.random.normal(tf.shape(x), seed=1)), r"drawing draws \(RandomStandardNormal\) in a way"),
        (drawing(numpy_noise), r"layer drawing draws \(PyFunc\) in a way that a resumed run cannot replay"),
        (drawing(lambda x: GENERATOR.normal(tf.shape(x))), r"the variable \S+ of no layer"),
        (layers.Lambda(lambda x: x * STRANGER), r"the variable stranger:0 of no layer"),
        (Always(name="always"), r"layer always draws \(RngReadAndSkip\) in inference too"),
    ],
)
def test_what_cannot_be_replayed_is_refused_by_name(layer: layers.Layer, message: str):
    with pytest.raises(UserError, match=message) as caught:
        require_replay(network(layer))
    assert "\n" not in str(caught.value)


def test_an_inference_that_tensorflow_cannot_run_is_refused():
    """Its graph rewriting makes one operation of the three, which has no kernel; with a bias it does not."""
    layer = layers.Conv2D(4, 3, use_bias=False)
    after = [layers.BatchNormalization(), layers.Activation("tanh")]
    with pytest.raises(UserError, match=r"^model.architecture: the network cannot be evaluated: .*FusedBatchNorm,Tanh"):
        require_replay(network(layer, *after))
    require_replay(network(layers.Conv2D(4, 3), layers.BatchNormalization(), layers.Activation("tanh")))
