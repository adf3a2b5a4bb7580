from __future__ import annotations

import pytest
import tf_keras
from tensorflow_model_optimization.sparsity.keras import PrunableLayer, prune_low_magnitude

from tf_dlth.models.prunable import prunable_leaves, prunable_names, unprunable_layers

layers = tf_keras.layers


class Gated(layers.Layer, PrunableLayer):
    """A layer of a user's own: two weights are pruned, the gate is not."""

    def build(self, input_shape):
        self.gate = self.add_weight("gate", ())
        self.inward = self.add_weight("inward", (input_shape[-1], 4))
        self.outward = self.add_weight("outward", (4, 5))
        super().build(input_shape)

    def call(self, inputs):
        return self.gate * (inputs @ self.inward @ self.outward)

    def get_prunable_weights(self):
        return [self.inward, self.outward]


class OwnConvolution(layers.Conv2D):
    """A subclass that does not say what to prune."""


def model() -> tf_keras.Model:
    images = tf_keras.Input((8, 8, 3), name="images")
    x = layers.Conv2D(4, 3, name="conv")(images)
    x = layers.BatchNormalization(name="bn")(x)
    x = layers.DepthwiseConv2D(3, name="depthwise")(x)
    x = layers.SeparableConv2D(4, 3, name="separable")(x)
    x = OwnConvolution(4, 1, name="own_conv")(x)
    x = layers.LayerNormalization(name="layer_norm")(x)
    x = layers.PReLU(name="prelu")(layers.Flatten(name="flat")(x))
    x = layers.Dense(6, name="hidden")(x)
    return tf_keras.Model(images, layers.Dense(3, name="head")(Gated(name="gated")(x)))


def test_kernels_and_own_weights_are_prunable_and_the_rest_is_listed():
    plain = model()
    assert prunable_names(plain) == (
        "conv/kernel",
        "depthwise/depthwise_kernel",
        "separable/depthwise_kernel",
        "separable/pointwise_kernel",
        "hidden/kernel",
        "gated/inward",
        "gated/outward",
    )
    assert unprunable_layers(plain) == ("own_conv", "layer_norm", "prelu")


@pytest.mark.parametrize(
    ("layer", "shape", "leaves"),
    [
        (layers.Conv1D(2, 3), (8, 3), ("kernel",)),
        (layers.Conv3D(2, 3), (4, 4, 4, 3), ("kernel",)),
        (layers.Conv2DTranspose(2, 3), (4, 4, 3), ("kernel",)),
        (layers.Dense(2), (3,), ("kernel",)),
        (layers.Dense(2, name="head"), (3,), ()),
        (layers.Embedding(3, 2), (4,), ()),
        (layers.ReLU(), (4,), ()),
    ],
)
def test_leaves_of_single_layers(layer, shape, leaves):
    layer(tf_keras.Input(shape))
    assert prunable_leaves(layer) == leaves


def test_everything_prunable_can_be_wrapped_with_as_many_masks():
    for layer in model().layers:
        if leaves := prunable_leaves(layer):
            wrapper = prune_low_magnitude(type(layer).from_config(layer.get_config()))
            wrapper.build(layer.input_shape)
            assert prunable_leaves(wrapper) == leaves
