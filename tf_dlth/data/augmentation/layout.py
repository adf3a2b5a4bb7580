"""The static shape of a batch of images, and its pixels as rows."""

from __future__ import annotations

from typing import cast

import tensorflow as tf


def image_shape(images: tf.Tensor) -> tuple[int, int, int]:
    """(H, W, C) of images [N, H, W, C], known when the graph is built."""
    height, width, channels = images.shape[1:]
    return cast(int, height), cast(int, width), cast(int, channels)


def rows(images: tf.Tensor) -> tf.Tensor:
    """[N, H * W * C] of images [N, H, W, C] of any type.

    TensorFlow's broadcasts over a short last axis are several times slower than over a long one.
    """
    height, width, channels = image_shape(images)
    return tf.reshape(images, [-1, height * width * channels])
