from __future__ import annotations

import math
from itertools import combinations

import numpy as np
import pytest
import tf_keras

from tf_dlth.errors import UserError
from tf_dlth.models.initialisation import initial_weights, variable_seed

layers = tf_keras.layers


@pytest.mark.parametrize("stem", ["small", "full"])
def test_resnet18_has_the_scales_that_decide_layer_densities(network, stem: str):
    side = 224 if stem == "full" else 32
    weights = initial_weights(network(width=64, stem=stem, input_shape=(side, side, 3)), 0)
    expected = {
        "stem": 0.111 if stem == "small" else 0.048,
        "stage1_block2_conv2": 0.0241,
        "stage2_block1_conv1": 0.0241,
        "stage2_block2_conv1": 0.0170,
        "stage3_block2_conv1": 0.0120,
        "stage4_block2_conv1": 0.0085,
        "stage2_block1_shortcut": 0.072,
        "stage3_block1_shortcut": 0.051,
        "stage4_block1_shortcut": 0.036,
    }
    for layer, deviation in expected.items():
        kernel = weights[f"{layer}/kernel"]
        assert kernel.std() == pytest.approx(deviation, rel=0.04)
        bound = 1 / math.sqrt(np.prod(kernel.shape[:3]))
        assert 0.99 * bound < np.abs(kernel).max() <= bound


def test_other_variables_of_resnet18(network):
    weights = initial_weights(network(width=64, classes=1000), 0)
    bound = 1 / math.sqrt(512)
    for name in ("head/kernel", "head/bias"):
        assert 0.98 * bound < np.abs(weights[name]).max() <= bound
    starts = {"gamma": 1, "beta": 0, "moving_mean": 0, "moving_variance": 1}
    for name, value in weights.items():
        if (leaf := name.rpartition("/")[2]) in starts:
            np.testing.assert_array_equal(value, starts[leaf])


def test_depthwise_kernels_have_a_fan_in_of_nine(network):
    weights = initial_weights(network("mobilenet_v2", width=64), 0)
    kernel = weights["stage7_block1_depthwise/depthwise_kernel"]
    assert kernel.std() == pytest.approx(1 / 3 / math.sqrt(3), rel=0.03)
    assert np.abs(kernel).max() <= 1 / 3


@pytest.mark.parametrize("architecture", ["vgg16", "fullconv_resnet18", "harmonic_resnet18"])
def test_he_normal_by_fan_out_is_not_truncated(network, architecture: str):
    weights = initial_weights(network(architecture, width=64), 0)
    kernels = {n: w for n, w in weights.items() if w.ndim == 4}
    for kernel in kernels.values():
        fan_out = np.prod(kernel.shape[:2]) * kernel.shape[3]
        assert kernel.std() == pytest.approx(math.sqrt(2 / fan_out), rel=0.06)
    largest = max(kernels.values(), key=lambda w: w.size)
    assert np.abs(largest).max() > 4 * largest.std()


def test_linear_layers_of_the_he_networks(network):
    vgg = initial_weights(network("vgg16", width=64), 0)
    assert vgg["head/kernel"].std() == pytest.approx(0.01, rel=0.05)
    assert not vgg["head/bias"].any()
    assert not vgg["stage3_conv2/bias"].any()
    for architecture in ("fullconv_resnet18", "harmonic_resnet18"):
        weights = initial_weights(network(architecture, width=64), 0)
        assert weights["head/kernel"].std() == pytest.approx(1 / math.sqrt(3 * 512), rel=0.05)


def test_all_kernels_differ_even_where_shapes_are_equal(network):
    weights = initial_weights(network(width=8), 0)
    kernels = [w.ravel() for n, w in weights.items() if n.endswith("kernel")]
    for one, other in combinations(kernels, 2):
        shared = min(one.size, other.size, 64)
        assert abs(np.corrcoef(one[:shared], other[:shared])[0, 1]) < 0.6


def test_the_seed_decides_every_bit_and_the_model_does_not(network):
    model = network(width=4)
    first, again, other = (initial_weights(model, seed) for seed in (1, 1, 2))
    assert list(first) == list(again)
    for name, value in first.items():
        np.testing.assert_array_equal(value, again[name])
        assert name.endswith("kernel") <= (value != other[name]).any()


def test_seeds_are_pinned():
    """Half of the first four bytes that sha256sum prints; a change here would change every run."""
    assert variable_seed(0, "stem/kernel") == 1996248921
    assert len({variable_seed(s, n) for s in range(50) for n in ("a/kernel", "b/kernel")}) == 100


class Own(layers.Layer):
    def __init__(self, **kwargs):
        super().__init__(**kwargs)
        self.gain_initializer = tf_keras.initializers.RandomUniform(5, 6)

    def build(self, input_shape):
        self.gain = self.add_weight("gain", (100,), initializer=self.gain_initializer)
        self.fixed = self.add_weight("fixed", (2,), initializer=tf_keras.initializers.Constant(7), trainable=False)
        super().build(input_shape)

    def call(self, inputs):
        return inputs * self.gain


class Silent(layers.Layer):
    def build(self, input_shape):
        self.gain = self.add_weight("gain", (3,))
        super().build(input_shape)

    def call(self, inputs):
        return inputs * self.gain


def test_own_layers_say_how_their_variables_begin():
    images = tf_keras.Input((100,))
    weights = initial_weights(tf_keras.Model(images, Own(name="own")(images)), 0)
    assert 5 <= weights["own/gain"].min() < 5.2 < 5.8 < weights["own/gain"].max() <= 6
    np.testing.assert_array_equal(weights["own/fixed"], [7, 7])
    images = tf_keras.Input((3,))
    with pytest.raises(UserError, match=r"s/gain has no initialiser; Silent must keep .* gain_initializer"):
        initial_weights(tf_keras.Model(images, Silent(name="s")(images)), 0)


def test_keras_layers_with_inner_layers_are_seeded_too():
    images = tf_keras.Input((4, 8))
    x = layers.SeparableConv1D(4, 3)(layers.MultiHeadAttention(2, 4)(images, images))
    model = tf_keras.Model(images, layers.LSTM(3)(x))
    first, again = (initial_weights(model, 1) for _ in range(2))
    assert all(np.array_equal(value, again[name]) for name, value in first.items())
    assert len(first) == len(model.weights)
