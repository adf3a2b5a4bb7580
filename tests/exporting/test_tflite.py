from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import tf_keras

from tf_dlth.errors import UserError
from tf_dlth.exporting.tflite import open_tflite, write_tflite


@pytest.fixture(scope="module")
def model() -> tf_keras.Model:
    """One convolution of whom nine weights in ten are zero."""
    rng = np.random.default_rng(0)
    images = tf_keras.Input((8, 8, 1), name="images")
    x = tf_keras.layers.Conv2D(64, 3, activation="relu", name="conv")(tf_keras.layers.Rescaling(1 / 255)(images))
    x = tf_keras.layers.Conv2D(64, 3, activation="relu", name="inner")(x)
    x = tf_keras.layers.GlobalAveragePooling2D()(x)
    made = tf_keras.Model(images, tf_keras.layers.Dense(3, name="head")(x))
    kernel = made.get_layer("inner").kernel
    kernel.assign(kernel * (rng.random(kernel.shape) < 0.1))
    return made


def test_the_file_says_the_same_and_leaves_zeros_out(model: tf_keras.Model, same, tmp_path: Path) -> None:
    write_tflite(tmp_path / "network.tflite", model)
    same(open_tflite(tmp_path / "network.tflite"), model)
    assert (tmp_path / "network.tflite").stat().st_size < 0.6 * 4 * 9 * 64 * 64


def test_whole_numbers_are_near(model: tf_keras.Model, tmp_path: Path) -> None:
    rng = np.random.default_rng(0)
    images = rng.integers(0, 256, (40, 8, 8, 1), np.uint8)
    write_tflite(tmp_path / "network.tflite", model, images)
    found, expected = open_tflite(tmp_path / "network.tflite")(images), model(images.astype(np.float32)).numpy()
    assert 0 < np.abs(found - expected).max() < 0.05 * np.abs(expected).max()


def test_what_the_converter_cannot_take_is_one_line(tmp_path: Path) -> None:
    import tensorflow as tf

    images = tf_keras.Input((4, 4, 1), name="images")
    x = tf_keras.layers.Lambda(lambda x: tf.linalg.logdet(x[..., 0] @ tf.transpose(x[..., 0], [0, 2, 1])))(images)
    x = tf_keras.layers.Reshape((1,))(x)
    with pytest.raises(UserError, match=r"^--format tflite: the network cannot be converted"):
        write_tflite(tmp_path / "network.tflite", tf_keras.Model(images, x))
    assert not list(tmp_path.iterdir())
