"""Figure of what is taken for what."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from matplotlib.figure import Figure

NAMED, NUMBERED = 40, 20
"""Classes up to which they are named, and their cells hold numbers."""
LONGEST_NAME = 18


def confusion_matrix(matrix: np.ndarray, class_names: Sequence[str]) -> Figure:
    """``matrix`` int [true, predicted]; the colour is the share of the true class's images."""
    classes = len(class_names)
    side = min(9.0, 3.2 + 0.36 * min(classes, NAMED))
    figure = Figure(figsize=(side + 0.8, side), layout="constrained")
    axes = figure.add_subplot()
    share = 100 * matrix / np.maximum(1, matrix.sum(1, keepdims=True))
    drawn = axes.imshow(share, cmap="Blues", vmin=0, vmax=100, interpolation="nearest")
    figure.colorbar(drawn, ax=axes, label="% of the true class's images", shrink=0.8)
    if classes <= NAMED:
        names = [short(name) for name in class_names]
        for place, rotation in ((axes.xaxis, 90), (axes.yaxis, 0)):
            place.set_ticks(range(classes), names)
            for label in place.get_ticklabels():
                # A name is no formula, whatever it holds.
                label.set(rotation=rotation if max(map(len, names)) > 2 else 0, parse_math=False)
    if classes <= NUMBERED:
        for true, predicted in np.argwhere(matrix):
            ink = "white" if share[true, predicted] > 55 else "black"
            number = f"{matrix[true, predicted]}"
            axes.text(predicted, true, number, ha="center", va="center", color=ink, fontsize="small")
    axes.set_xlabel("predicted")
    axes.set_ylabel("true")
    return figure


def short(name: str) -> str:
    """At most ``LONGEST_NAME`` letters of it."""
    return name if len(name) <= LONGEST_NAME else f"{name[: LONGEST_NAME - 1]}…"
