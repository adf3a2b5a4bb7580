"""What a search is worth on images that it has not met, from networks that each held out another fold of them.

Choosing among networks by the very images that are then counted flatters: the best of many is partly luck. Choosing by
the other folds does not (Varma and Simon 2006, "Bias in error estimation when using cross-validation for model
selection"): no score on a fold's images takes part in the choice that is counted on them.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np

from tf_dlth.analysis.accuracies import error_of_difference, standard_error
from tf_dlth.analysis.significance import Interval, t_interval

DECIMALS = 6
"""To which sums of right answers are compared, which are whole but for the rounding of their fractions."""


@dataclass(frozen=True)
class Estimate:
    """An accuracy by folds, as a fraction.

    ``pooled`` over all images, each counted once, with its standard ``error`` (of a difference at most); ``folds`` is
    the mean of the folds' accuracies with Student's 95 % interval, whose folds share training images.
    """

    pooled: float
    error: float
    folds: Interval


def chosen_by_others(accuracies: np.ndarray, images: np.ndarray) -> np.ndarray:
    """For each fold the candidate that is right most often in the other folds, of equal ones the first; int64 [folds].

    ``accuracies`` are float [folds, candidates], on ``images``, int [folds].
    """
    right = np.round(accuracies * images[:, None], DECIMALS)
    return np.argmax(np.round(right.sum(axis=0) - right, DECIMALS), axis=1)


def chosen_by_all(accuracies: np.ndarray, images: np.ndarray) -> int:
    """The candidate that is right most often in all folds, of equal ones the first."""
    return int(np.argmax(np.round(images @ accuracies, DECIMALS)))


def estimate(accuracies: np.ndarray, images: np.ndarray) -> Estimate:
    """Of one accuracy a fold, float [folds], on ``images``, int [folds]."""
    pooled = _pooled(accuracies, images)
    return Estimate(pooled, standard_error(pooled, int(images.sum())), t_interval(accuracies))


def difference(first: np.ndarray, second: np.ndarray, images: np.ndarray) -> Estimate:
    """Of ``first - second``, float [folds] each, paired by fold."""
    pooled = _pooled(first, images), _pooled(second, images)
    error = error_of_difference(*pooled, int(images.sum()))
    return Estimate(pooled[0] - pooled[1], error, t_interval(first - second))


def with_differences(accuracies: Mapping[str, np.ndarray], images: np.ndarray) -> dict[str, Estimate]:
    """The estimate of each network, and of ``ticket`` less each other one under ``ticket - NAME``."""
    found = {name: estimate(values, images) for name, values in accuracies.items()}
    for name, values in accuracies.items():
        if "ticket" in accuracies and name != "ticket":
            found[f"ticket - {name}"] = difference(accuracies["ticket"], values, images)
    return found


def _pooled(accuracies: np.ndarray, images: np.ndarray) -> float:
    return float(np.average(accuracies, weights=images))
