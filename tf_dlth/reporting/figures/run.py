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
from tf_dlth.data import Examples
from tf_dlth.evaluation.accuracy import predict
from tf_dlth.evaluation.confusion import confusion, worst_mistakes
from tf_dlth.lottery.rows import Row
from tf_dlth.lottery.selection import Rule, rules, test_accuracy
from tf_dlth.reporting.analysis_folder import to_csv
from tf_dlth.reporting.figures.axes import along_layers
from tf_dlth.reporting.figures.confusion import confusion_matrix
from tf_dlth.reporting.figures.learning import drawn_iterations, learning_curves
from tf_dlth.reporting.figures.mistakes import mistakes_grid
from tf_dlth.reporting.figures.rendering import rendered
from tf_dlth.reporting.observer import RunObserver
from tf_dlth.reporting.rules import curve
from tf_dlth.reporting.run_record import RunRecord, read_record
from tf_dlth.reporting.standings import simple
from tf_dlth.tickets.ticket import iteration_name, load_ticket

if TYPE_CHECKING:
    from tf_dlth.preparation import Plan, Prepared

STYLES: dict[Rule, tuple[str, str]] = {
    "test_best": ("tab:blue", "o"),
    "heldout": ("tab:green", "s"),
    "last": ("tab:grey", "."),
}
"""Colour and marker."""

NAME, LEARNING, CONFUSION, MISTAKES = PICTURES = (
    "accuracy_by_density.png",
    "learning_curves.png",
    "confusion.png",
    "mistakes.png",
)
CLASSES, BY_CLASS = "images_per_class.png", "classes.csv"
SHOWN = 12
"""Mistakes as photographs."""


class Figures(RunObserver):
    """Draws the run's figures when it has ended, and a long tail's curve (paper figure 10) at its start."""

    def __init__(self) -> None:
        self._folder = Path()
        self._prepared: Prepared | None = None

    def run_started(self, prepared: Prepared, plan: Plan, folder: Path) -> None:
        self._folder, self._prepared = folder, prepared
        if plan.config.data.imbalance is not None:
            _save(images_per_class(plan.images_per_class["train"]), folder / CLASSES)

    def run_ended(self, rows: Sequence[Row]) -> None:
        record = read_record(self._folder)
        _save(_accuracy(record), self._folder / NAME)
        if record.metrics is not None:
            _save(learning_curves(record.metrics, drawn_iterations(record)), self._folder / LEARNING)
        assert self._prepared is not None, "the run has started"
        winner = load_ticket(self._folder / iteration_name(record.chosen.iteration), trust=True)
        self._prepared.inference.load(winner.weights(record.rule))
        logits = predict(self._prepared.inference, self._prepared.data.test)
        _save_mistakes(logits, self._prepared.data.test, winner.class_names, self._folder)


def _accuracy(record: RunRecord) -> Figure:
    images = record.images["test"] if record.images else None
    others = {standing.name: standing.test for standing in simple(record.regressions)}
    every = record.config.training.evaluate_every
    return accuracy_by_density(record.rows, record.chosen.iteration, record.rule, every, images, others)


def _save_mistakes(logits: np.ndarray, examples: Examples, names: tuple[str, ...], folder: Path) -> None:
    """What is taken for what, class by class, and the worst mistakes, by logits [N, classes] of ``examples``."""
    labels = examples.labels
    found = confusion(logits, labels)
    _save(confusion_matrix(found.matrix, names), folder / CONFUSION)
    files.write_bytes(folder / BY_CLASS, to_csv(found.records(names)))
    if worst := worst_mistakes(logits, labels, SHOWN):
        pixels = examples.read(np.array([mistake.image for mistake in worst]))
        _save(mistakes_grid(worst, pixels, names), folder / MISTAKES)


def accuracy_by_density(
    rows: Sequence[Row],
    winner: int,
    select_by: Rule,
    every: int,
    images: int | None,
    others: Mapping[str, float] | None = None,
) -> Figure:
    """Test accuracy against density, dense on the left, under every rule; the winner is starred where it was chosen.

    ``others`` are the test accuracies of what has no iterations. The band is one standard error on so many test
    ``images``, None where that is not known. The axis of accuracy shows what was measured and at least three such
    errors to both sides, so that noise never looks large.
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
    for number, (name, accuracy) in enumerate((others or {}).items()):
        axes.axhline(100 * accuracy, color=f"C{number + 4}", lw=1.2, ls=":", label=f"{name}: {accuracy:.1%}")
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
