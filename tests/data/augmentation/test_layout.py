from __future__ import annotations

import numpy as np
import tensorflow as tf

from tf_dlth.data.augmentation.layout import image_shape, rows


def test_the_shape_is_known_when_the_graph_is_built() -> None:
    seen: list[tuple[int, int, int]] = []

    @tf.function(input_signature=[tf.TensorSpec([None, 5, 7, 3], tf.uint8)])
    def shaped(images: tf.Tensor) -> tf.Tensor:
        seen.append(image_shape(images))
        return rows(images)

    assert shaped(tf.zeros([2, 5, 7, 3], tf.uint8)).shape == (2, 105)
    assert shaped(tf.zeros([0, 5, 7, 3], tf.uint8)).shape == (0, 105)
    assert seen == [(5, 7, 3)]
    assert all(isinstance(side, int) for side in seen[0])


def test_rows_hold_an_images_pixels_in_order() -> None:
    images = np.arange(24, dtype=np.uint8).reshape(2, 2, 2, 3)
    np.testing.assert_array_equal(rows(tf.constant(images)), images.reshape(2, 12))
