"""How much the masks of tickets agree, beside what their layer densities alone would give."""

from __future__ import annotations

from dataclasses import dataclass
from itertools import combinations
from typing import Any

from tf_dlth.analysis.overlap import Overlap, expected_jaccard, jaccard
from tf_dlth.evaluation.analyses.findings import Findings, Request, decimal
from tf_dlth.evaluation.analyses.opening import Opened, open_tickets, require_same_layers


@dataclass(frozen=True, eq=False)
class PairOverlap:
    """Two tickets, their masks' Jaccard indices, and these in expectation."""

    first: Opened
    second: Opened
    jaccard: Overlap
    expected: Overlap


def analyse(request: Request) -> Findings[PairOverlap]:
    """Of every two of the tickets; a run's folder stands for its winner."""
    tickets = open_tickets(request.paths, request.trust)
    require_same_layers(tickets, shapes=True)
    pairs = [
        PairOverlap(a, b, jaccard(a.masks, b.masks), expected_jaccard(a.masks, b.masks))
        for a, b in combinations(tickets, 2)
    ]
    return Findings(
        results=pairs,
        rows=[row for pair in pairs for row in _rows(pair)],
        records=[_record(pair) for pair in pairs],
        table=[
            {
                "tickets": f"{pair.first.label} and {pair.second.label}",
                "Jaccard": decimal(pair.jaccard.overall),
                "expected": decimal(pair.expected.overall),
            }
            for pair in pairs
        ],
        notes=["expected: for positions drawn at random in each layer, as many as each ticket has there"],
    )


def _names(pair: PairOverlap) -> dict[str, str]:
    return {"first": pair.first.name, "second": pair.second.name}


def _rows(pair: PairOverlap) -> list[dict[str, Any]]:
    layers = [*pair.jaccard.layers.items(), ("all", pair.jaccard.overall)]
    expected = [*pair.expected.layers.values(), pair.expected.overall]
    return [
        {**_names(pair), "layer": layer, "jaccard": value, "expected": by_density}
        for (layer, value), by_density in zip(layers, expected, strict=True)
    ]


def _record(pair: PairOverlap) -> dict[str, Any]:
    return {
        **_names(pair),
        "jaccard": pair.jaccard.overall,
        "expected": pair.expected.overall,
        "layers": pair.jaccard.layers,
        "expected_layers": pair.expected.layers,
    }
