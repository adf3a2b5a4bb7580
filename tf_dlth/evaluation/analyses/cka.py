"""Similarity of the layers of two tickets, or of one with itself (paper figure 7)."""

from __future__ import annotations

from dataclasses import dataclass
from itertools import repeat
from typing import Any

import numpy as np

from tf_dlth.analysis.cka import MinibatchCKA, first_half_mean, largest_block
from tf_dlth.data import Examples
from tf_dlth.errors import UserError
from tf_dlth.evaluation.activations import activations, layer_taps
from tf_dlth.evaluation.analyses.findings import Findings, Request, decimal
from tf_dlth.evaluation.analyses.opening import Opened, open_tickets, require_same_layers
from tf_dlth.evaluation.subject import open_subject
from tf_dlth.training.devices import first_device

BATCH, FEWEST, MOST = 256, 4, 2000
"""Images of a batch, of the smallest batch that unbiased HSIC admits, and in all."""
ABOVE = 0.8
"""CKA within a block of similar layers."""


@dataclass(frozen=True, eq=False)
class Similarity:
    """CKA [layers of the first, layers of the second] and its two summaries; NaN where a layer is constant."""

    first: Opened
    second: Opened
    layers: tuple[str, ...]
    matrix: np.ndarray
    first_half_mean: float
    largest_block: int


def analyse(request: Request) -> Findings[Similarity]:
    """Of two tickets, or of one with itself; both see the test images that belong to the first."""
    tickets = open_tickets(request.paths, request.trust)
    require_same_layers(tickets)
    first, second = tickets[0], tickets[-1]
    shapes = [ticket.ticket.manifest.model.input_shape for ticket in (first, second)]
    if shapes[0] != shapes[1]:
        raise UserError(f"{first.name} takes images {list(shapes[0])} and {second.name} {list(shapes[1])}; they differ")
    with first_device(request.devices):
        name, examples = request.images(open_subject(first.name, request.weights, request.trust))
        chosen = some_of(examples)
        found = _similarity(first, second, request, chosen)
    used = {"data": name, "n": len(chosen), "batch": BATCH}
    return _findings(found, used, request, f"{len(chosen):,} of the {len(examples):,} test images of {name}")


def some_of(examples: Examples) -> Examples:
    """At most 2,000 images in a fixed random order, less a last batch that would be too small.

    The files of a set may lie class by class, and a batch of one class would show no differences between classes.
    """
    order = np.random.RandomState(0).permutation(len(examples))[:MOST]
    kept = len(order) - (len(order) % BATCH if len(order) % BATCH < FEWEST else 0)
    if kept == 0:
        raise UserError(f"CKA needs at least {FEWEST} images, not {len(examples)}")
    return examples.take(order[:kept])


def _similarity(first: Opened, second: Opened, request: Request, examples: Examples) -> Similarity:
    models = [opened.ticket.model(request.weights) for opened in ([first] if first is second else [first, second])]
    taps = [layer_taps(model) for model in models]
    a, *b = (activations(model, list(tap.values()), examples, BATCH) for model, tap in zip(models, taps, strict=True))
    cka = MinibatchCKA()
    # Without strict: the other side of one network with itself has no end.
    for arrays, others in zip(a, b[0] if b else repeat(None), strict=False):
        cka.add(arrays, others)
    matrix = cka.matrix()
    return Similarity(
        first, second, tuple(taps[0]), matrix, first_half_mean(matrix), largest_block(matrix, above=ABOVE)
    )


def _findings(found: Similarity, used: dict[str, Any], request: Request, images: str) -> Findings[Similarity]:
    first, second = found.first, found.second
    names = {"first": first.name, "second": second.name}
    weights = [request.weights or opened.ticket.manifest.default_weights for opened in (first, second)]
    record = {
        **names,
        "weights": weights[0],
        "second_weights": weights[1],
        **used,
        "first_half_mean": found.first_half_mean,
        "largest_block": found.largest_block,
        "layers": found.layers,
        "cka": found.matrix.tolist(),
    }
    constant = int(np.isnan(found.matrix).all(1).sum())
    dead = [f"{constant} layers of {first.name} are the same for all images and have no CKA"] if constant else []
    return Findings(
        results=[found],
        rows=[
            {**names, "first_layer": row, "second_layer": column, "cka": value}
            for row, values in zip(found.layers, found.matrix.tolist(), strict=True)
            for column, value in zip(found.layers, values, strict=True)
        ],
        records=[record],
        table=[
            {
                "tickets": first.label if first is second else f"{first.label} and {second.label}",
                "mean of the first half": decimal(found.first_half_mean),
                "largest block above 0.8": f"{found.largest_block} of {len(found.layers)} layers",
            }
        ],
        notes=[f"images: {images}, in batches of {BATCH}", *dead],
    )
