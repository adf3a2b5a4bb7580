"""The tables of a study: cells as they are shown, and the numbers behind them."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping, Sequence
from typing import TYPE_CHECKING

import pandas as pd

from tf_dlth.config.study import StudyConfig
from tf_dlth.reporting import study_models, study_summary
from tf_dlth.reporting.page.content import Table
from tf_dlth.reporting.rules import shown
from tf_dlth.reporting.study_models import DENSE, RULES, TICKET, Place, at, decided, interval, models
from tf_dlth.reporting.study_text import (
    ABSENT,
    MEASURES,
    NOT_RUN,
    NOTHING,
    axis_title,
    cell,
    gain,
    model_title,
    percent,
    value_title,
)  # fmt: skip

if TYPE_CHECKING:
    from tf_dlth.studies.results import Results

Setting = tuple[str, ...]
"""The names of all axes' values, in order."""
DAGGER = "†"
NOTHING_ABSENT: frozenset[Setting] = frozenset()


def main(results: Results, absent: Collection[Setting] = NOTHING_ABSENT) -> Table:
    """One row a setting: dense, ticket, the control that is chosen as often, and the paper's numbers where it has any.

    ``absent`` are settings whose data this machine does not have.
    """
    study = results.study
    found, paper_way = decided(results), models(results, study_summary.RULE_OF_PAPER)
    control = "matched" in set(found["model"])
    compared = [model for model in (DENSE, TICKET) if _has_published(study, model)]
    rows = []
    for setting in _settings(study):
        own, theirs = (at(frame, list(study.axes), setting) for frame in (found, paper_way))
        cells = _compared(own, NOT_RUN if setting not in absent else ABSENT, control)
        rows.append([*values(study, setting), *cells, *_beside_paper(study, setting, theirs, compared)])
    headers = [*_headers(study.axes), "dense %", "ticket %", "ticket - dense"]
    headers += ["ticket - dense chosen as often"] if control else []
    headers += ["density of the ticket %"]
    for model in compared:
        headers += [f"paper: {model} %", f"{model}: ours - paper"]
    caption = f"{_how(found)} {_CELL}{_BESIDE if compared else ''}{_scale(study)}"
    return Table("main", caption, headers, rows, study_summary.summary(results))


def best_of(results: Results) -> Table | None:
    """Aug*: dense and ticket each at the value that did best on held-out images, the paper's fixed choice beside it."""
    study = results.study
    if study.best_of is None:
        return None
    found, stars = decided(results), study_models.stars(results)
    compared = [model for model in (DENSE, TICKET) if any(
        study_summary.paper_number(study, place, model) is not None for place in study_models.places(study)
    )]  # fmt: skip
    rows = []
    for place in study_models.places(study):
        best = study_models.starred(at(found, study_models.place_axes(study), place), study, stars)
        dense, ticket = (best[best["model"] == model] for model in (DENSE, TICKET))
        fixed = study_models.fixed_value(study, place)
        cells = [_with_choice(own, stars.get((model, place)))
                 for model, own in ((DENSE, dense), (TICKET, ticket))]  # fmt: skip
        cells.append(gain(study_models.difference(ticket, dense)))
        cells += [_fixed(found, study, place, model, fixed) for model in (DENSE, TICKET)]
        cells += [percent(study_summary.paper_number(study, place, model)) for model in compared]
        rows.append([*_place_values(study, place), *cells])
    title = axis_title(study.best_of)
    headers = [*_headers(study_models.place_axes(study)), f"dense, best {title} %", f"ticket, best {title} %",
               "ticket - dense", "dense, the paper's choice %", "ticket, the paper's choice %",
               *(f"paper: {model} %" for model in compared)]  # fmt: skip
    caption = (
        f"The best {title} for each class of models; dense and ticket may differ in it. {_how(found)} "
        f"{_CELL}{_scale(study)}"
    )
    return Table("best", caption, headers, rows)


