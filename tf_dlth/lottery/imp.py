"""Iterative magnitude pruning with rewinding, as in section 3.1 of the paper.

1.  Start from the weights theta_0 and a mask of ones.
2.  Train; in the first iteration remember theta_r, the state after r epochs.
3.  Remove the fraction p of the remaining weights, smallest magnitudes of all layers first.
4.  Put the surviving weights back to theta_r, BatchNorm statistics included, and the schedule to epoch r.
5.  Repeat from 2.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Protocol

import numpy as np

from tf_dlth.config import PruningConfig
from tf_dlth.lottery import masks as masking
from tf_dlth.lottery.ticket import Ticket
from tf_dlth.training.checkpoint import Checkpoint
from tf_dlth.training.trainer import Trained, Trainer

Weights = Mapping[str, np.ndarray]
Masks = Mapping[str, np.ndarray]


class Store(Protocol):
    """Where theta_0, theta_r and the tickets are kept; :class:`tf_dlth.lottery.folder.RunFolder` is one."""

    def keep_initial(self, weights: Weights) -> None: ...
    def keep_rewind(self, weights: Weights) -> None: ...
    def rewind(self) -> Weights: ...
    def has_ticket(self, iteration: int) -> bool: ...
    def keep_ticket(self, iteration: int, masks: Masks, trained: Trained) -> None: ...
    def ticket(self, iteration: int) -> Ticket: ...
    def unfinished(self, iteration: int) -> Checkpoint | None: ...


def find_tickets(
    trainer: Trainer, store: Store, pruning: PruningConfig, initial: Weights, prunable: Sequence[str]
) -> Iterator[int]:
    """Trains iterations 0 (dense) to ``pruning.iterations`` and yields each when its ticket is kept.

    What the store already has is not done again.
    """
    masks: Masks = masking.ones(initial, prunable)
    weights, first_epoch = initial, 1
    store.keep_initial(initial)
    for iteration in range(pruning.iterations + 1):
        if not store.has_ticket(iteration):
            trained = _train(trainer, store, pruning, iteration, weights, masks, first_epoch)
            store.keep_ticket(iteration, masks, trained)
        yield iteration
        if iteration < pruning.iterations:
            trained_weights = store.ticket(iteration).weights("last")
            masks = prune(pruning, trained_weights, masks)
            weights = masking.apply(rewind(pruning, store, trained_weights), masks)
            first_epoch = pruning.rewind_epochs + 1


def prune(pruning: PruningConfig, trained: Weights, masks: Masks) -> Masks:
    """The next masks; under ``method: none``, the control that selects alike without pruning, the same ones."""
    return masks if pruning.method == "none" else masking.prune_global(trained, masks, pruning.rate)


def rewind(pruning: PruningConfig, store: Store, trained: Weights) -> Weights:
    """theta_r; under ``rewind: rate`` only the schedule goes back and the weights stay (Renda et al., 2020)."""
    return store.rewind() if pruning.rewind == "weights" else trained


def _train(
    trainer: Trainer,
    store: Store,
    pruning: PruningConfig,
    iteration: int,
    weights: Weights,
    masks: Masks,
    first_epoch: int,
) -> Trained:
    # paper: theta_r after 2 epochs; its release copies it after 3, one epoch late. Here: after `rewind_epochs`.
    remember = {pruning.rewind_epochs: store.keep_rewind} if iteration == 0 else {}
    if iteration == 0 and pruning.rewind_epochs == 0:
        store.keep_rewind(weights)
    return trainer.train(iteration, weights, masks, first_epoch, remember, store.unfinished(iteration))
