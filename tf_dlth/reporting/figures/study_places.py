"""Figures of studies with their places (data sizes, as a rule) from left to right (paper figures 1, 3 and 5)."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

import pandas as pd

from tf_dlth.config.study import StudyConfig
from tf_dlth.reporting import study_models
from tf_dlth.reporting.figures.axes import colour, within
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
from tf_dlth.reporting.study_models import DENSE, TICKET, Place, at, decided, interval, names, place_axes, starred
from tf_dlth.reporting.study_summary import paper_number
from tf_dlth.reporting.study_text import MEASURES, axis_title, model_title, places_title

if TYPE_CHECKING:
    from tf_dlth.studies.results import Results

PLAIN = "basic"
"""The augmentation that every size is also shown with, where it is an axis's value."""
BARS = (DENSE, "matched", "small", "random", "layerwise", TICKET)
"""From left to right; ``small_WIDTH`` are the widths of the paper."""
PAPERS_SMALL = "small, the paper's width"


def size(results: Results) -> list[Drawn]:
    """Accuracy of dense networks and tickets, plain and at the best augmentation (figures 1 and 3a)."""
    study, here = results.study, study_models.places(results.study)
    lines = _lines(results, here, "accuracy")
    if not lines:
        return []
    figure, (axes,) = panels(1, width=6, height=4)
    draw_lines(axes, lines, are_sizes(study))
    published = _published(study, here, [line.label for line in lines])
    for line in lines:
        draw_published(axes, published.get(line.label, []), line.number)
    along_places(axes, study, here)
    axes.set_ylabel("test accuracy (%)")
    within(axes, 0, 100)
    crosses = [entry("the paper, chosen on the test set", 6, ls="none", marker="x", color="0.3")]
    handles = [entry(line.label, line.number, ls=line.style, **_face(line)) for line in lines]
    legend(figure, handles + (crosses if published else []), columns=2)
    caption = f"Test accuracy by {places_title(study)}, mean and 95 % interval over pairs of seeds."
    return [Drawn("size", figure, caption, spoken(study, here, lines))]


def robustness(results: Results) -> list[Drawn]:
    """The same with other images, corruptions and attacks (figures 3b and 3c), a panel a measure."""
    study, here = results.study, study_models.places(results.study)
    measured = {column: _lines(results, here, column) for column in MEASURES if column in results.networks}
    measured = {column: lines for column, lines in measured.items() if lines}
    if not measured:
        return []
    figure, drawn_in = panels(len(measured))
    for axes, (column, lines) in zip(drawn_in, measured.items(), strict=True):
        draw_lines(axes, lines, are_sizes(study))
        along_places(axes, study, here)
        axes.set_ylabel(MEASURES[column])
        within(axes, 0, 100)
    entries = [entry(line.label, line.number, ls=line.style, **_face(line))
               for lines in measured.values() for line in lines]  # fmt: skip
    legend(figure, entries, columns=2)
    alt = ". ".join(f"{MEASURES[column]}: {spoken(study, here, lines)}" for column, lines in measured.items())
    caption = "Networks chosen on clean images, measured on others: mean and 95 % interval over pairs of seeds."
    return [Drawn("robustness", figure, caption, alt)]


def bars(results: Results) -> list[Drawn]:
    """Dense, its control, small dense, two random masks and the ticket, all at their best augmentation (figure 5)."""
    study, here = results.study, study_models.places(results.study)
    found = starred(decided(results), study, study_models.stars(results))
    found = found.assign(model=[_bar(model) for model in found["model"]])
    order = [model for model in (*BARS[:3], PAPERS_SMALL, *BARS[3:]) if model in set(found["model"])]
    if not order:
        return []
    figure, (axes,) = panels(1, width=max(6.0, 0.28 * len(order) * len(here)), height=4)
    width = 0.8 / len(order)
    lines = []
    for number, model in enumerate(order):
        points = [in_percent(interval(_of(found, study, place, model))) for place in here]
        lines.append(Line(model_title(model), points, number))
        x = [i + width * (number - (len(order) - 1) / 2) for i in range(len(here))]
        reach = [0 if not p.high >= p.mean else p.high - p.mean for p in points]
        heights = [p.mean if p.n else 0 for p in points]
        axes.bar(x, heights, 0.92 * width, yerr=reach, color=colour(number), label=model_title(model), capsize=2)
    along_places(axes, study, here)
    axes.set_ylabel("test accuracy (%)")
    axes.grid(visible=False, axis="x")
    axes.set_axisbelow(True)
    within(axes, 0, 100)
    legend(figure, axes.containers[1::2], columns=3)
    best = f", each at its best {axis_title(study.best_of)}" if study.best_of else ""
    caption = f"What makes a ticket good: test accuracy of each kind of network{best}, mean and 95 % interval."
    return [Drawn("bars", figure, caption, spoken(study, here, lines))]


def _lines(results: Results, here: Sequence[Place], column: str) -> list[Line]:
    """Dense and ticket, plain where there is such a value, and at their best; lines without numbers are left out."""
    study, found = results.study, decided(results)
    best = starred(found, study, study_models.stars(results))
    kinds: list[tuple[str, pd.DataFrame, str, bool]] = []
    if study.best_of is not None and PLAIN in names(study, study.best_of):
        kinds.append((PLAIN, found[found[study.best_of] == PLAIN], "--", True))
    kinds.append((f"best {axis_title(study.best_of)}" if study.best_of else "", best, "-", False))
    lines = [
        Line(", ".join(filter(None, (model, kind))),
             [in_percent(interval(_of(rows, study, place, model), column)) for place in here], number, style, hollow)
        for kind, rows, style, hollow in kinds
        for number, model in enumerate((DENSE, TICKET))
    ]  # fmt: skip
    return [line for line in lines if any(point.n for point in line.points)]


def _published(study: StudyConfig, here: Sequence[Place], labels: Sequence[str]) -> dict[str, list[float | None]]:
    """By line the paper's number at each place, in per cent; lines without one are left out."""
    found = {}
    for label in labels:
        model, _, kind = label.partition(", ")
        numbers = [
            paper_number(study, _setting(study, place, PLAIN) if kind == PLAIN else place, model) for place in here
        ]
        if any(number is not None for number in numbers):
            found[label] = [None if number is None else 100 * number for number in numbers]
    return found


def _setting(study: StudyConfig, place: Place, value: str) -> tuple[str, ...]:
    at_place = dict(zip(place_axes(study), place, strict=True))
    return tuple(at_place.get(axis, value) for axis in study.axes)


def _of(frame: pd.DataFrame, study: StudyConfig, place: Place, model: str) -> pd.DataFrame:
    return at(frame, ["model", *place_axes(study)], [model, *place])


def _face(line: Line) -> dict[str, str]:
    return {"markerfacecolor": "white"} if line.hollow else {}


def _bar(model: str) -> str:
    return PAPERS_SMALL if model.startswith("small_") else model
