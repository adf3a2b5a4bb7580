from __future__ import annotations

import math

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tf_dlth.evaluation.calibration import calibration


def ece(logits: np.ndarray, labels: np.ndarray) -> float:
    ((name, value),) = calibration(logits, labels)
    assert name == "ece"
    return value


def test_ten_rows_by_hand():
    """Two classes; confidences .5 (bin 8 of 15), .6 (the right end of bin 9), .65 (bin 10), .95 (bin 15) and 1."""
    confidence = np.array([0.5, 0.5, 0.6, 0.6, 0.65, 0.65, 0.65, 0.95, 0.95, 1.0])
    right = np.array([1, 0, 1, 0, 1, 1, 0, 1, 0, 1], bool)
    odds = np.array([math.log(c / (1 - c)) if c < 1 else 800.0 for c in confidence])
    logits = np.stack([odds, np.zeros(10)], axis=1)
    # |accuracy - confidence| of each bin, times its images; .95 and 1 share the last.
    by_hand = 2 * abs(1 / 2 - 0.5) + 2 * abs(1 / 2 - 0.6) + 3 * abs(2 / 3 - 0.65) + 3 * abs(2 / 3 - 2.9 / 3)
    assert ece(logits, np.where(right, 0, 1)) == pytest.approx(by_hand / 10, abs=1e-12)


@given(seed=st.integers(0, 10**6), n=st.integers(1, 80), classes=st.integers(2, 12), scale=st.sampled_from([0.1, 1, 9]))
@settings(max_examples=80, deadline=None)
def test_against_a_loop(seed: int, n: int, classes: int, scale: float):
    random = np.random.RandomState(seed)
    logits, labels = (scale * random.randn(n, classes)).astype(np.float32), random.randint(0, classes, n)
    exact = logits.astype(np.float64)
    probabilities = [np.exp(row - np.logaddexp.reduce(row)) for row in exact]
    total = 0.0
    for k in range(15):
        inside = [i for i in range(n) if k / 15 < max(probabilities[i]) <= (k + 1) / 15]
        if inside:
            accuracy = sum(probabilities[i].argmax() == labels[i] for i in inside) / len(inside)
            total += len(inside) / n * abs(accuracy - sum(max(probabilities[i]) for i in inside) / len(inside))
    assert ece(logits, labels) == pytest.approx(total, abs=1e-9)


@pytest.mark.parametrize("classes", [2, 3, 5, 10, 15])
def test_even_probabilities_on_the_edge_of_a_bin(classes: int):
    """No class is preferred, and of equal ones the first is taken."""
    labels = np.arange(classes)
    assert ece(np.zeros((classes, classes), np.float32), labels) == pytest.approx(0, abs=1e-12)


def test_certain_and_wrong_is_the_worst():
    assert ece(np.array([[1e4, 0.0], [1e4, 0.0]], np.float32), np.array([1, 1])) == 1.0
    assert ece(np.array([[1e4, 0.0]], np.float32), np.array([0])) == 0.0
