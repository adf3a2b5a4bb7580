"""The tickets that are compared: opened, named, and with their layers in the order of the network."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import lru_cache
from itertools import zip_longest
from pathlib import Path

import numpy as np

from tf_dlth.config import Normalisation
from tf_dlth.errors import UserError
from tf_dlth.models.build import build
from tf_dlth.models.prunable import prunable_names
from tf_dlth.models.spec import ModelSpec
from tf_dlth.tickets.manifest import MANIFEST
from tf_dlth.tickets.ticket import Ticket, iteration_name, load_ticket


@dataclass(frozen=True, eq=False)
class Opened:
    """A ticket, its name in tables and figures, and its masks in layer order: boolean, by variable name."""

    ticket: Ticket
    label: str
    masks: dict[str, np.ndarray]

    @property
    def name(self) -> str:
        """Its path, as it was typed."""
        return str(self.ticket.path)


def open_tickets(paths: Sequence[str], trust: bool) -> list[Opened]:
    """Tickets' folders, or runs' (their winners); raises UserError for others and for one that is given twice."""
    tickets = [load_ticket(path, trust) for path in paths]
    labels = labelled([ticket.path for ticket in tickets], parts=2)
    return [Opened(ticket, label, _in_layer_order(ticket)) for ticket, label in zip(tickets, labels, strict=True)]


def labelled(paths: Sequence[Path], parts: int) -> list[str]:
    """The last parts of each path, or all of it where that would name two alike; UserError for one given twice."""
    absolute = [path.resolve() for path in paths]
    if len(set(absolute)) < len(absolute):
        twice = next(path for i, path in enumerate(paths) if absolute[i] in absolute[:i])
        raise UserError(f"{twice} is given twice; name each ticket and run once")
    short = ["/".join(path.parts[-parts:]) for path in absolute]
    return short if len(set(short)) == len(short) else [str(path) for path in paths]


def at_iteration(path: str, iteration: int) -> str:
    """That iteration's folder of a run that has it; other paths as they are."""
    folder = Path(path) / iteration_name(iteration)
    return str(folder) if (folder / MANIFEST).is_file() else path


def require_same_layers(tickets: Sequence[Opened], shapes: bool = False) -> None:
    """Raises UserError naming the first layer in which two networks differ, ``shapes`` of kernels included."""
    first, *others = tickets
    for other in others:
        for a, b in zip_longest(first.masks, other.masks):
            if a is None or b is None or a != b:
                raise UserError(
                    f"{first.name} and {other.name} are other networks: {a or 'nothing'} in one is {b or 'nothing'} "
                    "in the other; compare tickets of one architecture"
                )
            if shapes and first.masks[a].shape != other.masks[a].shape:
                raise UserError(
                    f"{first.name} and {other.name} are other networks: {a} is {list(first.masks[a].shape)} in one and "
                    f"{list(other.masks[a].shape)} in the other; compare tickets of one architecture and width"
                )


@lru_cache(maxsize=16)
def _layer_order(spec: str, normalisation: str) -> tuple[str, ...]:
    """The prunable variables of a network by the JSON of what it is built from, which takes a second."""
    network = build(ModelSpec.model_validate_json(spec), Normalisation.model_validate_json(normalisation))
    return tuple(prunable_names(network))


def _in_layer_order(ticket: Ticket) -> dict[str, np.ndarray]:
    # Neither a file of tensors nor a manifest keeps the order of the layers for certain.
    manifest = ticket.manifest
    names = _layer_order(manifest.model.model_dump_json(), manifest.normalisation.model_dump_json())
    if ticket.mask.keys() != set(names):
        raise UserError(f"{ticket.path} does not fit its architecture {ticket.manifest.model.architecture}")
    return {name: ticket.mask[name] for name in names}
