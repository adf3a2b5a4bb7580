"""What the figures of studies have in common: places along an axis, means with their intervals, panels, legends."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.lines import Line2D

from tf_dlth.analysis.significance import Interval
from tf_dlth.config.study import StudyConfig
from tf_dlth.reporting import study_models
from tf_dlth.reporting.figures.axes import colour, marker
from tf_dlth.reporting.study_text import place_title, places_title

if TYPE_CHECKING:
    from tf_dlth.studies.results import Results

COLUMNS = 3
"""Panels in a row."""
LONG = 6
"""Characters of a tick's label from which labels are turned."""


@dataclass(frozen=True, eq=False)
class Drawn:
    """A figure of a study: the stem of its files, what it is, and in words what there is to see."""

    name: str
    figure: Figure
    caption: str
    alt: str


Draw = Callable[["Results"], list[Drawn]]
"""Nothing where the study has no numbers for it so far."""


@dataclass(frozen=True)
class Line:
    """One class of models along places: an interval each, in the unit of the axis; a place without any has n = 0."""

    label: str
    points: Sequence[Interval]
    number: int
    style: str = "-"
    hollow: bool = False


def draw_lines(axes: Axes, lines: Sequence[Line], joined: bool = True) -> None:
    """Means with the whiskers of their intervals, side by side so that whiskers do not cover each other."""
    for shift, line in zip(_shifts(len(lines), 0.05 if joined else 0.12), lines, strict=True):
        x = np.arange(len(line.points)) + shift
        mean, reach = (np.array(values, float) for values in zip(*map(_shown, line.points), strict=True))
        look: Any = {"color": colour(line.number), "marker": marker(line.number), "markersize": 5}
        look |= {"markerfacecolor": "white"} if line.hollow else {}
        axes.errorbar(x, mean, reach, ls=line.style if joined else "none", capsize=2, label=line.label, **look)


def draw_published(axes: Axes, numbers: Sequence[float | None], number: int) -> None:
    """The paper's numbers as crosses, without an interval: it has one run of each."""
    known = [(x, value) for x, value in enumerate(numbers) if value is not None]
    if known:
        axes.plot(*zip(*known, strict=True), ls="none", marker="x", markersize=7, color=colour(number))


def are_sizes(study: StudyConfig) -> bool:
    """Whether places are numbers of one axis, so that a line from one to the next means something."""
    axes = study_models.place_axes(study)
    return len(axes) == 1 and all(value.replace(".", "", 1).isdigit() for value in study_models.names(study, axes[0]))


def along_places(axes: Axes, study: StudyConfig, here: Sequence[study_models.Place]) -> None:
    """One tick a place, in the order of the study."""
    titles = [place_title(study, place) for place in here]
    turned: Any = {"rotation": 30, "ha": "right"} if max(map(len, titles)) > LONG else {}
    axes.set_xticks(range(len(here)), titles, **turned)
    axes.set_xlim(-0.5, len(here) - 0.5)
    axes.set_xlabel(places_title(study))
    axes.grid(alpha=0.3)


INCHES_OF_A_MARK, INCHES_OF_A_LETTER = 0.6, 0.09
"""What an entry of a legend takes."""


def panels(number: int, width: float = 4, height: float = 3.4) -> tuple[Figure, list[Axes]]:
    """A figure of that many panels, three in a row; what is left of the last row is taken out."""
    columns, rows = min(COLUMNS, number), math.ceil(number / COLUMNS)
    figure = Figure(figsize=(0.8 + width * columns, 0.9 + height * rows), layout="constrained")
    found: list[Axes] = list(figure.subplots(rows, columns, squeeze=False).flat)
    for spare in found[number:]:
        spare.remove()
    return figure, found[:number]


def legend(figure: Figure, entries: Sequence[Any], columns: int = 3) -> None:
    """Below the panels, in as many columns as fit; entries that name the same appear once."""
    unique = {str(entry.get_label()): entry for entry in entries}
    widest = INCHES_OF_A_MARK + INCHES_OF_A_LETTER * max(map(len, unique))
    fitting = max(1, int(figure.get_figwidth() / widest))
    handles = list(unique.values())
    figure.legend(handles=handles, loc="outside lower center", ncols=min(columns, fitting, len(handles)), frameon=False)


def entry(label: str, number: int, **look: Any) -> Line2D:
    """A line with its marker for a legend."""
    return Line2D([], [], **{"color": colour(number), "marker": marker(number), "markersize": 5, "label": label} | look)


def in_percent(found: Interval, scale: float = 100) -> Interval:
    """In the unit of an axis."""
    return Interval(found.n, scale * found.mean, scale * found.low, scale * found.high)


def spoken(study: StudyConfig, here: Sequence[study_models.Place], lines: Sequence[Line], digits: int = 1) -> str:
    """``ticket: 70.0 at 2 %, 56.0 at 1 %; dense: ...``"""
    texts = []
    for line in lines:
        known = [f"{found.mean:.{digits}f} at {place_title(study, place)}"
                 for place, found in zip(here, line.points, strict=True) if found.n]  # fmt: skip
        texts.append(f"{line.label}: {', '.join(known) or 'no numbers'}")
    return "; ".join(texts)


def run_tables(networks: pd.DataFrame) -> list[pd.DataFrame]:
    """The iterations of each run, ascending."""
    return [run.sort_values("iteration") for _, run in networks.groupby("run", sort=False)]


def _shown(found: Interval) -> tuple[float, float]:
    reach = found.high - found.mean
    return (found.mean if found.n else np.nan, 0.0 if math.isnan(reach) else reach)


def _shifts(number: int, step: float) -> list[float]:
    return [step * (i - (number - 1) / 2) for i in range(number)]
