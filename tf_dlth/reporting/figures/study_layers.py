"""Figures of what a study's analyses found, by layer and by place (paper figures 6 to 8, 10 and table 6)."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from tf_dlth.analysis.longtail import PAPER_IMBALANCES, class_counts
from tf_dlth.analysis.significance import Interval
from tf_dlth.lottery.selection import PAPER_LAST_ITERATION
from tf_dlth.reporting import study_models
from tf_dlth.reporting.figures.axes import COLOURS, along_layers, colour, marker, short
from tf_dlth.reporting.figures.study_axes import (
    Drawn,
    Line,
    along_places,
    are_sizes,
    draw_lines,
    draw_published,
    entry,
    in_percent,
    legend,
    panels,
    spoken,
)  # fmt: skip
from tf_dlth.reporting.study_models import DENSE, TICKET, Place, at, decided, interval, named, place_axes
from tf_dlth.reporting.study_summary import paper_number
from tf_dlth.reporting.study_text import place_title

if TYPE_CHECKING:
    from tf_dlth.studies.results import Results

READINGS = {"masked": "L2 on the mask", "magnitude": "mean |w| on the mask", "whole": "L2 over the whole layer"}
"""Of table 6, whose text leaves open which it means."""
BLACK = COLOURS.index("#000000")
FEW = 3
"""With more curves their bands would hide each other."""
CKA = {"early_mean": "mean CKA of the first half of the layers", "widest_block": "largest block of alike layers"}


def layers(results: Results) -> list[Drawn]:
    """Density by layer of the sparsest analysed ticket, and what it is beyond the null control (figure 6)."""
    study, found = results.study, _sparsest(_analyses(results, "density"))
    found = found[found["layer"] != ""]
    here = [place for place in study_models.places(study) if len(at(found, place_axes(study), place))]
    if not here:
        return []
    order = list(dict.fromkeys(found["layer"]))
    figure = Figure(figsize=(max(8.0, 2 + 0.4 * len(order)), 8), layout="constrained")
    above, below = figure.subplots(2, 1)
    for number, place in enumerate(here):
        rows = at(found, place_axes(study), place)
        _draw_band(above, _by_layer(rows, "density", order), number, 100, len(here) <= FEW)
        for quantity, style in (("null_theta_0", "--"), ("null_theta_r", ":")):
            control = [100 * point.mean for point in _by_layer(rows, quantity, order)]
            above.plot(control, style, color=colour(number), lw=1.2, alpha=0.8)
        _draw_band(below, _beyond(rows, order), number, 100, len(here) <= FEW)
    below.axhline(0, color="0.4", lw=1)
    for axes, label in ((above, "weights that remain (%)"), (below, "density beyond the null control (points)")):
        along_layers(axes, order)
        axes.set_ylabel(label)
    above.set_ylim(0, None)
    handles = [entry(place_title(study, place), number) for number, place in enumerate(here)]
    handles += [entry("null control on theta_0", 6, color="0.3", ls="--", marker=""),
                entry("null control on theta_r", 6, color="0.3", ls=":", marker="")]  # fmt: skip
    legend(figure, handles, columns=4)
    iterations = ", ".join(map(str, sorted(set(found["iteration"]))))
    caption = (
        f"Density by layer at iteration {iterations}; the null control keeps as many weights by one magnitude "
        "threshold, untrained (theta_0) or at the rewind point (theta_r). Below: the ticket less the latter. Means "
        f"over pairs{', 95 % intervals' if len(here) <= FEW else ''}."
    )
    return [Drawn("layers", figure, caption, _layers_in_words(results, found, here, order))]


def cka(results: Results) -> list[Drawn]:
    """How alike a network's layers are, in the two numbers that sum a map up, dense beside ticket (figure 7)."""
    study, found = results.study, _analyses(results, "cka")
    here = study_models.places(study)
    if found.empty:
        return []
    figure, drawn_in = panels(2)
    words = []
    for axes, (quantity, label) in zip(drawn_in, CKA.items(), strict=True):
        rows = found[found["quantity"] == quantity]
        lines = [
            Line(
                model,
                [interval(at(rows, ["model", *place_axes(study)], [model, *place]), "value") for place in here],
                i,
            )
            for i, model in enumerate((DENSE, TICKET))
        ]
        draw_lines(axes, lines, are_sizes(study))
        along_places(axes, study, here)
        axes.set_ylabel(label)
        words.append(f"{label}: {spoken(study, here, lines, 2)}")
    legend(figure, [entry(DENSE, 0), entry(TICKET, 1)])
    caption = "Each network with itself: linear CKA, and how many layers in a row are all alike above 0.8."
    return [Drawn("cka", figure, caption, ". ".join(words))]


