"""Accuracy of a classifier: every stored and printed number comes from here."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

import numpy as np
import tensorflow as tf

from tf_dlth.data import Examples
from tf_dlth.data.pipeline import evaluation_batches
from tf_dlth.models.inference import BATCH, Predict


def predict(predict: Predict, examples: Examples, between: Callable[[], None] = lambda: None) -> np.ndarray:
    """Logits float32 [N, classes] of all examples; ``between`` is called after every batch."""
    parts = []
    for images, _ in evaluation_batches(examples, BATCH):
        parts.append(predict(tf.constant(images)).numpy())
        between()
    return np.concatenate(parts)


def accuracy(logits: np.ndarray, labels: np.ndarray) -> float:
    """The fraction of logits float [N, classes] whose largest is the label's, int [N]; of equal ones the first."""
    return share_right(logits.argmax(-1), labels)


def share_right(classes: np.ndarray, labels: np.ndarray) -> float:
    """The fraction of ``classes``, int [N], that are the ``labels``, int [N]."""
    return float(np.mean(classes == labels))


def mean_recall(classes: np.ndarray, labels: np.ndarray) -> float:
    """Of ``classes``, int [N], over the classes that ``labels``, int [N], show: balanced accuracy."""
    return float(np.mean([share_right(classes[labels == label], label) for label in np.unique(labels)]))


def measure_of(part: str, balanced: bool) -> Callable[[np.ndarray, np.ndarray], float]:
    """How classes int [N] of the part ``test`` or ``heldout`` are scored against labels int [N].

    Held-out images choose: by the mean recall where training is ``balanced``, so that a rare class counts as much.
    """
    return mean_recall if balanced and part == "heldout" else share_right


def measures(logits: np.ndarray, labels: np.ndarray) -> Iterator[tuple[str, Any]]:
    """All measures of ``logits`` float [N, classes] against ``labels`` int [N], by name.

    Fractions, but for ``n`` and ``loss``, the mean cross-entropy in nats; ``per_class`` is recall, None where unseen.
    """
    yield "n", len(labels)
    yield "accuracy", accuracy(logits, labels)
    yield "balanced_accuracy", mean_recall(logits.argmax(-1), labels)
    yield "loss", _cross_entropy(logits.astype(np.float64), labels)
    yield "per_class", _recalls(logits, labels)


def _recalls(logits: np.ndarray, labels: np.ndarray) -> list[float | None]:
    hits = logits.argmax(-1) == labels
    return [float(hits[labels == c].mean()) if (labels == c).any() else None for c in range(logits.shape[1])]


def _cross_entropy(logits: np.ndarray, labels: np.ndarray) -> float:
    shifted = logits - logits.max(-1, keepdims=True)
    log_sum = np.log(np.exp(shifted).sum(-1))
    return float(np.mean(log_sum - shifted[np.arange(len(labels)), labels]))
