from __future__ import annotations

import numpy as np
import pytest
from sklearn.datasets import load_digits
from sklearn.neighbors import KNeighborsClassifier

from tf_dlth.pretraining import knn
from tf_dlth.pretraining.knn import knn_accuracy


@pytest.mark.parametrize("neighbours", [1, 5, 20])
def test_against_scikit_learn(neighbours: int, monkeypatch: pytest.MonkeyPatch) -> None:
    digits = load_digits()
    features, labels = digits.data + np.random.RandomState(0).normal(0, 4, digits.data.shape), digits.target
    reference = KNeighborsClassifier(neighbours, metric="cosine", algorithm="brute").fit(features[:700], labels[:700])
    expected = float(np.mean(reference.predict(features[700:]) == labels[700:]))
    assert 0.5 < expected < 0.99
    for rows in (knn.ROWS, 33, 10_000):
        monkeypatch.setattr(knn, "ROWS", rows)
        assert knn_accuracy(features[:700], labels[:700], features[700:], labels[700:], neighbours) == expected


def test_nearness_is_the_angle_not_the_distance() -> None:
    train, labels = np.array([[100.0, 1.0], [1.0, 1.1]]), np.array([0, 1])
    assert knn_accuracy(train, labels, np.array([[1.0, 0.1]]), np.array([0]), neighbours=1) == 1


def test_of_equal_votes_the_first_class_counts() -> None:
    train, labels = np.array([[1.0, 0.0], [1.0, 0.1]]), np.array([3, 2])
    assert knn_accuracy(train, labels, np.array([[1.0, 0.0]]), np.array([2]), neighbours=2) == 1


def test_fewer_training_images_than_neighbours_all_vote() -> None:
    train, labels = np.array([[1.0, 0.0], [0.0, 1.0], [0.1, 1.0]]), np.array([0, 1, 1])
    assert knn_accuracy(train, labels, np.array([[1.0, 0.0]]), np.array([1])) == 1


def test_a_zero_vector_is_no_error() -> None:
    assert knn_accuracy(np.zeros((3, 2)), np.array([1, 1, 0]), np.zeros((1, 2)), np.array([1])) == 1