def branch_norms(results: Results) -> list[Drawn]:
    """|shortcut| over |convolutions| by residual block, dense beside ticket, a panel a place (figure 8)."""
    study, found = results.study, _analyses(results, "branch-norms")
    found = found[(found["quantity"] == "ratio") & (found["layer"] != "")]
    here = [place for place in study_models.places(study) if len(at(found, place_axes(study), place))]
    if not here:
        return []
    figure, drawn_in = panels(len(here))
    words = []
    for axes, place in zip(drawn_in, here, strict=True):
        rows = at(found, place_axes(study), place)
        order = list(dict.fromkeys(rows["layer"]))
        for number, model in enumerate((DENSE, TICKET)):
            points = [interval(rows[(rows["model"] == model) & (rows["layer"] == block)], "value") for block in order]
            _draw_band(axes, points, number, 1, True)
            known = [point.mean for point in points if point.n]
            words.append(f"{place_title(study, place)} {model}: mean {np.mean(known):.2f}" if known else "")
        along_layers(axes, order)
        axes.set_title(place_title(study, place), loc="left", fontsize="medium")
        axes.set_ylabel("|shortcut| / |convolutions|")
        axes.set_ylim(0, None)
    legend(figure, [entry(DENSE, 0), entry(TICKET, 1)])
    caption = "Norm of the shortcut over that of the convolutions in each residual block, over test images."
    return [Drawn("branch-norms", figure, caption, "; ".join(filter(None, words)))]


def norms(results: Results) -> list[Drawn]:
    """The ticket's weights over the dense network's, mean over layers, in three readings (table 6)."""
    study, found = results.study, _analyses(results, "weight-norms")
    found = found[(found["model"] == TICKET) & (found["layer"] == "")]
    here = study_models.places(study)
    if found.empty:
        return []
    figure, (axes,) = panels(1, width=6, height=4)
    lines = [
        Line(
            label,
            [interval(at(found, ["quantity", *place_axes(study)], [quantity, *place]), "value") for place in here],
            i,
        )
        for i, (quantity, label) in enumerate(READINGS.items())
    ]
    draw_lines(axes, lines, are_sizes(study))
    published = [paper_number(study, place, "ticket/weight-norms") for place in here]
    axes.axhline(1, color="0.4", lw=1)
    draw_published(axes, published, BLACK)
    along_places(axes, study, here)
    axes.set_ylabel("ticket over dense")
    axes.set_ylim(0, None)
    handles = [entry(line.label, line.number) for line in lines]
    if any(number is not None for number in published):
        handles.append(entry("the paper, reading not stated", BLACK, ls="none", marker="x"))
    legend(figure, handles, columns=2)
    caption = (
        "Size of the ticket's trained weights over the dense network's: mean over layers, 95 % interval over pairs."
    )
    return [Drawn("norms", figure, caption, spoken(study, here, lines, 2))]


