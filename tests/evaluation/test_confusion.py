from __future__ import annotations

import numpy as np
import pytest

from tf_dlth.evaluation.confusion import Mistake, confusion, worst_mistakes

LOGITS = np.log(np.array([[0.9, 0.1, 1e-9], [0.2, 0.8, 1e-9], [0.4, 0.6, 1e-9], [0.3, 0.7, 1e-9]], np.float32))
LABELS = np.array([0, 1, 0, 0])


def test_counts_and_measures():
    """Of three images of class 0 one is found; two of the three taken for class 1 are none; class 2 is never seen."""
    found = confusion(LOGITS, LABELS)
    assert found.matrix.tolist() == [[1, 2, 0], [0, 1, 0], [0, 0, 0]]
    np.testing.assert_allclose(found.precision, [1, 1 / 3, np.nan])
    np.testing.assert_allclose(found.recall, [1 / 3, 1, np.nan])
    np.testing.assert_allclose(found.f1, [0.5, 0.5, np.nan])
    assert found.support.tolist() == [3, 1, 0]
    assert found.pairs == [(0, 1, 2)]


def test_a_class_that_is_never_right_has_f1_of_zero():
    found = confusion(np.array([[0.0, 1.0], [1.0, 0.0]]), np.array([0, 1]))
    assert found.f1.tolist() == [0, 0]
    never = confusion(np.array([[1.0, 0.0], [1.0, 0.0]]), np.array([0, 1]))
    assert np.isnan(never.precision[1]) and never.f1[1] == 0
    assert found.pairs == [(0, 1, 1), (1, 0, 1)]


def test_the_surest_mistakes_come_first():
    first, second = worst_mistakes(LOGITS, LABELS, 5)
    assert (first.image, second.image) == (3, 2)
    assert first == Mistake(3, 0, 1, first.confidence) and first.confidence == pytest.approx(0.7, abs=1e-6)
    assert worst_mistakes(LOGITS, LABELS, 1) == [first]


def test_no_mistakes():
    assert worst_mistakes(LOGITS, LOGITS.argmax(-1), 5) == []
    assert confusion(LOGITS, LOGITS.argmax(-1)).pairs == []
