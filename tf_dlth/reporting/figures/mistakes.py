"""Figure of the worst mistakes, as photographs."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from matplotlib.figure import Figure

from tf_dlth.evaluation.confusion import Mistake
from tf_dlth.reporting.figures.confusion import short

COLUMNS = 4


def in_words(mistake: Mistake, class_names: Sequence[str]) -> str:
    """Three lines: both names, and how sure the classifier was."""
    true, predicted = class_names[mistake.true], class_names[mistake.predicted]
    return f"is {true}\ntaken for {predicted}\n{mistake.confidence:.1%} sure"


def mistakes_grid(mistakes: Sequence[Mistake], pixels: np.ndarray, class_names: Sequence[str]) -> Figure:
    """Four a row; ``pixels`` uint8 [n, H, W, C] are the images of ``mistakes``, as the classifier sees them."""
    rows = -(-len(mistakes) // COLUMNS)
    figure = Figure(figsize=(2.1 * COLUMNS, 2.7 * rows), layout="constrained")
    names = [short(name) for name in class_names]
    for place, (mistake, image) in enumerate(zip(mistakes, pixels, strict=True)):
        axes = figure.add_subplot(rows, COLUMNS, place + 1)
        axes.imshow(image.squeeze(-1) if image.shape[-1] == 1 else image, cmap="gray", vmin=0, vmax=255)
        axes.set_axis_off()
        axes.set_title(in_words(mistake, names), fontsize="small", loc="left", parse_math=False)
    return figure
