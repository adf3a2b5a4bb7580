from __future__ import annotations

import numpy as np
import pytest
import scipy.signal
import tensorflow as tf
import tf_keras

from tf_dlth.models.harmonic import DctBank, HarmonicConv2D, dct_bank
from tf_dlth.models.variables import named_variables


def test_dct_bank():
    bank = dct_bank(3)
    np.testing.assert_allclose(np.abs(bank).sum((2, 3)), np.ones((3, 3)), rtol=1e-6)
    np.testing.assert_allclose(bank[0, 0], np.full((3, 3), 1 / 9), rtol=1e-6)
    np.testing.assert_allclose(bank[1, 0], np.array([[1.0] * 3, [0] * 3, [-1] * 3]) / 6, atol=1e-7)
    np.testing.assert_allclose(bank[0, 2], np.array([[0.5, -1, 0.5]] * 3) / 6, atol=1e-7)
    flat = dct_bank(7).reshape(49, 49).astype(np.float64)
    gram = flat @ flat.T
    np.testing.assert_allclose(gram, np.diag(np.diag(gram)), atol=1e-7)


@pytest.mark.parametrize("stride", [1, 2])
def test_harmonic_convolution_is_a_sum_of_filtered_channels(stride: int):
    draws = np.random.default_rng(0)
    x = draws.normal(size=(1, 7, 7, 2)).astype(np.float32)
    layer = HarmonicConv2D(3, 3, stride)
    padded = np.pad(x, ((0, 0), (1, 1), (1, 1), (0, 0)))
    ours = layer(x if stride == 1 else padded).numpy()
    coefficients, bank, expected = layer.coefficients.numpy(), dct_bank(3), np.zeros((7, 7, 3))
    for u, v, i, o in np.ndindex(3, 3, 2, 3):
        filtered = scipy.signal.correlate2d(padded[0, :, :, i], bank[u, v], mode="valid")
        expected[:, :, o] += coefficients[u, v, i, o] * filtered
    np.testing.assert_allclose(ours[0], expected[::stride, ::stride], rtol=1e-4, atol=1e-5)


def test_dct_layer_filters_every_channel():
    x = np.random.default_rng(0).normal(size=(1, 8, 8, 2)).astype(np.float32)
    layer = DctBank(3)
    ours = layer(x).numpy()
    assert ours.shape == (1, 8, 8, 18)
    assert not layer.weights
    for channel, index in np.ndindex(2, 9):
        kernel = dct_bank(3)[index // 3, index % 3]
        expected = scipy.signal.correlate2d(x[0, :, :, channel], kernel, mode="same")
        np.testing.assert_allclose(ours[0, :, :, channel * 9 + index], expected, rtol=1e-4, atol=1e-5)


def test_harmonic_layers_serialise():
    for layer in (HarmonicConv2D(4, 3, 2, name="a"), DctBank(7, 2, name="b")):
        again = tf_keras.layers.deserialize(tf_keras.layers.serialize(layer))
        assert again is not None
        assert again.get_config() == layer.get_config()


def test_harmonic_stem_norm_has_no_parameters(network):
    names = [n for n in named_variables(network("harmonic_resnet18", width=4)) if n.startswith("stem")]
    statistics = ["stem_dct_bn/moving_mean", "stem_dct_bn/moving_variance"]
    assert names[:3] == [*statistics, "stem/kernel"]


def test_all_coefficients_are_prunable():
    layer = HarmonicConv2D(4, 3)
    layer.build(tf.TensorShape((None, 8, 8, 2)))
    assert [weight.shape.as_list() for weight in layer.get_prunable_weights()] == [[3, 3, 2, 4]]
    assert len(layer.trainable_weights) == 1
