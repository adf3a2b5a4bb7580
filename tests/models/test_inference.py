from __future__ import annotations

import numpy as np
import pytest
import tensorflow as tf
import tf_keras

from tf_dlth.errors import UserError
from tf_dlth.models import variables
from tf_dlth.models.inference import Inference, predictor


def test_batch_normalisation_and_dropout_are_those_of_inference():
    images = tf_keras.Input((2, 2, 1))
    flat = tf_keras.layers.Flatten()(images)
    model = tf_keras.Model(images, tf_keras.layers.Dropout(0.5)(tf_keras.layers.BatchNormalization(epsilon=0)(flat)))
    batch = np.arange(12, dtype=np.float32).reshape(3, 2, 2, 1)
    np.testing.assert_array_equal(predictor(model)(tf.constant(batch)), batch.reshape(3, 4))


def test_one_set_of_weights_after_the_other():
    images = tf_keras.Input((3,))
    model = tf_keras.Model(images, tf_keras.layers.Dense(2, name="head")(images))
    inference, random = Inference(model), np.random.RandomState(0)
    for _ in range(3):
        weights = {"head/kernel": random.rand(3, 2).astype(np.float32), "head/bias": random.rand(2).astype(np.float32)}
        inference.load(weights)
        given = random.rand(5, 3).astype(np.float32)
        expected = given @ weights["head/kernel"] + weights["head/bias"]
        np.testing.assert_allclose(inference(tf.constant(given)), expected, rtol=1e-6)
        np.testing.assert_array_equal(variables.read(model)["head/kernel"], weights["head/kernel"])
    with pytest.raises(UserError, match="lack variable head/kernel"):
        inference.load({"head/bias": weights["head/bias"]})
    np.testing.assert_array_equal(variables.read(model)["head/bias"], weights["head/bias"])
