"""Figures of studies against density and epochs (paper figures 2, 4 and 9)."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd
from matplotlib.axes import Axes

from tf_dlth.analysis.curves import Curve, accuracy_by_density, accuracy_by_epochs, fit_by_density
from tf_dlth.lottery.selection import TEST_ACCURACY
from tf_dlth.reporting import study_models
from tf_dlth.reporting.figures.axes import along_density, colour, draw_curve, within
from tf_dlth.reporting.figures.study_axes import Drawn, entry, in_percent, legend, panels, run_tables
from tf_dlth.reporting.study_models import TICKET, Place, at, decided, interval, named, names, place_axes
from tf_dlth.reporting.study_text import MEASURES, place_title

if TYPE_CHECKING:
    from tf_dlth.studies.results import Results

PERCENT = (100.0, 100.0)
CLEAN = "test accuracy (%)"


def density(results: Results) -> list[Drawn]:
    """Accuracy of the searched networks by density, a panel a place and a curve a value of ``best_of`` (figure 2)."""
    searched = _searched(results)
    return [] if searched.empty else [_panels(results, searched, None)]


def density_of_measures(results: Results) -> list[Drawn]:
    """The same with each measure, where all iterations were measured (figures 4 and 9)."""
    if results.study.iterations != "all":
        return []
    searched = _searched(results)
    measured = [column for column in MEASURES if column in searched and searched[column].notna().any()]
    return [_panels(results, searched, column) for column in measured]


def fit(results: Results) -> list[Drawn]:
    """Loss and gap against density, accuracy against all epochs spent; the search at its best augmentation.

    Beside it the control without pruning, dashed, and the dense network at equal compute, hollow.
    """
    study, stars = results.study, study_models.stars(results)
    searched, here = _searched(results), study_models.places(study)
    tables = {place: _at_star(results, searched, TICKET, place, stars) for place in here}
    tables = {place: found for place, found in tables.items() if found}
    if not tables:
        return []
    figure, (loss, gap, epochs) = panels(3)
    handles = []
    for number, (place, runs) in enumerate(tables.items()):
        found = fit_by_density(runs)
        draw_curve(loss, found.train_loss, number, (100.0, 1.0))
        if len(found.generalisation_gap.x):
            draw_curve(gap, found.generalisation_gap, number, PERCENT)
        draw_curve(epochs, accuracy_by_epochs(runs, "test_accuracy_last"), number, (1.0, 100.0))
        _draw_controls(epochs, results, place, number, stars)
        handles.append(entry(place_title(study, place), number))
    lowest = 100 * float(searched["density"].min())
    for axes, label in ((loss, "training loss after the last epoch"), (gap, "training less test accuracy (points)")):
        axes.set_ylabel(label)
        along_density(axes, lowest)
    epochs.set_xlabel("epochs trained so far")
    epochs.set_ylabel("test accuracy after the last epoch (%)")
    epochs.grid(alpha=0.3)
    present = set(results.networks["arm"])
    handles += [entry("dense, as many trainings", 6, color="0.3", ls="--", marker="")] if "matched" in present else []
    handles += [entry("dense, equal compute", 6, color="0.3", ls="none", marker="D", markerfacecolor="white")] if (
        "equal" in present) else []  # fmt: skip
    legend(figure, handles, columns=4)
    caption = (
        "How closely networks of each density fit their training images, and what all epochs up to them bought; all "
        "after the last epoch, which nobody chose. Means and 95 % intervals."
    )
    return [Drawn("fit", figure, caption, _fit_in_words(results, tables))]


def best_sparse(curve: Curve) -> int | None:
    """Where in the curve the highest mean of the pruned iterations stands."""
    sparse = curve.iterations > 0
    return int(np.argmax(np.where(sparse, curve.mean, -np.inf))) if sparse.any() else None


def _searched(results: Results) -> pd.DataFrame:
    """The networks of the arm that the study's tickets come from, under the names of the axes."""
    networks = named(results.networks, results.study)
    return networks[networks["arm"] == study_models.search_arm(results.study, networks)]


