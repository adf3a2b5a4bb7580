"""The linear layer against a loop in NumPy and against scikit-learn."""

from __future__ import annotations

import math

import numpy as np
import pytest
import tensorflow as tf
import tf_keras
from sklearn.datasets import load_digits
from sklearn.linear_model import LogisticRegression

from tf_dlth.config import ProbeConfig
from tf_dlth.data.pipeline import feature_batches
from tf_dlth.errors import UserError
from tf_dlth.evaluation import linear as module
from tf_dlth.evaluation.linear import classifier, logistic_regression, logits, schedule, train_classifier
from tf_dlth.models.initialisation import initial_weights


def fitted(features: np.ndarray, labels: np.ndarray, section: ProbeConfig, devices: str = "cpu") -> dict:
    model = classifier(features.shape[1], int(labels.max()) + 1)
    batches = feature_batches(features, labels, batch_size=section.batch_size, seed=1, epochs=section.epochs)
    initial = initial_weights(model, 1)
    return train_classifier(model, initial, section, batches, len(labels), devices, lambda position, rate: None)


def by_hand(features: np.ndarray, labels: np.ndarray, section: ProbeConfig) -> tuple[np.ndarray, np.ndarray]:
    """Softmax regression by v <- 0.9 v + g, w <- w - rate v, in float64."""
    classes = int(labels.max()) + 1
    initial = initial_weights(classifier(features.shape[1], classes), 1)
    weights = [initial[name].astype(np.float64) for name in ("head/kernel", "head/bias")]
    velocity = [np.zeros_like(w) for w in weights]
    batches = feature_batches(features, labels, batch_size=section.batch_size, seed=1, epochs=section.epochs)
    steps = math.ceil(len(labels) / section.batch_size)
    for number, (x, y) in enumerate(batches.as_numpy_iterator()):
        rate = section.learning_rate * (1 + math.cos(math.pi * (number // steps) / section.epochs)) / 2
        scores = x @ weights[0] + weights[1]
        chances = np.exp(scores - scores.max(1, keepdims=True))
        error = (chances / chances.sum(1, keepdims=True) - np.eye(classes)[y]) / len(y)
        for i, gradient in enumerate((x.T @ error, error.sum(0))):
            velocity[i] = 0.9 * velocity[i] + gradient
            weights[i] = weights[i] - rate * velocity[i]
    return weights[0], weights[1]


@pytest.mark.parametrize("batch_size", [7, 50])
def test_against_a_loop_in_numpy(batch_size: int) -> None:
    """The last batch of an epoch is partial."""
    random = np.random.RandomState(0)
    features, labels = random.rand(50, 6).astype(np.float32), random.randint(0, 3, 50)
    section = ProbeConfig(epochs=4, batch_size=batch_size, learning_rate=0.5)
    kernel, bias = by_hand(features, labels, section)
    found = fitted(features, labels, section)
    np.testing.assert_allclose(found["head/kernel"], kernel, rtol=1e-4, atol=1e-5)
    np.testing.assert_allclose(found["head/bias"], bias, rtol=1e-4, atol=1e-5)


def test_the_schedule_is_the_sections_and_does_not_decay() -> None:
    training = schedule(ProbeConfig(epochs=20, learning_rate=0.02, batch_size=30))
    assert (training.epochs, training.learning_rate, training.batch_size) == (20, 0.02, 30)
    assert (training.momentum, training.weight_decay) == (0.9, 0.0)


def test_it_ends_where_scikit_learn_does() -> None:
    """Pixels of digits as features, which a linear classifier tells apart well."""
    digits = load_digits()
    features, labels = (digits.data / 16).astype(np.float32), digits.target
    reference = LogisticRegression(max_iter=1000).fit(features[:1000], labels[:1000])
    expected = reference.score(features[1000:], labels[1000:])
    head = fitted(features[:1000], labels[:1000], ProbeConfig(epochs=30))
    found = np.mean(logits(head, features[1000:]).argmax(1) == labels[1000:])
    assert expected > 0.9
    assert found == pytest.approx(expected, abs=0.02)
    classes, converged = logistic_regression(features[:1000], labels[:1000], features[1000:], 0)
    assert np.mean(classes == labels[1000:]) == pytest.approx(expected, abs=0.02)
    assert converged


def test_the_regression_does_not_mind_the_features_scale_and_tells_when_it_is_not_done(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    random = np.random.RandomState(0)
    labels = random.randint(0, 3, 200)
    features = random.randn(200, 4) + np.eye(4)[labels]
    one, _ = logistic_regression(features, labels, features, 0)
    other, _ = logistic_regression(features * [1e4, 1, 1e-3, 1] + 7, labels, features * [1e4, 1, 1e-3, 1] + 7, 0)
    np.testing.assert_array_equal(one, other)
    monkeypatch.setattr(module, "MOST_ITERATIONS", 2)
    assert logistic_regression(features, labels, features, 0)[1] is False


def test_divergence_names_the_sections_rate() -> None:
    features = np.full((20, 2), 1e30, np.float32)
    with pytest.raises(UserError, match=r"lower probe\.learning_rate \(now 1e\+12\)"):
        fitted(features, np.arange(20) % 2, ProbeConfig(epochs=3, learning_rate=1e12))


def test_a_classifier_on_an_encoder_shares_its_layers() -> None:
    images = tf_keras.Input((2, 2, 1))
    encoder = tf_keras.Model(images, tf_keras.layers.Flatten()(tf_keras.layers.Dense(3, name="body")(images)))
    model = module.with_classifier(encoder, 5)
    assert model.get_layer("body") is encoder.get_layer("body")
    assert model(tf.zeros((2, 2, 2, 1))).shape == (2, 5)
