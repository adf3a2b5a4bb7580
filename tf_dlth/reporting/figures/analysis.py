"""Figures of analyses: each takes what an analysis found."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.lines import Line2D

from tf_dlth.reporting.figures.axes import along_layers, colour, marker, short

if TYPE_CHECKING:
    from tf_dlth.evaluation.analyses.branch_norms import TicketBranches
    from tf_dlth.evaluation.analyses.cka import Similarity
    from tf_dlth.evaluation.analyses.density import TicketDensities
    from tf_dlth.evaluation.analyses.longtail import LongTail
    from tf_dlth.evaluation.analyses.overlap import PairOverlap
    from tf_dlth.evaluation.analyses.weight_norms import Comparison

STYLES = {"null theta_0": ("--", "null control on theta_0"), "null theta_r": (":", "null control on theta_r")}
"""Line of a control, and its entry in the legend."""
FEW_LAYERS = 32
"""More are named at the ends of blocks alone."""


def density(results: Sequence[TicketDensities]) -> Figure:
    """Layer densities, one curve a ticket, and its controls in the same colour (paper figure 6)."""
    figure, axes = _single(9, 4.6)
    for number, result in enumerate(results):
        label = f"{result.opened.label}, {result.opened.ticket.density:.2%}"
        _line(axes, list(result.layers.values()), number, label, 100)
        for name, densities in result.controls.items():
            values = [100 * value for value in densities.values()]
            axes.plot(values, STYLES[name][0], color=colour(number), lw=1.2, alpha=0.8)
    for name in {name: None for result in results for name in result.controls}:
        axes.plot([], [], STYLES[name][0], color="0.3", lw=1.2, label=STYLES[name][1])
    along_layers(axes, list(results[0].layers))
    axes.set_ylabel("weights that remain (%)")
    axes.set_ylim(0, None)
    figure.legend(loc="outside upper center", ncols=2, frameon=False)
    return figure


def overlap(pairs: Sequence[PairOverlap]) -> Figure:
    """Jaccard indices by layer and overall, one colour a pair; dashed and hollow in expectation."""
    figure = Figure(figsize=(11, max(4.6, 2.6 + 0.35 * len(pairs))), layout="constrained")
    layers, overall = figure.subplots(1, 2, width_ratios=(3, 1))
    for number, pair in enumerate(pairs):
        _line(layers, list(pair.jaccard.layers.values()), number, "")
        layers.plot(list(pair.expected.layers.values()), "--", color=colour(number), lw=1.2)
        shown = {"marker": marker(number), "color": colour(number), "ls": "none"}
        overall.plot(pair.jaccard.overall, number, **shown, markersize=6)
        overall.plot(pair.expected.overall, number, **shown, markersize=11, markerfacecolor="none")
    along_layers(layers, list(pairs[0].jaccard.layers))
    layers.set_ylabel("Jaccard index of the masks")
    layers.set_ylim(0, 1.02)
    names = [f"{pair.first.label}\n{pair.second.label}" for pair in pairs]
    overall.set_yticks(range(len(pairs)), names, fontsize="small")
    overall.yaxis.tick_right()
    overall.set_ylim(len(pairs) - 0.5, -0.5)
    overall.set_xlim(0, 1.02)
    overall.set_xlabel("over all weights")
    overall.grid(alpha=0.3)
    known: Any = {"color": "0.3", "marker": "o"}
    entries = [
        Line2D([], [], ls="-", label="found", **known),
        Line2D([], [], ls="--", markerfacecolor="none", label="expected by layer densities alone", **known),
    ]
    figure.legend(handles=entries, loc="outside upper center", ncols=2, frameon=False)
    return figure


def weight_norms(results: Sequence[Comparison]) -> Figure:
    """The three ratios by layer, their means in the legend (paper table 6)."""
    (compared,) = results
    norms = compared.norms
    figure, axes = _single(9, 4.6)
    texts = {"masked": "L2 on the mask", "magnitude": "mean |w| on the mask", "whole": "L2 over the whole layer"}
    for number, (name, text) in enumerate(texts.items()):
        values = [getattr(ratios, name) for ratios in norms.layers.values()]
        _line(axes, values, number, f"{text}: mean {getattr(norms.mean, name):.2f}")
    axes.axhline(1, color="0.4", lw=1)
    along_layers(axes, list(norms.layers))
    axes.set_ylabel("ticket over dense")
    axes.set_ylim(0, None)
    axes.set_title(f"{compared.ticket.label} over {compared.dense.label}", loc="left", fontsize="medium")
    figure.legend(loc="outside lower center", ncols=3, frameon=False)
    return figure


def branch_norms(results: Sequence[TicketBranches]) -> Figure:
    """The ratio by residual block, one curve a ticket (paper figure 8)."""
    figure, axes = _single(7, 4.2)
    for number, result in enumerate(results):
        _line(axes, list(result.blocks.values()), number, f"{result.opened.label}: mean {result.mean:.2f}")
    along_layers(axes, list(results[0].blocks))
    axes.set_xlabel("residual block")
    axes.set_ylabel("|shortcut| / |convolutions|")
    axes.set_ylim(0, None)
    figure.legend(loc="outside upper center", ncols=2, frameon=False)
    return figure


def cka(results: Sequence[Similarity]) -> Figure:
    """CKA of every layer of one with every layer of the other (paper figure 7); grey where there is none."""
    (found,) = results
    figure, axes = _single(7.4, 7)
    axes.set_facecolor("0.7")
    image = axes.imshow(np.ma.masked_invalid(found.matrix), vmin=0, vmax=1, cmap="viridis", origin="lower")
    ends = [i for i, layer in enumerate(found.layers) if len(found.layers) <= FEW_LAYERS or layer.endswith("_out")]
    names = [short(found.layers[i]) for i in ends]
    axes.set_xticks(ends, names, rotation=90, fontsize="small")
    axes.set_yticks(ends, names, fontsize="small")
    axes.set_xlabel(found.second.label)
    axes.set_ylabel(found.first.label)
    axes.set_title(
        f"mean of the first half {found.first_half_mean:.2f}; largest block above 0.8: {found.largest_block} of "
        f"{len(found.layers)} layers",
        loc="left",
        fontsize="medium",
    )
    figure.colorbar(image, ax=axes, label="linear CKA", shrink=0.8)
    return figure


def longtail(tails: Sequence[LongTail]) -> Figure:
    """Training images of each class, the most frequent first (paper figure 10); runs with markers."""
    figure, axes = _single(7, 4.4)
    for number, tail in enumerate(tails):
        points = {"marker": marker(number), "markersize": 4, "markevery": 0.05} if tail.path else {}
        label = f"{tail.label}: {tail.counts.sum():,} images"
        axes.plot(tail.counts, color=colour(number), label=label, **points)
    axes.set_xlabel("class, the most frequent first")
    axes.set_ylabel("training images")
    axes.set_ylim(0, None)
    axes.grid(alpha=0.3)
    axes.legend(frameon=False)
    return figure


def _single(width: float, height: float) -> tuple[Figure, Axes]:
    figure = Figure(figsize=(width, height), layout="constrained")
    return figure, figure.add_subplot()


def _line(axes: Axes, values: Sequence[float], number: int, label: str, scale: float = 1) -> None:
    axes.plot([scale * v for v in values], marker=marker(number), markersize=5, color=colour(number), label=label)
