from __future__ import annotations

from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pytest
import tensorflow as tf
from hypothesis import given, settings
from hypothesis import strategies as st
from sklearn import metrics

from tf_dlth.data.examples import ArrayExamples, FileExamples
from tf_dlth.data.images import Preprocessing
from tf_dlth.errors import UserError
from tf_dlth.evaluation import accuracy as module
from tf_dlth.evaluation.accuracy import accuracy, measures, predict
from tf_dlth.models.inference import predictor


@given(seed=st.integers(0, 10**6), n=st.integers(1, 60), classes=st.integers(2, 12))
@settings(max_examples=60, deadline=None)
def test_against_scikit_learn(seed: int, n: int, classes: int):
    random = np.random.RandomState(seed)
    logits, labels = random.randn(n, classes).astype(np.float32) * 5, random.randint(0, classes, n)
    predictions = logits.argmax(-1)
    found = SimpleNamespace(**dict(measures(logits, labels)))
    probabilities = tf.nn.softmax(logits.astype(np.float64)).numpy()
    assert found.n == n
    assert found.accuracy == accuracy(logits, labels) == metrics.accuracy_score(labels, predictions)
    assert found.loss == pytest.approx(metrics.log_loss(labels, probabilities, labels=range(classes)), rel=1e-6)
    seen = np.unique(labels)
    confusion = metrics.confusion_matrix(labels, predictions, labels=range(classes))
    recalls = np.diag(confusion) / np.maximum(confusion.sum(1), 1)
    assert [found.per_class[c] for c in seen] == pytest.approx(recalls[seen])
    assert all(found.per_class[c] is None for c in range(classes) if c not in seen)
    assert found.balanced_accuracy == pytest.approx(recalls[seen].mean())


def test_balanced_accuracy_against_scikit_learn():
    labels = np.array([0] * 8 + [1] * 2 + [2] * 5)
    logits = np.eye(3)[np.array([0] * 6 + [1] * 2 + [1, 0] + [2] * 5)]
    found = SimpleNamespace(**dict(measures(logits, labels)))
    assert found.balanced_accuracy == pytest.approx(metrics.balanced_accuracy_score(labels, logits.argmax(-1)))
    assert found.per_class == [0.75, 0.5, 1.0]
    assert found.accuracy == 12 / 15


def test_of_equal_logits_the_first_counts():
    assert accuracy(np.zeros((2, 3)), np.array([0, 1])) == 0.5


def test_the_loss_of_large_logits_is_finite():
    found = SimpleNamespace(
        **dict(measures(np.array([[1000.0, -1000.0], [1000.0, -1000.0]], np.float32), np.array([0, 1])))
    )
    assert found.loss == pytest.approx(1000.0)


def test_every_image_is_measured_once_in_order(monkeypatch: pytest.MonkeyPatch):
    """In batches of a fixed size and a last one of what remains."""
    import tf_keras

    monkeypatch.setattr(module, "BATCH", 4)
    images = np.arange(11, dtype=np.uint8).reshape(11, 1, 1, 1)
    examples = ArrayExamples(images, np.zeros(11, np.int32), map(str, range(11)))
    inputs = tf_keras.Input((1, 1, 1))
    model = tf_keras.Model(inputs, tf_keras.layers.Flatten()(tf_keras.layers.Rescaling(2.0)(inputs)))
    calls = []
    logits = predict(predictor(model), examples, between=lambda: calls.append(1))
    assert logits.ravel().tolist() == [2.0 * i for i in range(11)]
    assert len(calls) == 3


def test_an_image_lost_meanwhile_is_one_line():
    examples = FileExamples([Path("lost.png")], np.array([0]), ["0"], Preprocessing.of_shape((4, 4, 1)))
    with pytest.raises(
        UserError, match=r"^image lost.png cannot be read \(No such file or directory\); replace or rem"
    ):
        predict(lambda images: images, examples)