def _panels(results: Results, searched: pd.DataFrame, measure: str | None) -> Drawn:
    study = results.study
    here = [place for place in study_models.places(study) if len(at(searched, place_axes(study), place))]
    values = names(study, study.best_of) if study.best_of else [""]
    figure, drawn_in = panels(len(here))
    words = []
    for axes, place in zip(drawn_in, here, strict=True):
        rows = at(searched, place_axes(study), place)
        for number, value in enumerate(values):
            runs = run_tables(rows[rows[study.best_of] == value] if study.best_of else rows)
            words += _draw_one(axes, runs, measure, number, f"{place_title(study, place)} {value}".strip())
        axes.set_title(place_title(study, place), loc="left", fontsize="medium")
        along_density(axes, 100 * float(rows["density"].min()))
        axes.set_ylabel(MEASURES[measure] if measure else CLEAN)
        within(axes, 0, 100)
    handles = [entry(value or "ticket", number) for number, value in enumerate(values)]
    star = "most accurate of the pruned networks" + (" on clean images" if measure else "")
    handles.append(entry(star, 6, color="0.3", ls="none", marker="*", markersize=12))
    if measure:
        extreme = "lowest" if measure == "ece" else "highest"
        handles.append(entry(f"{extreme} of the pruned networks", 6, color="0.3", ls="none", marker="^", markersize=9))
    legend(figure, handles)
    of = MEASURES[measure] if measure else CLEAN
    caption = f"{of[0].upper()}{of[1:]} by density: means over pairs and 95 % intervals. Test images chose the stars."
    return Drawn(f"density-{measure}" if measure else "density", figure, caption, "; ".join(words))


def _draw_one(axes: Axes, runs: Sequence[pd.DataFrame], measure: str | None, number: int, label: str) -> list[str]:
    """One curve with its star and, of a measure, its triangle; says what it shows."""
    if not runs:
        return []
    clean_column = TEST_ACCURACY[
        "heldout" if all(run["heldout_accuracy"].notna().all() for run in runs) else "test_best"
    ]
    clean = accuracy_by_density(runs, clean_column)
    curve = accuracy_by_density(runs, measure) if measure else clean
    if not len(curve.x):
        return []
    draw_curve(axes, curve, number, PERCENT)
    best = best_sparse(clean)
    if best is not None and clean.iterations[best] in curve.iterations:
        _mark(axes, curve, int(np.flatnonzero(curve.iterations == clean.iterations[best])[0]), number, "*", 15)
    lowest_is_best = measure == "ece"
    top = best_sparse(_negated(curve) if lowest_is_best else curve)
    if measure and top is not None:
        _mark(axes, curve, top, number, "^", 9)
    if top is None:
        return [f"{label}: {100 * curve.mean[0]:.1f} dense"]
    shown = f"{100 * curve.mean[top]:.1f} at density {100 * curve.x[top]:.2f} %"
    dense = f", dense {100 * curve.mean[0]:.1f}" if curve.iterations[0] == 0 else ""
    return [f"{label}: {'lowest' if lowest_is_best else 'highest'} {shown}{dense}"]


def _mark(axes: Axes, curve: Curve, i: int, number: int, shape: str, points: float) -> None:
    look: Any = {"markersize": points, "markeredgecolor": "white", "zorder": 3}
    axes.plot(100 * curve.x[i], 100 * curve.mean[i], shape, color=colour(number), **look)


def _negated(curve: Curve) -> Curve:
    return Curve(curve.iterations, curve.x, -curve.mean, -curve.high, -curve.low, curve.runs)


def _at_star(
    results: Results, networks: pd.DataFrame, model: str, place: Place, stars: dict[tuple[str, Place], str]
) -> list[pd.DataFrame]:
    rows = at(networks, place_axes(results.study), place)
    if results.study.best_of is not None:
        rows = rows[rows[results.study.best_of] == stars.get((model, place))]
    return run_tables(rows)


def _draw_controls(
    axes: Axes, results: Results, place: Place, number: int, stars: dict[tuple[str, Place], str]
) -> None:
    networks = named(results.networks, results.study)
    matched = _at_star(results, networks[networks["arm"] == "matched"], "matched", place, stars)
    if matched:
        curve = accuracy_by_epochs(matched, "test_accuracy_last")
        axes.plot(curve.x, 100 * curve.mean, "--", color=colour(number), lw=1.2)
    equal = at(decided(results), ["model", *place_axes(results.study)], ["equal", *place])
    if len(equal):
        found = in_percent(interval(equal, "test_accuracy_last"))
        axes.plot(equal["epochs"].mean(), found.mean, "D", color=colour(number), markerfacecolor="white", markersize=7)


def _fit_in_words(results: Results, tables: dict[Place, list[pd.DataFrame]]) -> str:
    texts = []
    for place, runs in tables.items():
        loss = fit_by_density(runs).train_loss
        sparsest = f"{loss.mean[-1]:.2f} at density {100 * loss.x[-1]:.2f} %"
        texts.append(f"{place_title(results.study, place)}: training loss {loss.mean[0]:.2f} dense, {sparsest}")
    return "; ".join(texts)
