"""Every kind of network of a study beside the ticket, as means within their intervals."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import TYPE_CHECKING

from matplotlib.axes import Axes

from tf_dlth.reporting import study_models
from tf_dlth.reporting.figures.axes import colour
from tf_dlth.reporting.figures.study_axes import Drawn, Line, in_percent, panels, spoken
from tf_dlth.reporting.study_models import (
    DENSE,
    REGRESSION,
    TICKET,
    Place,
    at,
    decided,
    interval,
    named,
    place_axes,
    starred,
)  # fmt: skip
from tf_dlth.reporting.study_text import model_title, place_title

if TYPE_CHECKING:
    from tf_dlth.studies.results import Results


def controls(results: Results) -> list[Drawn]:
    """A panel a place, a row a kind of network, the most accurate (at the first place) on top.

    Positions, not bars: an axis that begins near the numbers exaggerates the length of a bar.
    """
    study, here = results.study, study_models.places(results.study)
    found = starred(decided(results), study, study_models.stars(results))
    lines = [
        Line(model_title(model), [in_percent(interval(at(found, ["model", *place_axes(study)], [model, *place])))
                                  for place in here], number=int(model == TICKET), hollow=model == DENSE)
        for model in dict.fromkeys(found["model"])
        if not model_title(model).startswith(f"{DENSE}, arm ")  # the same networks as the dense ones
    ]  # fmt: skip
    lines += _regression(results, here)
    lines.sort(key=lambda line: line.points[0].mean if line.points[0].n else -math.inf)
    if not lines:
        return []
    figure, drawn_in = panels(len(here), width=5.6 if len(here) == 1 else 4.4, height=0.6 + 0.28 * len(lines))
    for number, (axes, place) in enumerate(zip(drawn_in, here, strict=True)):
        _draw(axes, lines, number)
        axes.set_title(place_title(study, place) if len(here) > 1 else "", loc="left", fontsize="medium")
    caption = "Test accuracy of each kind of network, mean and 95 % interval over pairs of seeds; dashed: dense."
    return [Drawn("controls", figure, caption, spoken(study, here, lines))]


def _regression(results: Results, here: Sequence[Place]) -> list[Line]:
    """What needs no network: it is the same at every value of ``best_of``. Nothing where no run has one."""
    networks, axes = named(results.networks, results.study), place_axes(results.study)
    if REGRESSION not in networks or networks[REGRESSION].isna().all():
        return []
    points = [in_percent(interval(at(networks, axes, place), REGRESSION)) for place in here]
    return [Line("logistic regression on simple features", points, number=2)]


def _draw(axes: Axes, lines: list[Line], place: int) -> None:
    """The rows of one panel, with their numbers."""
    for row, line in enumerate(lines):
        point = line.points[place]
        if not point.n:
            continue
        reach = None if math.isnan(point.low) else point.high - point.mean
        axes.errorbar(point.mean, row, xerr=reach, fmt="o", color=colour(line.number), capsize=2, markersize=5)
        axes.annotate(
            f"{point.mean:.1f}", (point.mean, row), (0, 5), textcoords="offset points", ha="center", fontsize=7
        )
        if line.hollow:
            axes.axvline(point.mean, color="0.5", lw=1, ls="--", zorder=0)
    axes.set_yticks(range(len(lines)), [line.label for line in lines])
    axes.set_ylim(-0.6, len(lines) - 0.3)
    axes.set_ylabel("kind of network")
    axes.set_xlabel("test accuracy (%)")
    axes.grid(alpha=0.3, axis="x")
