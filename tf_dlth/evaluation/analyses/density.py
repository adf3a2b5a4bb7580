"""Layer densities of tickets beside those that the scale of the first weights gives (paper figure 6)."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from tf_dlth import files
from tf_dlth.analysis.density import layer_densities, null_masks
from tf_dlth.evaluation.analyses.findings import Findings, Request, percent
from tf_dlth.evaluation.analyses.opening import Opened, at_iteration, open_tickets, require_same_layers
from tf_dlth.lottery.selection import PAPER_LAST_ITERATION
from tf_dlth.lottery.store import INITIAL
from tf_dlth.runs.facts import read_facts

CONTROLS = ("null theta_0", "null theta_r")


@dataclass(frozen=True, eq=False)
class TicketDensities:
    """By layer, in the order of the network. ``controls`` has the null control's densities, where it can be had."""

    opened: Opened
    layers: dict[str, float]
    controls: dict[str, dict[str, float]]


def analyse(request: Request) -> Findings[TicketDensities]:
    """Of each ticket; a run's folder stands for iteration 15, the paper's, or for its winner where it has none."""
    paths = [at_iteration(path, PAPER_LAST_ITERATION) for path in request.paths]
    tickets = open_tickets(paths, request.trust)
    require_same_layers(tickets)
    results = [_densities(opened) for opened in tickets]
    return Findings(
        results=results,
        rows=[row for result in results for row in _rows(result)],
        records=[_record(result) for result in results],
        table=_table(results),
        notes=_notes(results),
    )


def _densities(opened: Opened) -> TicketDensities:
    first_weights = {CONTROLS[0]: _theta_0(opened), CONTROLS[1]: _theta_r(opened)}
    controls = {
        name: layer_densities(null_masks(weights, opened.masks)) for name, weights in first_weights.items() if weights
    }
    return TicketDensities(opened, layer_densities(opened.masks), controls)


def _theta_0(opened: Opened) -> dict[str, np.ndarray] | None:
    """The weights before training; None for a ticket that was moved, and for a run that has not kept them."""
    run = opened.ticket.run
    facts = read_facts(run) if run else None
    if run is None or facts is None or INITIAL not in facts.files:
        return None
    return files.read_tensors(run / INITIAL, facts.files[INITIAL])


def _theta_r(opened: Opened) -> dict[str, np.ndarray] | None:
    """None for a ticket that was moved without them."""
    folder, name = opened.ticket.path, opened.ticket.manifest.rewind.file
    there = any((place / name).exists() for place in (folder, folder.parent))
    return opened.ticket.rewind if there else None


def _rows(result: TicketDensities) -> list[dict[str, Any]]:
    masks = result.opened.masks
    return [
        {
            "ticket": result.opened.name,
            "iteration": result.opened.ticket.iteration,
            "index": index,
            "layer": layer,
            "remaining": int(np.count_nonzero(masks[layer])),
            "total": masks[layer].size,
            "density": density,
            **{_key(name): result.controls.get(name, {}).get(layer) for name in CONTROLS},
        }
        for index, (layer, density) in enumerate(result.layers.items())
    ]


def _record(result: TicketDensities) -> dict[str, Any]:
    ticket = result.opened.ticket
    return {
        "ticket": result.opened.name,
        "iteration": ticket.iteration,
        "density": ticket.density,
        "layers": result.layers,
        **{_key(name): result.controls.get(name) for name in CONTROLS},
    }


def _table(results: Sequence[TicketDensities]) -> list[Mapping[str, str]]:
    """A row a layer; the controls only beside a single ticket, where there is room for them."""
    columns = {f"{result.opened.label} %": result.layers for result in results}
    if len(results) == 1:
        columns |= {f"{name} %": densities for name, densities in results[0].controls.items()}
    return [
        {"#": str(index), "layer": layer} | {title: percent(column[layer]) for title, column in columns.items()}
        for index, layer in enumerate(results[0].layers)
    ]


def _notes(results: Sequence[TicketDensities]) -> list[str]:
    lines = [
        f"{result.opened.name}: iteration {result.opened.ticket.iteration}, density {result.opened.ticket.density:.2%}"
        for result in results
    ]
    for result in results:
        if missing := [name for name in CONTROLS if name not in result.controls]:
            lines.append(f"{result.opened.name}: no {' and no '.join(missing)}, these weights are not with the ticket")
    return [*lines, "null: as many weights, the largest of theta_0 or theta_r, by one threshold for all layers"]


def _key(control: str) -> str:
    return control.replace(" ", "_")
