"""Iterative magnitude pruning with rewinding, as in section 3.1 of the paper.

1.  Start from the weights theta_0 and a mask of ones.
2.  Train; in the first iteration remember theta_r, the state after r epochs.
3.  Remove the fraction p of the remaining weights, smallest magnitudes of all layers first.
4.  Put the surviving weights back to theta_r, BatchNorm statistics included, and the schedule to epoch r.
5.  Repeat from 2.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import replace
from typing import Protocol

from tf_dlth.config import PruningConfig
from tf_dlth.lottery.masks import Masks, Weights, prune_global
from tf_dlth.lottery.starts import Start
from tf_dlth.runs.checkpoint import Checkpoint
from tf_dlth.tickets.ticket import Ticket
from tf_dlth.training.keeping import Trained
from tf_dlth.training.trainer import Trainer


class Store(Protocol):
    """Where theta_0, theta_r and the tickets are kept; :class:`tf_dlth.lottery.store.TicketStore` is one."""

    def keep_initial(self, weights: Weights) -> None: ...
    def keep_rewind(self, weights: Weights) -> None: ...
    def rewind(self) -> Weights: ...
    def has_ticket(self, iteration: int) -> bool: ...
    def keep_ticket(self, iteration: int, masks: Masks, trained: Trained) -> None: ...
    def ticket(self, iteration: int) -> Ticket: ...
    def unfinished(self, iteration: int) -> Checkpoint | None: ...


def find_tickets(trainer: Trainer, store: Store, pruning: PruningConfig, start: Start) -> Iterator[int]:
    """Trains iterations 0, from ``start``, to ``pruning.iterations``, and yields each when its ticket is kept.

    What the store already has is not done again: the mask of a kept iteration is its ticket's.
    """
    store.keep_initial(start.weights)
    for iteration in range(pruning.iterations + 1):
        if not store.has_ticket(iteration):
            if iteration > 0:
                start = pruned_and_rewound(store, store.ticket(iteration - 1), pruning)
            unfinished = store.unfinished(iteration)
            if unfinished:
                start = replace(start, masks=Masks(unfinished.groups["masks"]))
            at_epoch = _remembering(store, start, pruning.rewind_epochs) if iteration == 0 else {}
            trained = trainer.train(iteration, start.weights, start.masks, start.first_epoch, at_epoch, unfinished)
            store.keep_ticket(iteration, start.masks, trained)
        yield iteration


def pruned_and_rewound(store: Store, before: Ticket, pruning: PruningConfig) -> Start:
    """The start of the iteration after ``before``; the ranking is of its last epoch's weights."""
    trained = before.weights("last")
    masks = prune(pruning, trained, Masks(before.mask))
    return Start(masks.apply(rewind(pruning, store, trained)), masks, pruning.rewind_epochs + 1)


def prune(pruning: PruningConfig, trained: Weights, masks: Masks) -> Masks:
    """The next masks; under ``method: none``, the control that selects alike without pruning, the same ones."""
    return masks if pruning.method == "none" else prune_global(trained, masks, pruning.rate)


def rewind(pruning: PruningConfig, store: Store, trained: Weights) -> Weights:
    """theta_r; under ``rewind: rate`` only the schedule goes back and the weights stay (Renda et al., 2020)."""
    return store.rewind() if pruning.rewind == "weights" else trained


def _remembering(store: Store, start: Start, rewind_epochs: int) -> Mapping[int, Callable[[Weights], None]]:
    """Has theta_r kept: now, if it is known, else by the training, after the epoch that it names."""
    # paper: theta_r after 2 epochs; its release copies it after 3, one epoch late. Here: after `rewind_epochs`.
    known = start.weights if rewind_epochs == 0 else start.rewind
    if known is None:
        return {rewind_epochs: store.keep_rewind}
    store.keep_rewind(known)
    return {}
