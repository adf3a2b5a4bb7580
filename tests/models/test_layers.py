from __future__ import annotations

import numpy as np
import pytest
import scipy.signal
import tf_keras

from tf_dlth.models.layers import (
    Normalise,
    batch_norm,
    classifier,
    convolution,
    default_kernel,
    he_kernel,
    max_pool_3x3,
    subsampled,
    uniform,
    zero_pad,
)


def test_batchnorm_constants(network):
    norms = [x for x in network().layers if isinstance(x, tf_keras.layers.BatchNormalization)]
    assert len(norms) == 20
    assert {(x.epsilon, x.momentum) for x in norms} == {(1e-5, 0.9)}


def test_max_pool_is_padded_as_if_with_minus_infinity_after_a_relu():
    images = tf_keras.Input((9, 8, 2))
    model = tf_keras.Model(images, max_pool_3x3(tf_keras.layers.ReLU()(images), "pool"))
    x = np.random.default_rng(0).normal(-1, 1, (2, 9, 8, 2)).astype(np.float32)
    padded = np.pad(np.maximum(x, 0), ((0, 0), (1, 1), (1, 1), (0, 0)), constant_values=-np.inf)
    windows = np.lib.stride_tricks.sliding_window_view(padded, (3, 3), (1, 2))[:, ::2, ::2]
    np.testing.assert_array_equal(model(x), windows.max((-1, -2)))


@pytest.mark.parametrize("stride", [1, 2])
@pytest.mark.parametrize("size", [1, 3, 5])
def test_a_convolution_is_padded_alike_on_all_sides(size: int, stride: int):
    """Keras' own padding would shift a strided one by a pixel."""
    images = tf_keras.Input((8, 8, 2))
    model = tf_keras.Model(images, convolution(images, 3, size, stride, "conv"))
    kernel = np.random.default_rng(0).normal(size=(size, size, 2, 3)).astype(np.float32)
    model.get_layer("conv").set_weights([kernel])
    x = np.random.default_rng(1).normal(size=(1, 8, 8, 2)).astype(np.float32)
    padded = np.pad(x[0], ((size // 2, size // 2), (size // 2, size // 2), (0, 0)))
    for out in range(3):
        maps = [scipy.signal.correlate2d(padded[..., i], kernel[..., i, out], mode="valid") for i in range(2)]
        expected = np.sum(maps, axis=0)[::stride, ::stride]
        np.testing.assert_allclose(model(x)[0, ..., out], expected, rtol=1e-4, atol=1e-5)


def test_every_second_row_and_column_is_what_a_strided_1x1_sees():
    images = tf_keras.Input((5, 6, 1))
    x = np.arange(30, dtype=np.float32).reshape(1, 5, 6, 1)
    np.testing.assert_array_equal(tf_keras.Model(images, subsampled(images, 2, "conv"))(x), x[:, ::2, ::2])
    assert subsampled(images, 1, "conv") is images


def test_zeros_on_all_four_sides():
    images = tf_keras.Input((2, 3, 1))
    x = np.ones((1, 2, 3, 1), np.float32)
    expected = np.pad(x, ((0, 0), (2, 2), (2, 2), (0, 0)))
    np.testing.assert_array_equal(tf_keras.Model(images, zero_pad(images, 2, "pad"))(x), expected)


def test_scales_of_first_weights():
    """Uniform within 1 / sqrt(fan-in), as PyTorch draws; He by fan-out, untruncated."""
    kernel = default_kernel()((3, 3, 50, 100)).numpy()
    assert 0.99 / np.sqrt(450) < np.abs(kernel).max() <= 1 / np.sqrt(450)
    assert kernel.std() == pytest.approx(1 / np.sqrt(3 * 450), rel=0.02)
    bias = uniform(450)((10_000,)).numpy()
    assert 0.99 / np.sqrt(450) < np.abs(bias).max() <= 1 / np.sqrt(450)
    he = he_kernel()((3, 3, 100, 50)).numpy()
    assert he.std() == pytest.approx(np.sqrt(2 / 450), rel=0.02)
    assert np.abs(he).max() > 3 * he.std()


def test_initialisers_are_made_anew():
    """One object shared by layers would draw equal kernels for them."""
    assert default_kernel() is not default_kernel()
    assert he_kernel() is not he_kernel()


def test_batch_norm_without_parameters():
    images = tf_keras.Input((2, 2, 3))
    model = tf_keras.Model(images, batch_norm(images, "bn", affine=False))
    assert not model.trainable_weights
    assert len(model.weights) == 2


@pytest.mark.parametrize("kernel", [None, tf_keras.initializers.Ones()])
def test_the_classifier_averages_over_space(kernel: tf_keras.initializers.Initializer | None):
    images = tf_keras.Input((4, 4, 6))
    model = tf_keras.Model(images, classifier(images, 3, kernel))
    x = np.random.default_rng(0).normal(size=(2, 4, 4, 6)).astype(np.float32)
    weights, bias = (variable.numpy() for variable in model.get_layer("head").weights)
    np.testing.assert_allclose(model(x), x.mean((1, 2)) @ weights + bias, rtol=1e-5, atol=1e-5)
    assert (bias == 0).all() == (kernel is not None)


def test_normalisation_is_the_formula():
    x = np.random.default_rng(0).uniform(0, 255, (2, 3, 3, 2)).astype(np.float32)
    expected = (x / 255 - np.array([0.4, 0.6])) / np.array([0.2, 0.3])
    np.testing.assert_allclose(Normalise([0.4, 0.6], [0.2, 0.3])(x), expected, rtol=1e-4, atol=1e-5)


def test_normalise_serialises():
    layer = Normalise([0.5], [0.25], name="normalise")
    again = tf_keras.layers.deserialize(tf_keras.layers.serialize(layer))
    assert isinstance(again, Normalise)
    np.testing.assert_allclose(again(np.full((1, 1, 1, 1), 255.0)), [[[[2.0]]]])
