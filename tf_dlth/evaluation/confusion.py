"""What a classifier takes for what."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from scipy.special import softmax
from sklearn.metrics import confusion_matrix, precision_recall_fscore_support


@dataclass(frozen=True, eq=False)
class Confusion:
    """``matrix`` int [true class, predicted class]; the others are float or int [classes].

    They are fractions, NaN where nothing was predicted (precision), nothing was shown (recall), or neither (F1).
    """

    matrix: np.ndarray
    precision: np.ndarray
    recall: np.ndarray
    f1: np.ndarray
    support: np.ndarray

    @property
    def pairs(self) -> list[tuple[int, int, int]]:
        """(true class, predicted class, images) of what is mistaken, the most frequent first."""
        found = [(int(t), int(p), int(self.matrix[t, p])) for t, p in np.argwhere(self.matrix) if t != p]
        return sorted(found, key=lambda pair: (-pair[2], pair[:2]))

    def records(self, class_names: Sequence[str]) -> list[dict[str, Any]]:
        """A row a class."""
        return [
            {
                "class": name,
                "precision": float(self.precision[c]),
                "recall": float(self.recall[c]),
                "f1": float(self.f1[c]),
                "support": int(self.support[c]),
            }
            for c, name in enumerate(class_names)
        ]


@dataclass(frozen=True)
class Mistake:
    """A misclassified image by its position; ``confidence`` is the softmax of the predicted class."""

    image: int
    true: int
    predicted: int
    confidence: float


def confusion(logits: np.ndarray, labels: np.ndarray) -> Confusion:
    """Of ``logits`` float [N, classes] and ``labels`` int [N]."""
    classes, predicted = np.arange(logits.shape[1]), logits.argmax(-1)
    measured: Any = precision_recall_fscore_support(labels, predicted, labels=classes, zero_division=np.nan)  # pyright: ignore[reportArgumentType]
    precision, recall, f1, support = measured
    return Confusion(confusion_matrix(labels, predicted, labels=classes), precision, recall, f1, support)


def worst_mistakes(logits: np.ndarray, labels: np.ndarray, most: int) -> list[Mistake]:
    """The ``most`` mistakes that the classifier is surest of, the surest first."""
    probabilities = softmax(logits.astype(np.float64), axis=-1)
    predicted = logits.argmax(-1)
    confidence = probabilities[np.arange(len(labels)), predicted]
    wrong = np.flatnonzero(predicted != labels)
    order = wrong[np.argsort(-confidence[wrong], kind="stable")][:most]
    return [Mistake(int(i), int(labels[i]), int(predicted[i]), float(confidence[i])) for i in order]
