"""Keras-CV as a second opinion, with parameters that the test gives it."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
import tensorflow as tf

from tf_dlth.data.augmentation.operation import Operation
from tf_dlth.data.augmentation.operations import apply_slot


@pytest.fixture(scope="module")
def layers() -> Any:
    # Its layers cannot be made under deterministic operations unless there is a global generator.
    tf.random.set_global_generator(tf.random.Generator.from_seed(1))
    import keras_cv

    return keras_cv.layers


def ours(images: np.ndarray, operation: Operation, values: np.ndarray | float) -> np.ndarray:
    value = np.broadcast_to(np.asarray(values, np.float64), len(images))
    operations = np.full(len(images), int(operation), np.int32)
    return apply_slot(
        tf.constant(images), tf.constant(operations), tf.constant(value), choices=[operation], fill=0
    ).numpy()


def theirs(layer: Any, images: np.ndarray) -> np.ndarray:
    return np.asarray(layer(tf.constant(images, tf.float32), training=True))


def test_solarize_with_a_threshold_an_image(noise, layers) -> None:
    thresholds = np.linspace(0, 256, len(noise)).astype(np.float32)
    drawn = {
        "thresholds": thresholds.reshape(-1, 1, 1, 1),
        "additions": np.zeros((len(noise), 1, 1, 1), np.float32),
    }
    layer = layers.Solarization(value_range=(0, 255))
    result = layer.augment_images(tf.constant(noise, tf.float32), drawn)
    np.testing.assert_array_equal(ours(noise, Operation.SOLARIZE, thresholds), np.asarray(result))


@pytest.mark.parametrize("bits", [1, 4, 5, 6, 7])
def test_posterize(noise, layers, bits) -> None:
    layer = layers.Posterization(value_range=(0, 255), bits=bits)
    np.testing.assert_array_equal(ours(noise, Operation.POSTERIZE, bits), theirs(layer, noise))


@pytest.mark.parametrize("divisor", [1, 2, 5])
def test_autocontrast_up_to_the_cut_to_whole_levels(noise, layers, divisor) -> None:
    images = noise // divisor + (255 - 255 // divisor) // 2
    exact = theirs(layers.AutoContrast(value_range=(0, 255)), images)
    difference = exact - ours(images, Operation.AUTOCONTRAST, 0)
    assert difference.min() > -1e-3 and difference.max() < 1 + 1e-3


def test_gray_within_one_level(noise, layers) -> None:
    exact = theirs(layers.Grayscale(output_channels=3), noise)
    assert np.abs(exact - ours(noise, Operation.COLOR, 0.0)).max() < 1


def test_sharpness_within_one_level(noise, layers) -> None:
    layer = layers.RandomSharpness(factor=(0.5, 0.5), value_range=(0, 255))
    assert np.abs(theirs(layer, noise) - ours(noise, Operation.SHARPNESS, 0.5)).max() < 1


def test_translation_by_whole_pixels(noise, layers) -> None:
    layer = layers.RandomTranslation(0.0, (0.125, 0.125), fill_mode="constant", interpolation="nearest")
    np.testing.assert_array_equal(ours(noise, Operation.TRANSLATE_X, -0.125), theirs(layer, noise))
