"""Training images per class of a long-tailed set (paper figure 10)."""

from __future__ import annotations

import numpy as np

PAPER_IMBALANCES = (0.1, 0.05, 0.02, 0.01)
"""The factors lambda of CIFAR-100-LT (paper table 3)."""


def class_counts(imbalance: float, largest: int = 500, classes: int = 100) -> np.ndarray:
    """``int(largest * imbalance ** (j / (classes - 1)))`` images of class j, int64 [classes]; CIFAR-100 by default."""
    return np.array([int(largest * imbalance ** (j / (classes - 1))) for j in range(classes)], np.int64)


def paper_curves() -> dict[float, np.ndarray]:
    """The four curves of figure 10: lambda -> int64 [100]."""
    return {imbalance: class_counts(imbalance) for imbalance in PAPER_IMBALANCES}
