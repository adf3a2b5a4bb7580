"""How far a classifier's confidence is from its accuracy."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
from scipy.special import softmax

BINS = 15


def calibration(logits: np.ndarray, labels: np.ndarray) -> Iterator[tuple[str, float]]:
    """The expected calibration error of ``logits`` [N, classes] against ``labels`` [N] (Guo et al. 2017), by name.

    The largest probability of the softmax falls into one of 15 equal bins, each closed on the right; the error is the
    mean over images of |accuracy - mean confidence| of their bin, in double precision.
    """
    probabilities = softmax(logits.astype(np.float64), -1)
    confidence = probabilities.max(-1)
    gap = (logits.argmax(-1) == labels) - confidence
    bins = np.searchsorted(np.linspace(0, 1, BINS + 1), confidence, side="left") - 1
    yield "ece", float(np.abs(np.bincount(bins, gap, minlength=BINS)).sum() / len(labels))
