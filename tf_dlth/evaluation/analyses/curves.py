"""Accuracy against density, of one run or many, under every rule of choosing an epoch (paper figures 2 to 4)."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np

from tf_dlth.analysis.curves import Curve, accuracy_by_density
from tf_dlth.evaluation.analyses.findings import Findings, Request, percent
from tf_dlth.evaluation.analyses.runs import Arm, open_arms
from tf_dlth.lottery.selection import TEST_ACCURACY, Rule


@dataclass(frozen=True, eq=False)
class RuleCurve:
    """Test accuracy against density of the runs of an arm, epochs chosen by ``rule``."""

    arm: Arm
    rule: Rule
    curve: Curve


def analyse(request: Request) -> Findings[RuleCurve]:
    """Of each arm, the runs that differ in their seeds alone: their mean within its t-interval."""
    results = [
        RuleCurve(arm, rule, accuracy_by_density(arm.tables, TEST_ACCURACY[rule]))
        for arm in open_arms(request.paths)
        for rule in arm.rules
    ]
    return Findings(
        results=results,
        rows=[row for result in results for row in _rows(result)],
        records=[_record(result) for result in results],
        table=[_line(result) for result in results],
        notes=[
            "highest: the top of the curve among pruned iterations, which looks at the test set; a run's winner under "
            "each rule is in its run.json",
            "intervals: 95 %, Student's t over runs; none for a single run",
        ],
    )


def point_rows(curve: Curve, x: str) -> list[dict[str, Any]]:
    """One mapping a point of ``curve``, its abscissa under the name ``x``."""
    points = zip(curve.iterations, curve.x, curve.mean, curve.low, curve.high, curve.runs, strict=True)
    return [
        {"iteration": int(k), x: float(place), "mean": float(m), "low": float(a), "high": float(b), "runs": int(n)}
        for k, place, m, a, b, n in points
    ]


def _names(result: RuleCurve) -> dict[str, Any]:
    return {"curve": result.arm.label, "rule": result.rule}


def _rows(result: RuleCurve) -> list[dict[str, Any]]:
    return [{**_names(result), **point} for point in point_rows(result.curve, "density")]


def _record(result: RuleCurve) -> dict[str, Any]:
    paths = [str(run.path) for run in result.arm.runs]
    return {**_names(result), "paths": paths, "points": point_rows(result.curve, "density")}


def _line(result: RuleCurve) -> dict[str, str]:
    curve, sparse = result.curve, result.curve.iterations > 0
    best = int(np.argmax(np.where(sparse, curve.mean, -np.inf)))
    return {
        **_names(result),
        "dense %": percent(float(curve.mean[0])) if not sparse[0] else "-",
        "highest %": percent(float(curve.mean[best])) if sparse.any() else "-",
        "k": str(curve.iterations[best]) if sparse.any() else "-",
        "density %": percent(float(curve.x[best])) if sparse.any() else "-",
        "runs": str(int(curve.runs.max())),
    }
