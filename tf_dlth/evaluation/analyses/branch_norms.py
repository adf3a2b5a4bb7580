"""How much the shortcuts of a ResNet carry beside its convolutions (paper figure 8)."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np

from tf_dlth.analysis.branch_norms import BranchNorms
from tf_dlth.data import Examples
from tf_dlth.evaluation.activations import activations, branch_taps
from tf_dlth.evaluation.analyses.findings import Findings, Request, decimal
from tf_dlth.evaluation.analyses.opening import Opened, open_tickets, require_same_layers
from tf_dlth.evaluation.subject import open_subject
from tf_dlth.models.inference import BATCH
from tf_dlth.training.devices import first_device


@dataclass(frozen=True, eq=False)
class TicketBranches:
    """Mean over images of |shortcut| / |main| by residual block, and on what it was measured."""

    opened: Opened
    weights: str
    data: str
    images: int
    blocks: dict[str, float]

    @property
    def mean(self) -> float:
        """Over blocks."""
        return float(np.mean(list(self.blocks.values())))


def analyse(request: Request) -> Findings[TicketBranches]:
    """Of each ticket on its test images; a run's folder stands for its winner."""
    tickets = open_tickets(request.paths, request.trust)
    require_same_layers(tickets)
    with first_device(request.devices):
        results = [_branches(opened, request) for opened in tickets]
    return Findings(
        results=results,
        rows=[row for result in results for row in _rows(result)],
        records=[_record(result) for result in results],
        table=[
            {"block": block} | {result.label: decimal(x) for result, x in _across(results, block)}
            for block in [*results[0].blocks, "mean"]
        ],
        notes=[f"{r.opened.name} ({r.weights}): {r.images:,} test images of {r.data}" for r in results],
    )


def block_ratios(model: Any, examples: Examples) -> dict[str, float]:
    """Mean over images of |shortcut|_2 / |main|_2 of each residual block, before the sum."""
    blocks = branch_taps(model)
    norms = {block: BranchNorms() for block in blocks}
    tensors = [tensor for branches in blocks.values() for tensor in branches]
    for arrays in activations(model, tensors, examples, BATCH):
        for accumulated in norms.values():
            accumulated.add(next(arrays), next(arrays))
    return {block: accumulated.mean() for block, accumulated in norms.items()}


def _branches(opened: Opened, request: Request) -> TicketBranches:
    name, examples = request.images(open_subject(opened.name, request.weights, request.trust))
    weights = request.weights or opened.ticket.manifest.default_weights
    blocks = block_ratios(opened.ticket.model(request.weights), examples)
    return TicketBranches(opened, weights, name, len(examples), blocks)


def _across(results: list[TicketBranches], block: str) -> list[tuple[Opened, float]]:
    return [(result.opened, result.mean if block == "mean" else result.blocks[block]) for result in results]


def _facts(result: TicketBranches) -> dict[str, Any]:
    return {"ticket": result.opened.name, "weights": result.weights, "data": result.data, "n": result.images}


def _rows(result: TicketBranches) -> list[dict[str, Any]]:
    blocks = {**result.blocks, "mean": result.mean}
    return [{**_facts(result), "block": block, "ratio": ratio} for block, ratio in blocks.items()]


def _record(result: TicketBranches) -> dict[str, Any]:
    return {**_facts(result), "mean": result.mean, "blocks": result.blocks}