def longtail(results: Results) -> list[Drawn]:
    """Training images of each class of CIFAR-100-LT, by formula; needs no run (figure 10)."""
    del results
    figure, (axes,) = panels(1, width=6, height=4)
    totals = []
    for number, imbalance in enumerate(PAPER_IMBALANCES):
        counts = class_counts(imbalance)
        axes.plot(counts, color=colour(number), label=f"lambda {imbalance:g}: {counts.sum():,} images")
        totals.append(f"lambda {imbalance:g}: {counts[0]} down to {counts[-1]}, {counts.sum():,} in all")
    axes.set_xlabel("class, the most frequent first")
    axes.set_ylabel("training images")
    axes.set_ylim(0, None)
    axes.grid(alpha=0.3)
    axes.legend(frameon=False)
    caption = "Training images of each class of long-tailed CIFAR-100: int(500 lambda^(j / 99)) of class j."
    return [Drawn("longtail", figure, caption, "; ".join(totals))]


def _analyses(results: Results, kind: str) -> pd.DataFrame:
    """One kind of the search's analyses at its best value of ``best_of``; ``model`` is dense for iteration 0."""
    study = results.study
    found = named(results.analyses[results.analyses["kind"] == kind], study)
    found = found[found["arm"] == study_models.search_arm(study, results.networks)]
    model = np.where(found["iteration"] == 0, DENSE, TICKET)
    found = found.assign(model=model, value=found["value"].astype(float), layer=found["layer"].fillna(""))
    return _at_ticket(results, study_models.starred(found, study, study_models.stars(results)), kind)


def _at_ticket(results: Results, found: pd.DataFrame, kind: str) -> pd.DataFrame:
    """Of each run the dense network and its ticket; layer densities are of every analysed iteration."""
    if kind == "density" or found.empty:
        return found
    chosen = decided(results)
    tickets = set(zip(chosen["run"], chosen["iteration"], strict=True))
    return found[[k == 0 or (run, k) in tickets for run, k in zip(found["run"], found["iteration"], strict=True)]]


def _sparsest(found: pd.DataFrame) -> pd.DataFrame:
    """The last analysed iteration of each run, up to the paper's."""
    found = found[found["iteration"] <= PAPER_LAST_ITERATION]
    return found[found["iteration"] == found.groupby("run")["iteration"].transform("max")]


def _by_place(rows: pd.DataFrame, results: Results, here: Sequence[Place]) -> list[Interval]:
    return [interval(at(rows, place_axes(results.study), place), "value") for place in here]


def _by_layer(rows: pd.DataFrame, quantity: str, order: Sequence[str]) -> list[Interval]:
    of = rows[rows["quantity"] == quantity]
    return [interval(of[of["layer"] == layer], "value") for layer in order]


def _beyond(rows: pd.DataFrame, order: Sequence[str]) -> list[Interval]:
    """Density less the null control on theta_r, pair by pair."""
    own, control = (rows[rows["quantity"] == quantity] for quantity in ("density", "null_theta_r"))
    return [study_models.difference(own[own["layer"] == x], control[control["layer"] == x], "value") for x in order]


def _draw_band(axes: Axes, points: Sequence[Interval], number: int, scale: float, banded: bool) -> None:
    shown = [in_percent(point, scale) for point in points]
    x = range(len(shown))
    means = [point.mean for point in shown]
    axes.plot(x, means, marker=marker(number), markersize=5, color=colour(number))
    if banded and any(point.n > 1 for point in shown):
        low, high = [point.low for point in shown], [point.high for point in shown]
        axes.fill_between(x, low, high, color=colour(number), alpha=0.2, lw=0)


def _layers_in_words(results: Results, found: pd.DataFrame, here: Sequence[Place], order: Sequence[str]) -> str:
    texts = []
    for place in here:
        beyond = _beyond(at(found, place_axes(results.study), place), order)
        known = [(point.mean, layer) for point, layer in zip(beyond, order, strict=True) if point.n]
        if known:
            mean, layer = max(known)
            texts.append(f"{place_title(results.study, place)}: furthest beyond the control in {short(layer)}, "
                         f"{100 * mean:+.1f} points")  # fmt: skip
    return "; ".join(texts)
