"""Figure of a run's trainings, epoch by epoch."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from matplotlib.figure import Figure
from matplotlib.ticker import MaxNLocator

from tf_dlth.reporting.figures.axes import colour
from tf_dlth.reporting.run_record import RunRecord

MEASURES = {"test_accuracy": ("-", "test"), "heldout_accuracy": ("--", "held-out")}
"""Line and name."""


def drawn_iterations(record: RunRecord) -> dict[int, str]:
    """The dense network and the one that won, or the best sparse one, with their names."""
    pruned = record.config.pruning.method == "magnitude"
    other = record.chosen if record.chosen.iteration else record.best_sparse
    names = {0: "iteration 0" if len(record.rows) == 1 else "dense, iteration 0"}
    if other.iteration:
        names[other.iteration] = f"{'ticket' if pruned else 'training'}, iteration {other.iteration}"
    return names


def learning_curves(metrics: Sequence[Mapping[str, Any]], iterations: Mapping[int, str]) -> Figure:
    """Training loss, and test and held-out accuracy, by epoch; ``iterations`` are those drawn, with their names."""
    figure = Figure(figsize=(7, 6.4), layout="constrained")
    loss, right = figure.subplots(2, 1, sharex=True)
    for number, (iteration, name) in enumerate(iterations.items()):
        lines = [line for line in metrics if line["iteration"] == iteration]
        epochs = [line["epoch"] for line in lines]
        shown = {"color": colour(number), "marker": "." if len(lines) < 30 else None}
        loss.plot(epochs, [line["train_loss"] for line in lines], label=name, **shown)
        for measure, (style, _) in MEASURES.items():
            points = [(line["epoch"], 100 * line[measure]) for line in lines if line.get(measure) is not None]
            if points:
                right.plot(*zip(*points, strict=True), style, label="_", lw=1.4, **shown)
    for style, name in MEASURES.values():
        right.plot([], [], style, color="0.3", label=name)
    loss.set_ylabel("training loss")
    loss.set_ylim(bottom=0)
    right.set_ylabel("accuracy (%)")
    right.set_xlabel("epoch")
    right.xaxis.set_major_locator(MaxNLocator(integer=True))
    for axes in (loss, right):
        axes.grid(alpha=0.3)
        axes.legend(fontsize="small")
    return figure
