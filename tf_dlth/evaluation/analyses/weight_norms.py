"""Size of a ticket's trained weights against a dense network's (paper table 6)."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict, dataclass

from tf_dlth.analysis.weight_norms import WeightNorms, weight_norms
from tf_dlth.config import WeightsKind
from tf_dlth.errors import UserError
from tf_dlth.evaluation.analyses.findings import Findings, Request, decimal
from tf_dlth.evaluation.analyses.opening import Opened, at_iteration, open_tickets, require_same_layers
from tf_dlth.tickets.ticket import iteration_name, load_ticket


@dataclass(frozen=True, eq=False)
class Comparison:
    """A ticket, the dense network that it is measured by, and which weights of both."""

    ticket: Opened
    dense: Opened
    weights: tuple[WeightsKind, WeightsKind]
    norms: WeightNorms


def analyse(request: Request) -> Findings[Comparison]:
    """Of a ticket, then a dense reference: by default iteration 0 of the ticket's own run."""
    compared = _compare(request)
    names = {
        "ticket": compared.ticket.name,
        "dense": compared.dense.name,
        "weights": compared.weights[0],
        "dense_weights": compared.weights[1],
    }
    layers = {layer: asdict(ratios) for layer, ratios in compared.norms.layers.items()}
    mean = asdict(compared.norms.mean)
    by_layer = [*layers.items(), ("mean", mean)]
    return Findings(
        results=[compared],
        rows=[{**names, "layer": layer, **ratios} for layer, ratios in by_layer],
        records=[{**names, "mean": mean, "layers": layers}],
        table=[{"layer": layer} | {name: decimal(x) for name, x in ratios.items()} for layer, ratios in by_layer],
        notes=[
            f"{names['ticket']} ({names['weights']}) over {names['dense']} ({names['dense_weights']})",
            "masked: L2 norms of the weights that the mask keeps, in both; magnitude: mean absolute values of these; "
            "whole: the ticket's L2 norm over that of the whole dense layer",
        ],
    )


def _compare(request: Request) -> Comparison:
    ticket, dense = open_tickets(_paths(request), request.trust)
    if dense.ticket.density != 1:
        raise UserError(f"{dense.name} is not dense, {dense.ticket.density:.2%} of it remains; name a dense reference")
    require_same_layers([ticket, dense], shapes=True)
    kinds: list[WeightsKind] = [request.weights or opened.ticket.manifest.default_weights for opened in (ticket, dense)]
    norms = weight_norms(ticket.ticket.weights(kinds[0]), dense.ticket.weights(kinds[1]), ticket.masks)
    return Comparison(ticket, dense, (kinds[0], kinds[1]), norms)


def _paths(request: Request) -> Sequence[str]:
    """The ticket and its reference; a run's folder is its winner as the ticket, its iteration 0 as the reference."""
    if len(request.paths) == 2:
        return [request.paths[0], at_iteration(request.paths[1], 0)]
    ticket = load_ticket(request.paths[0], request.trust)
    if ticket.run is None or not (ticket.run / iteration_name(0)).is_dir():
        raise UserError(f"{ticket.path} lies beside no dense iteration of its run; name a dense ticket after it")
    return [str(ticket.path), str(ticket.run / iteration_name(0))]