def arms(results: Results) -> Table | None:
    """Every other arm beside the ticket, at each class's best value of ``best_of``; None where there is no other."""
    study = results.study
    found = study_models.starred(decided(results), study, study_models.stars(results))
    rows = []
    for place in study_models.places(study):
        here = at(found, study_models.place_axes(study), place)
        ticket = here[here["model"] == TICKET]
        for model in _in_order(study, set(here["model"]) - {TICKET}):
            own = here[here["model"] == model]
            rows.append([*_place_values(study, place), model_title(model), *_augmented(study, own), _accuracy(own),
                         gain(study_models.difference(ticket, own)), percent(own["density"].mean()),
                         percent(study_summary.paper_number(study, place, model))])  # fmt: skip
    if not set(found["model"]) - {TICKET, DENSE}:
        return None
    headers = [*_headers(study_models.place_axes(study)), "against", *_augment_header(study), "accuracy %",
               "ticket - this", "density %", "paper %"]  # fmt: skip
    if all(row[-1] == NOTHING for row in rows):
        headers, rows = headers[:-1], [row[:-1] for row in rows]
    caption = (
        f"What the ticket was set against. {_how(found)} Mask seeds are averaged inside a pair. {_CELL}{_scale(study)}"
    )
    return Table("arms", caption, headers, rows)


def rules(results: Results) -> Table:
    """The three ways to choose side by side, and the labelled images that each looked at."""
    study = results.study
    by_rule = {rule: models(results, rule) for rule in RULES}
    every = results.networks["evaluate_every"].dropna()
    period = int(every.max()) if len(every) else 1
    rows = []
    for setting in _settings(study):
        here = {rule: at(frame, list(study.axes), setting) for rule, frame in by_rule.items()}
        present = {model for frame in here.values() for model in frame["model"]} & {DENSE, TICKET, "matched"}
        for model in _in_order(study, present):
            own = {rule: frame[frame["model"] == model] for rule, frame in here.items()}
            any_rows = own["last"]
            rows.append([*values(study, setting), model_title(model),
                         *(cell(interval(frame), missing=NOTHING) for frame in own.values()),
                         f"{study_summary.labels(any_rows, 'heldout'):,}" if len(own["heldout"]) else NOTHING,
                         f"{study_summary.labels(any_rows, 'last'):,} and the test set"])  # fmt: skip
    headers = [*_headers(study.axes), "model", "heldout %", f"{shown('test_best', period)} %", "last %",
               "labels of heldout", "labels of the other two"]  # fmt: skip
    caption = (
        "Three ways to choose epoch and iteration. heldout: on images that are neither trained nor tested on; "
        f"{shown('test_best', period)}: both on the test set{', as the paper did' if period == 1 else ''}; last: the "
        f"last epoch, but its iteration on the test set. Only heldout decides. {_CELL}{_scale(study)}"
    )
    return Table("rules", caption, headers, rows)


def measures(results: Results) -> Table | None:
    """Calibration, attacks, corruptions and probes of the chosen networks; None where nothing was measured."""
    study, networks = results.study, results.networks
    known = [c for c in map(str, networks.columns) if c in MEASURES or c.startswith("probe_")]
    columns = [column for column in known if networks[column].notna().any()]
    if not columns:
        return None
    found, stars = decided(results), study_models.stars(results)
    shown_at = [column for column in columns if _is_published(study, column)]
    rows = []
    for setting in _settings(study):
        here = at(found, list(study.axes), setting)
        for model in _in_order(study, set(here["model"])):
            own = here[here["model"] == model]
            if own[columns].notna().any(axis=None):
                named = dict(zip(study.axes, setting, strict=True))
                star = stars.get((model, _place(study, named))) == named.get(study.best_of or "")
                cells = [cell(interval(own, column), missing=NOTHING) for column in columns]
                cells += [_published(study, named, star, f"{model}/{column}") for column in shown_at]
                rows.append([*values(study, setting), f"{model_title(model)}{' *' if star else ''}", *cells])
    headers = [*_headers(study.axes), "model", *map(_measure, columns), *(f"paper: {_measure(c)}" for c in shown_at)]
    caption = (
        "Measured on the networks that were chosen on clean images, as mean ± 95 % interval (pairs of seeds)."
        f"{f' *: the best {axis_title(study.best_of)} of its class.' if study.best_of else ''}{_scale(study)}"
    )
    return Table("measures", caption, headers, rows)


_CELL = "Test accuracy as mean ± 95 % interval (pairs of seeds)."
_BESIDE = " The paper has one run a cell, chosen on the test set: ours - paper is in points, our mean chosen likewise."


def _how(found: pd.DataFrame) -> str:
    chosen = "Epoch, iteration and augmentation were chosen on held-out images."
    if study_models.is_honest(found):
        return chosen
    if "heldout" in set(found["rule"]):
        return f"{chosen} {DAGGER}: on the test set, since none are held out there; that is optimistic."
    return f"{DAGGER}: no images are held out, so all was chosen on the test set, which is optimistic."


