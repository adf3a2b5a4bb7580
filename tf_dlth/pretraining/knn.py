"""Nearest neighbours as the monitor of an encoder: the only use of labels. NumPy only."""

from __future__ import annotations

import numpy as np

NEIGHBOURS = 20
ROWS = 500
"""Test images a block, which bounds the memory that similarities take."""


def knn_accuracy(
    train: np.ndarray,
    train_labels: np.ndarray,
    test: np.ndarray,
    test_labels: np.ndarray,
    neighbours: int = NEIGHBOURS,
) -> float:
    """The fraction of test features [M, D] whose nearest training features [N, D] mostly have their label.

    Features are floating point, labels int [N] and [M]. Nearness is the cosine, every neighbour has one vote, and of
    equal votes the first class counts. With fewer than ``neighbours`` training images all of them vote.
    """
    train, test = _unit(train), _unit(test)
    blocks = range(0, len(test), ROWS)
    guesses = [_votes(test[start : start + ROWS] @ train.T, train_labels, neighbours) for start in blocks]
    return float(np.mean(np.concatenate(guesses) == test_labels))


def _votes(similarity: np.ndarray, labels: np.ndarray, neighbours: int) -> np.ndarray:
    """The class that each row of ``similarity`` [M, N] elects, int64 [M]."""
    count = min(neighbours, similarity.shape[1])
    nearest = np.argpartition(-similarity, count - 1, axis=1)[:, :count]
    ballots = np.zeros((len(similarity), labels.max() + 1), np.int64)
    np.add.at(ballots, (np.arange(len(similarity))[:, np.newaxis], labels[nearest]), 1)
    return ballots.argmax(1)


def _unit(features: np.ndarray) -> np.ndarray:
    norms = np.linalg.norm(features, axis=1, keepdims=True)
    return features / np.maximum(norms, 1e-12)
