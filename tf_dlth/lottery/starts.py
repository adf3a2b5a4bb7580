"""What a training begins with."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

from tf_dlth.lottery.masks import Masks, Weights


@dataclass(frozen=True)
class Start:
    """Weights that are zero where ``masks`` are, and the first epoch of the schedule that is trained.

    ``rewind`` is theta_r where it is known before the training; None is for the training to reach it.
    """

    weights: Weights
    masks: Masks
    first_epoch: int
    rewind: Weights | None = None


def dense(initial: Weights, prunable: Iterable[str]) -> Start:
    """theta_0 without a pruned weight: what a ticket search begins with."""
    return Start(initial, Masks.ones(initial, prunable), first_epoch=1)
