from __future__ import annotations

import numpy as np
import pytest
import tensorflow as tf
import tf_keras

from tf_dlth.models.heads import CosineHead, TvmfHead, normalised_head

FEATURES = np.random.default_rng(0).normal(size=(5, 8)).astype(np.float32)


def cosines(features: np.ndarray, kernel: np.ndarray) -> np.ndarray:
    return (features @ kernel) / np.outer(np.linalg.norm(features, axis=1), np.linalg.norm(kernel, axis=0))


@pytest.mark.parametrize("a", [0.0, 1.5, -2.0])
def test_formulas(a: float):
    for name, similarity in (
        ("cosine", lambda c: c),
        ("tvmf", lambda c: (1 + c) / (1 + 16 * (1 - c)) - 1),
    ):
        head = normalised_head(name, 3)
        head.build(FEATURES.shape)
        head.scale.assign(a)
        expected = (1 + np.log1p(np.exp(a))) * similarity(cosines(FEATURES, head.kernel.numpy()))
        np.testing.assert_allclose(head(FEATURES), expected, rtol=1e-5, atol=1e-6)


def test_known_values():
    head = TvmfHead(1)
    head.build(tf.TensorShape((None, 2)))
    head.kernel.assign([[2.0], [0.0]])
    s = 1 + np.log(2)
    assert s == pytest.approx(1.693, abs=5e-4)
    aligned, across, opposed = head(np.array([[7.0, 0], [0, 0.1], [-3, 0]], np.float32)).numpy()[:, 0] / s
    assert (aligned, across, opposed) == pytest.approx((1, 1 / 17 - 1, -1), abs=1e-5)


@pytest.mark.parametrize("head", [CosineHead(3), TvmfHead(3)])
def test_zero_features_have_finite_logits_and_gradients(head):
    zeros = tf.Variable(tf.zeros((2, 8)))
    with tf.GradientTape() as tape:
        logits = head(zeros)
    assert np.isfinite(logits).all()
    gradients = tape.gradient(logits, [zeros, head.kernel, head.scale])
    assert all(np.isfinite(tf.convert_to_tensor(gradient).numpy()).all() for gradient in gradients)


def test_variables_and_serialisation():
    head = TvmfHead(3, name="head")
    again = tf_keras.layers.deserialize(tf_keras.layers.serialize(head))
    assert isinstance(again, TvmfHead)
    again.build(tf.TensorShape((None, 100)))
    assert {w.shape.as_list().__repr__() for w in again.trainable_weights} == {"[100, 3]", "[]"}
    assert again.scale.numpy() == 0
    assert 0.05 < np.abs(again.kernel).max() <= 0.1
