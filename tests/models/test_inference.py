from __future__ import annotations

import numpy as np
import tensorflow as tf
import tf_keras

from tf_dlth.models.inference import predictor


def test_batch_normalisation_and_dropout_are_those_of_inference():
    images = tf_keras.Input((2, 2, 1))
    flat = tf_keras.layers.Flatten()(images)
    model = tf_keras.Model(images, tf_keras.layers.Dropout(0.5)(tf_keras.layers.BatchNormalization(epsilon=0)(flat)))
    batch = np.arange(12, dtype=np.float32).reshape(3, 2, 2, 1)
    np.testing.assert_array_equal(predictor(model)(tf.constant(batch)), batch.reshape(3, 4))
