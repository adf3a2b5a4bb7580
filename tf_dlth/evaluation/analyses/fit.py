"""How closely each density fits its training images, and what the epochs that were spent on it bought."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from tf_dlth.analysis.curves import Curve, accuracy_by_epochs, fit_by_density
from tf_dlth.evaluation.analyses.curves import point_rows
from tf_dlth.evaluation.analyses.findings import Findings, Request, decimal, percent
from tf_dlth.evaluation.analyses.runs import Arm, open_arms

BY_EPOCHS = "accuracy_by_epochs"


@dataclass(frozen=True, eq=False)
class ArmFit:
    """Of the runs of an arm, all after the last epoch: against density, and the accuracy against all epochs spent."""

    arm: Arm
    train_loss: Curve
    train_accuracy: Curve
    generalisation_gap: Curve
    accuracy_by_epochs: Curve


def analyse(request: Request) -> Findings[ArmFit]:
    """Of each arm, the runs that differ in their seeds alone: their mean within its t-interval."""
    results = [_fit(arm) for arm in open_arms(request.paths)]
    return Findings(
        results=results,
        rows=[row for result in results for row in _rows(result)],
        records=[_record(result) for result in results],
        table=[line for result in results for line in _lines(result)],
        notes=[
            "all of the last epoch, which nobody chose; gap: training accuracy less test accuracy, in points",
            "epochs: all that were trained up to the end of the iteration, from the dense network on",
        ],
    )


def _fit(arm: Arm) -> ArmFit:
    fit = fit_by_density(arm.tables)
    spent = accuracy_by_epochs(arm.tables, "test_accuracy_last")
    return ArmFit(arm, fit.train_loss, fit.train_accuracy, fit.generalisation_gap, spent)


def _curves(result: ArmFit) -> dict[str, tuple[str, Curve]]:
    """Measure -> (what it is drawn against, the curve)."""
    return {
        "train_loss": ("density", result.train_loss),
        "train_accuracy": ("density", result.train_accuracy),
        "generalisation_gap": ("density", result.generalisation_gap),
        BY_EPOCHS: ("epochs", result.accuracy_by_epochs),
    }


def _rows(result: ArmFit) -> list[dict[str, Any]]:
    return [
        {"curve": result.arm.label, "measure": measure, "against": x, **point}
        for measure, (x, curve) in _curves(result).items()
        for point in point_rows(curve, "x")
    ]


def _record(result: ArmFit) -> dict[str, Any]:
    paths = [str(run.path) for run in result.arm.runs]
    measures = {measure: point_rows(curve, x) for measure, (x, curve) in _curves(result).items()}
    return {"curve": result.arm.label, "paths": paths, **measures}


def _lines(result: ArmFit) -> list[dict[str, str]]:
    """An iteration a line, of the means."""
    points = zip(
        result.train_loss.iterations,
        result.train_loss.x,
        result.train_loss.mean,
        result.train_accuracy.mean,
        result.generalisation_gap.mean,
        result.accuracy_by_epochs.x,
        strict=True,
    )
    return [
        {
            "curve": result.arm.label,
            "k": str(k),
            "density %": percent(density),
            "loss": decimal(loss),
            "training %": percent(accuracy),
            "gap": percent(gap),
            "epochs": f"{epochs:,.0f}",
        }
        for k, density, loss, accuracy, gap, epochs in points
    ]
