"""Figures of what became of networks from iteration to iteration."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.lines import Line2D

from tf_dlth.lottery.selection import COLUMNS, Rule
from tf_dlth.reporting.figures.axes import along_density, colour, draw_curve, marker, within
from tf_dlth.reporting.rules import curve as rule_title

if TYPE_CHECKING:
    from tf_dlth.evaluation.analyses.curves import RuleCurve
    from tf_dlth.evaluation.analyses.fit import ArmFit

PERCENT = (100.0, 100.0)


def curves(results: Sequence[RuleCurve]) -> Figure:
    """Test accuracy against density, a panel a rule and a curve an arm; stars on the tops (paper figure 2)."""
    shown: list[Rule] = [rule for rule in COLUMNS if any(result.rule == rule for result in results)]
    arms = list(dict.fromkeys(result.arm for result in results))
    figure = Figure(figsize=(1 + 4 * len(shown), 4.6), layout="constrained")
    panels = figure.subplots(1, len(shown), sharey=True, squeeze=False)[0]
    for axes, rule in zip(panels, shown, strict=True):
        of_rule = [result for result in results if result.rule == rule]
        for result in of_rule:
            draw_curve(axes, result.curve, arms.index(result.arm), PERCENT)
            _star(axes, result, arms.index(result.arm))
        axes.set_title(_title(rule, of_rule), loc="left", fontsize="medium")
        along_density(axes, 100 * min(float(result.curve.x.min()) for result in of_rule))
    panels[0].set_ylabel("test accuracy (%)")
    within(panels[0], 0, 100)
    _legend(figure, [arm.label for arm in arms], ["highest of the pruned iterations"])
    return figure


def fit(results: Sequence[ArmFit]) -> Figure:
    """Loss, accuracy and gap against density, and test accuracy against epochs; a curve an arm."""
    figure = Figure(figsize=(9, 7.4), layout="constrained")
    panels: list[Axes] = list(figure.subplots(2, 2).flat)
    density = (
        ("train_loss", "training loss after the last epoch", (100.0, 1.0), (0, np.inf)),
        ("train_accuracy", "training accuracy (%)", PERCENT, (0, 100)),
        ("generalisation_gap", "training less test accuracy (points)", PERCENT, (-100, 100)),
    )
    lowest = min(float(result.train_loss.x.min()) for result in results)
    for axes, (measure, label, scale, limits) in zip(panels, density, strict=False):
        for number, result in enumerate(results):
            draw_curve(axes, getattr(result, measure), number, scale)
        axes.set_ylabel(label)
        within(axes, *limits)
        along_density(axes, 100 * lowest)
    for number, result in enumerate(results):
        draw_curve(panels[3], result.accuracy_by_epochs, number, (1.0, 100.0))
    panels[3].set_ylabel("test accuracy after the last epoch (%)")
    panels[3].set_xlabel("epochs trained so far, from the dense network on")
    panels[3].grid(alpha=0.3)
    within(panels[3], 0, 100)
    _legend(figure, [result.arm.label for result in results], [])
    return figure


def _star(axes: Axes, result: RuleCurve, number: int) -> None:
    sparse = result.curve.iterations > 0
    if sparse.any():
        best = int(np.argmax(np.where(sparse, result.curve.mean, -np.inf)))
        point = 100 * result.curve.x[best], 100 * result.curve.mean[best]
        axes.plot(*point, "*", color=colour(number), markersize=15, markeredgecolor="white", zorder=3)


def _title(rule: Rule, results: Sequence[RuleCurve]) -> str:
    """As in a run's own figure, or the rule's name alone where runs were evaluated at other intervals."""
    intervals = {result.arm.every for result in results}
    return rule_title(rule, intervals.pop()) if len(intervals) == 1 else rule


def _legend(figure: Figure, labels: Sequence[str], stars: Sequence[str]) -> None:
    lines: list[Any] = [
        Line2D([], [], color=colour(i), marker=marker(i), markersize=4, label=label) for i, label in enumerate(labels)
    ]
    lines += [Line2D([], [], color="0.3", marker="*", ls="none", markersize=12, label=label) for label in stars]
    figure.legend(handles=lines, loc="outside lower center", ncols=min(3, len(lines)), frameon=False)
