"""Figures of one run."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from tf_dlth import files
from tf_dlth.analysis.accuracies import standard_error
from tf_dlth.lottery.rows import Row
from tf_dlth.lottery.selection import Rule, rules, test_accuracy
from tf_dlth.reporting.figures.axes import along_layers
from tf_dlth.reporting.figures.rendering import rendered
from tf_dlth.reporting.observer import RunObserver
from tf_dlth.reporting.rules import curve
from tf_dlth.tickets.ticket import load_ticket

if TYPE_CHECKING:
    from tf_dlth.preparation import Plan, Prepared

STYLES: dict[Rule, tuple[str, str]] = {
    "test_best": ("tab:blue", "o"),
    "heldout": ("tab:green", "s"),
    "last": ("tab:grey", "."),
}
"""Colour and marker."""

NAME, CLASSES = "accuracy_by_density.png", "images_per_class.png"


class Figures(RunObserver):
    """Draws the run's figures: accuracy when it has ended, and a long tail's curve (paper figure 10) at its start."""

    def __init__(self) -> None:
        self._folder = Path()
        self._select_by: Rule = "test_best"
        self._every, self._images = 1, 0

    def run_started(self, prepared: Prepared, plan: Plan, folder: Path) -> None:
        self._folder, self._select_by = folder, plan.config.pruning.select_by or "test_best"
        self._every = plan.config.training.evaluate_every
        self._images = sum(plan.images_per_class["test"].values())
        if plan.config.data.imbalance is not None:
            _save(images_per_class(plan.images_per_class["train"]), folder / CLASSES)

    def run_ended(self, rows: Sequence[Row]) -> None:
        winner = load_ticket(self._folder, trust=True).iteration
        figure = accuracy_by_density(rows, winner, self._select_by, self._every, self._images)
        _save(figure, self._folder / NAME)


def accuracy_by_density(rows: Sequence[Row], winner: int, select_by: Rule, every: int, images: int | None) -> Figure:
    """Test accuracy against density, dense on the left, under every rule; the winner is starred where it was chosen.

    The band is one standard error on so many test ``images``, None where that is not known. The axis of accuracy shows
    what was measured and at least three such errors to both sides, so that noise never looks large.
    """
    figure = Figure(figsize=(7, 4.2), layout="constrained")
    axes = figure.add_subplot()
    densities = [100 * row.density for row in rows]
    for rule in rules(rows):
        colour, marker = STYLES[rule]
        values = [100 * test_accuracy(row, rule) for row in rows]
        axes.plot(densities, values, marker=marker, color=colour, label=curve(rule, every))
    dense, score = (test_accuracy(rows[k], select_by) for k in (0, winner))
    if len(rows) > 1:
        label = f"winner: iteration {winner}" if winner else "no ticket won: the dense network"
        axes.plot(densities[winner], 100 * score, "*", color="tab:red", markersize=16, zorder=3, label=label)
        axes.axhline(100 * dense, color="0.25", lw=1, ls="--", label="iteration 0, by the rule of the star")
    if images is not None:
        _band(axes, densities, [test_accuracy(row, select_by) for row in rows], images, STYLES[select_by][0])
    axes.set_xscale("log")
    axes.set_xticks(densities, [f"{d:.3g}" for d in densities], rotation=45)
    axes.set_xticks([], minor=True)
    axes.invert_xaxis()
    axes.set_xlabel("density (% of prunable weights that remain)")
    axes.set_ylabel("test accuracy (%)")
    axes.grid(alpha=0.3)
    axes.legend(fontsize="small")
    return figure


def layer_densities(densities: Mapping[str, float], overall: float) -> Figure:
    """Which share of each layer's weights remains, in the order of the network, and of all of them."""
    figure = Figure(figsize=(9, 3.6), layout="constrained")
    axes = figure.add_subplot()
    axes.bar(range(len(densities)), [100 * density for density in densities.values()], color=STYLES["test_best"][0])
    axes.axhline(100 * overall, color="0.25", lw=1, ls="--", label=f"all layers: {overall:.1%}")
    along_layers(axes, list(densities))
    axes.set_ylabel("weights that remain (%)")
    axes.set_ylim(0, 105)
    axes.legend(fontsize="small")
    return figure


def _band(axes: Axes, densities: Sequence[float], accuracies: Sequence[float], images: int, colour: str) -> None:
    values = 100 * np.array(accuracies)
    errors = 100 * np.array([standard_error(accuracy, images) for accuracy in accuracies])
    axes.fill_between(densities, values - errors, values + errors, color=colour, alpha=0.15, lw=0)
    bottom, top = axes.get_ylim()
    widest = 3 * float(errors.max())
    axes.set_ylim(max(0, min(bottom, values[0] - widest)), min(100.5, max(top, values[0] + widest)))


def images_per_class(counts: Mapping[str, int]) -> Figure:
    """Training images of each class, in the order of the classes: the curve of a long-tailed set."""
    figure = Figure(figsize=(7, 3.6), layout="constrained")
    axes = figure.add_subplot()
    axes.plot(range(len(counts)), list(counts.values()), drawstyle="steps-mid")
    axes.set_xlabel("class, the most frequent first")
    axes.set_ylabel("training images")
    axes.set_ylim(bottom=0)
    axes.grid(alpha=0.3)
    axes.set_title(f"{sum(counts.values()):,} images of {len(counts)} classes", loc="left", fontsize="medium")
    return figure


def _save(figure: Figure, path: Path) -> None:
    files.write_bytes(path, rendered(figure, path.suffix[1:]))
