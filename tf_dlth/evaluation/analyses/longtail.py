"""Training images per class of the paper's long-tailed sets (paper figure 10), and of runs with a long tail."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from tf_dlth import files
from tf_dlth.analysis.longtail import paper_curves
from tf_dlth.errors import UserError
from tf_dlth.evaluation.analyses.findings import Findings, Request
from tf_dlth.evaluation.analyses.opening import labelled
from tf_dlth.runs.facts import read_facts
from tf_dlth.runs.folder import SUBSET, stored_config


@dataclass(frozen=True, eq=False)
class LongTail:
    """``counts`` int64 [classes]; ``path`` is the run's, None for a curve of the paper."""

    label: str
    imbalance: float
    counts: np.ndarray
    path: str | None = None


def analyse(request: Request) -> Findings[LongTail]:
    """The paper's four curves, and what each run has trained on."""
    labels = labelled([Path(path) for path in request.paths], parts=1)
    paper = [LongTail(f"CIFAR-100-LT, lambda {x:g}", x, counts) for x, counts in paper_curves().items()]
    results = [*paper, *(_of_run(path, label) for path, label in zip(request.paths, labels, strict=True))]
    return Findings(
        results=results,
        rows=[
            {"curve": tail.label, "lambda": tail.imbalance, "class": number, "images": int(n)}
            for tail in results
            for number, n in enumerate(tail.counts)
        ],
        records=[_record(tail) for tail in results],
        table=[
            {
                "curve": tail.label,
                "classes": str(tail.counts.size),
                "first": f"{tail.counts[0]:,}",
                "last": f"{tail.counts[-1]:,}",
                "images": f"{tail.counts.sum():,}",
            }
            for tail in results
        ],
        notes=["CIFAR-100-LT: int(500 lambda^(j / 99)) images of class j"],
    )


def _of_run(path: str, label: str) -> LongTail:
    folder = Path(path)
    if (facts := read_facts(folder)) is None:
        raise UserError(f"{path} is no run; name the folder of one")
    imbalance = stored_config(folder, facts).data.imbalance
    if imbalance is None:
        raise UserError(f"{path} has no long tail: its data.imbalance is null")
    try:
        subset = files.read_json(folder / SUBSET, facts.files.get(SUBSET))
        counts = np.array(list(subset["class_counts"]["train"].values()), np.int64)
    except (KeyError, TypeError, ValueError, AttributeError, OverflowError):
        raise UserError(f"{folder / SUBSET} is damaged: it has no class_counts of train") from None
    return LongTail(f"{label}, lambda {imbalance:g}", imbalance, counts, path)


def _record(tail: LongTail) -> dict[str, Any]:
    counts = tail.counts.tolist()
    return {"curve": tail.label, "lambda": tail.imbalance, "path": tail.path, "images": sum(counts), "counts": counts}
