"""What a training begins with: a ticket search with the dense network, every baseline with something of a ticket."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from tf_dlth.config import PruningConfig
from tf_dlth.errors import UserError
from tf_dlth.lottery.draws import permuted_masks, random_masks
from tf_dlth.lottery.masks import Masks, Weights
from tf_dlth.models.prunable import FINAL_LAYER
from tf_dlth.tickets.ticket import Ticket


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


def baseline(
    pruning: PruningConfig, source: Ticket, initial: Weights, prunable: Iterable[str], same_task: bool
) -> Start:
    """One of the paper's baselines on a ticket (figure 5, table 5): a training that begins where the ticket's did.

    ``random`` has its density, ``layerwise`` its counts of every layer, ``transplant`` its mask. The weights are its
    theta_r, or ``initial`` under ``start: fresh``. Another task than the ticket's, by its classes, redraws the head.
    Raises UserError naming the first layer that does not fit.
    """
    ticket = _fitting_masks(source, initial, prunable)
    masks = {
        "random": lambda: random_masks(ticket, ticket.remaining, pruning.mask_seed),
        "layerwise": lambda: permuted_masks(ticket, pruning.mask_seed),
        "transplant": lambda: ticket,
    }[pruning.method]()
    rewound = initial if pruning.start == "fresh" else _carried(source, initial, same_task)
    return Start(masks.apply(rewound), masks, pruning.rewind_epochs + 1, rewound)


def _fitting_masks(source: Ticket, initial: Weights, prunable: Iterable[str]) -> Masks:
    masks, wanted = Masks(source.mask), list(prunable)
    if odd := sorted(masks.keys() ^ set(wanted)):
        raise UserError(f"pruning.source: {source.path} and the network differ in the layer {odd[0]}")
    _refuse_other_shapes(source, {name: masks[name].shape for name in wanted}, initial)
    return masks


def _carried(source: Ticket, initial: Weights, same_task: bool) -> dict:
    """The source's theta_r for the network of ``initial``."""
    weights = dict(source.rewind)
    if not same_task:
        weights |= {name: value for name, value in initial.items() if name.partition("/")[0] == FINAL_LAYER}
    if odd := sorted(weights.keys() ^ initial.keys()):
        raise UserError(f"pruning.source: {source.path} and the network differ in the layer {odd[0]}")
    _refuse_other_shapes(source, {name: value.shape for name, value in weights.items()}, initial)
    return weights


def _refuse_other_shapes(source: Ticket, shapes: Mapping[str, tuple[int, ...]], initial: Weights) -> None:
    for name, shape in shapes.items():
        if shape != initial[name].shape:
            raise UserError(
                f"pruning.source: layer {name} of {source.path} has shape {list(shape)}, the network needs "
                f"{list(initial[name].shape)}; take the ticket's model.width, image size and channels"
            )