def _scale(study: StudyConfig) -> str:
    return f" Scale: {study.scale}." if study.scale else ""


def _settings(study: StudyConfig) -> list[Setting]:
    return [tuple(str(setting[axis]) for axis in study.axes) for setting in study.settings()]


def _headers(axes: Iterable[str]) -> list[str]:
    return [axis_title(axis) for axis in axes] or ["setting"]


def values(study: StudyConfig, setting: Setting) -> list[str]:
    """The first cells of a row; a study without axes has one setting."""
    return [value_title(axis, value) for axis, value in zip(study.axes, setting, strict=True)] or ["all"]


def _place_values(study: StudyConfig, place: Place) -> list[str]:
    axes = study_models.place_axes(study)
    return [value_title(axis, value) for axis, value in zip(axes, place, strict=True)] or ["all"]


def _compared(own: pd.DataFrame, missing: str, control: bool) -> list[str]:
    """Dense, ticket and their difference, the control and the difference to it, the ticket's density."""
    dense, ticket, matched = (own[own["model"] == model] for model in (DENSE, TICKET, "matched"))
    cells = [_accuracy(dense, missing), _accuracy(ticket, missing)]
    cells.append(gain(study_models.difference(ticket, dense)))
    if control:
        cells.append(gain(study_models.difference(ticket, matched)))
    return [*cells, percent(ticket["density"].mean())]


def _beside_paper(study: StudyConfig, setting: Setting, theirs: pd.DataFrame, compared: Sequence[str]) -> list[str]:
    """Of each model the published number, and ours under the paper's rule less that."""
    cells = []
    for model in compared:
        ours = interval(theirs[theirs["model"] == model])
        number = study_summary.paper_number_of(study, dict(zip(study.axes, setting, strict=True)), model)
        difference = NOTHING if number is None or not ours.n else f"{100 * (ours.mean - number):+.1f}"
        cells += [percent(number), difference]
    return cells


def _has_published(study: StudyConfig, model: str) -> bool:
    named = [dict(zip(study.axes, setting, strict=True)) for setting in _settings(study)]
    return any(study_summary.paper_number_of(study, setting, model) is not None for setting in named)


def _is_published(study: StudyConfig, column: str) -> bool:
    """Whether the paper has the measure of any model."""
    keys = {key.partition("/")[2] for quantities in study.published.values() for key in quantities}
    return column in keys and not study.scale


def _published(study: StudyConfig, setting: Mapping[str, str], star: bool, quantity: str) -> str:
    """At the setting, or for the best of its class at the place."""
    number = study_summary.paper_number(study, tuple(setting.values()), quantity)
    if number is None and star:
        number = study_summary.paper_number(study, _place(study, setting), quantity)
    return percent(number)


def _place(study: StudyConfig, setting: Mapping[str, str]) -> Place:
    return tuple(setting[axis] for axis in study_models.place_axes(study))


def _fixed(found: pd.DataFrame, study: StudyConfig, place: Place, model: str, fixed: str | None) -> str:
    """At the paper's own choice of ``best_of``."""
    if study.best_of is None or fixed is None:
        return NOTHING
    rows = at(found, ["model", study.best_of, *study_models.place_axes(study)], [model, fixed, *place])
    return _with_choice(rows, fixed)


def _with_choice(rows: pd.DataFrame, choice: str | None) -> str:
    return NOT_RUN if rows.empty else f"{_accuracy(rows)} {choice}"


def _accuracy(rows: pd.DataFrame, missing: str = NOT_RUN) -> str:
    """A cell with a dagger where the test set chose."""
    return cell(interval(rows), missing=missing) + ("" if study_models.is_honest(rows) else f" {DAGGER}")


def _in_order(study: StudyConfig, present: Collection[str]) -> list[str]:
    """Dense first, then the arms as the study names them, their own dense networks after them."""
    order = [DENSE, *(name for arm in study.arms for name in (arm, f"{arm}, {DENSE}"))]
    return [model for model in order if model in present]


def _augmented(study: StudyConfig, rows: pd.DataFrame) -> list[str]:
    """The value of ``best_of`` that the rows have."""
    return [", ".join(dict.fromkeys(rows[study.best_of])) or NOTHING] if study.best_of else []


def _augment_header(study: StudyConfig) -> list[str]:
    return [axis_title(study.best_of)] if study.best_of else []


def _measure(column: str) -> str:
    return MEASURES.get(column, f"linear probe on {column.removeprefix('probe_')} (%)")
