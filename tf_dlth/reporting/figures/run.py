"""Figures of one run."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from matplotlib.figure import Figure

from tf_dlth import files
from tf_dlth.lottery.rows import Row
from tf_dlth.lottery.selection import Rule, rules, test_accuracy
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
        self._every = 1

    def run_started(self, prepared: Prepared, plan: Plan, folder: Path) -> None:
        self._folder, self._select_by = folder, plan.config.pruning.select_by or "test_best"
        self._every = plan.config.training.evaluate_every
        if plan.config.data.imbalance is not None:
            images_per_class(plan.images_per_class["train"], folder / CLASSES)

    def run_ended(self, rows: Sequence[Row]) -> None:
        winner = load_ticket(self._folder, trust=True).iteration
        accuracy_by_density(rows, winner, self._select_by, self._every, self._folder / NAME)


def accuracy_by_density(rows: Sequence[Row], winner: int, select_by: Rule, every: int, path: Path) -> None:
    """Test accuracy against density, dense on the left, under every rule; the winner is starred where it was chosen."""
    figure = Figure(figsize=(7, 4.2), layout="constrained")
    axes = figure.add_subplot()
    densities = [100 * row.density for row in rows]
    for rule in rules(rows):
        colour, marker = STYLES[rule]
        values = [100 * test_accuracy(row, rule) for row in rows]
        axes.plot(densities, values, marker=marker, color=colour, label=curve(rule, every))
    score = test_accuracy(rows[winner], select_by)
    label = f"winner: iteration {winner}"
    axes.plot(densities[winner], 100 * score, "*", color="tab:red", markersize=16, zorder=3, label=label)
    axes.set_xscale("log")
    axes.set_xticks(densities, [f"{d:.3g}" for d in densities], rotation=45)
    axes.set_xticks([], minor=True)
    axes.invert_xaxis()
    axes.set_xlabel("density (% of prunable weights that remain)")
    axes.set_ylabel("test accuracy (%)")
    axes.grid(alpha=0.3)
    axes.legend()
    _save(figure, path)


def images_per_class(counts: Mapping[str, int], path: Path) -> None:
    """Training images of each class, in the order of the classes: the curve of a long-tailed set."""
    figure = Figure(figsize=(7, 3.6), layout="constrained")
    axes = figure.add_subplot()
    axes.plot(range(len(counts)), list(counts.values()), drawstyle="steps-mid")
    axes.set_xlabel("class, the most frequent first")
    axes.set_ylabel("training images")
    axes.set_ylim(bottom=0)
    axes.grid(alpha=0.3)
    axes.set_title(f"{sum(counts.values()):,} images of {len(counts)} classes", loc="left", fontsize="medium")
    _save(figure, path)


def _save(figure: Figure, path: Path) -> None:
    files.write_bytes(path, rendered(figure, path.suffix[1:]))
