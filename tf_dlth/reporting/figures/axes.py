"""What the figures of analyses have in common: colours, layers and densities along an axis, curves with their bands."""

from __future__ import annotations

import re
from collections.abc import Sequence

import numpy as np
from matplotlib.axes import Axes

from tf_dlth.analysis.curves import Curve

COLOURS = ("#0072B2", "#D55E00", "#009E73", "#CC79A7", "#E69F00", "#56B4E9", "#000000")
"""Okabe and Ito's, which colour-blind readers tell apart."""
MARKERS = ("o", "s", "^", "D", "v", "P", "X")
DENSITIES = (100, 50, 20, 10, 5, 2, 1, 0.5, 0.2, 0.1)
"""Ticks of a logarithmic axis, in per cent."""


def colour(number: int) -> str:
    """Of the curve of that number; after seven they come again, with other markers."""
    return COLOURS[number % len(COLOURS)]


def marker(number: int) -> str:
    """Of the curve of that number."""
    return MARKERS[(number + number // len(COLOURS)) % len(MARKERS)]


def short(layer: str) -> str:
    """``stage2_block1_conv1/kernel`` as ``2.1 conv1``."""
    return re.sub(r"^stage(\d+)_block(\d+)_?", r"\1.\2 ", layer.partition("/")[0]).strip()


def along_layers(axes: Axes, layers: Sequence[str]) -> None:
    """Layers from left to right."""
    axes.set_xticks(range(len(layers)), [short(layer) for layer in layers], rotation=90, fontsize="small")
    axes.set_xlim(-0.5, len(layers) - 0.5)
    axes.grid(alpha=0.3)


def along_density(axes: Axes, lowest: float) -> None:
    """Per cent, logarithmic, the dense network on the left."""
    ticks = [density for density in DENSITIES if density >= 0.8 * lowest]
    axes.set_xscale("log")
    axes.set_xticks(ticks, [f"{density:g}" for density in ticks])
    axes.set_xticks([], minor=True)
    axes.invert_xaxis()
    axes.set_xlabel("density (% of prunable weights)")
    axes.grid(alpha=0.3)


def draw_curve(axes: Axes, curve: Curve, number: int, scale: tuple[float, float]) -> None:
    """The means with markers and, of several runs, their interval; ``scale`` multiplies x and y."""
    x, y = scale[0] * curve.x, scale[1] * curve.mean
    axes.plot(x, y, marker=marker(number), markersize=4, color=colour(number))
    if not np.isnan(curve.low).all():
        axes.fill_between(x, scale[1] * curve.low, scale[1] * curve.high, color=colour(number), alpha=0.2, lw=0)


def within(axes: Axes, lowest: float, highest: float) -> None:
    """Cuts off what no value can reach: the interval of two runs is wider than that."""
    bottom, top = axes.get_ylim()
    axes.set_ylim(max(bottom, lowest), min(top, highest))
