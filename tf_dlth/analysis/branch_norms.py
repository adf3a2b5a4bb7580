"""How much a residual block's shortcut carries beside its convolutions (paper figure 8)."""

from __future__ import annotations

import numpy as np


class BranchNorms:
    """Mean over images of |shortcut|_2 / |main|_2 of one residual block, accumulated over batches.

    The paper's residual branch is the shortcut, its projection's BatchNorm included; its main branch is the output
    of the last BatchNorm, before the addition.
    """

    def __init__(self) -> None:
        self._sum, self._images = 0.0, 0

    def add(self, shortcut: np.ndarray, main: np.ndarray) -> None:
        """One batch: both branches [N, ...], floating point, of equal shape."""
        ratios = branch_ratios(shortcut, main)
        self._sum += float(ratios.sum())
        self._images += ratios.size

    def mean(self) -> float:
        """NaN before the first image; infinite if the main branch was zero for an image."""
        return self._sum / self._images if self._images else float("nan")


def branch_ratios(shortcut: np.ndarray, main: np.ndarray) -> np.ndarray:
    """|shortcut|_2 / |main|_2 of each image, float64 [N], from [N, ...] each; x/0 is infinite, 0/0 NaN."""
    if shortcut.shape != main.shape:
        raise ValueError(f"branches that are added have one shape, not {shortcut.shape} and {main.shape}")
    with np.errstate(invalid="ignore", divide="ignore"):
        return _norms(shortcut) / _norms(main)


def _norms(branch: np.ndarray) -> np.ndarray:
    flat = branch.reshape(len(branch), -1).astype(np.float64)
    return np.sqrt(np.einsum("ij,ij->i", flat, flat))
