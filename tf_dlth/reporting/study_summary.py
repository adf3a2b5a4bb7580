"""Every number that a study's tables show, as records: one a setting, class of models and rule, in fractions."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

import pandas as pd

from tf_dlth.config.study import STARRED, StudyConfig
from tf_dlth.lottery.selection import Rule
from tf_dlth.reporting import study_models
from tf_dlth.reporting.paper import published
from tf_dlth.reporting.study_models import RULES, Place, fixed_value, interval, place_axes

if TYPE_CHECKING:
    from tf_dlth.studies.results import Results

RULE_OF_PAPER: Rule = "test_best"
"""Published numbers are compared under this one alone."""


def summary(results: Results) -> list[dict[str, Any]]:
    """Mean, 95 % limits and pairs; ``star`` marks the best value of ``best_of``, chosen on held-out images."""
    study, chosen = results.study, study_models.stars(results)
    records = []
    for rule in RULES:
        found = study_models.models(results, rule)
        for values, rows in found.groupby([*study.axes, "model"], sort=False):
            *setting, model = map(str, values if isinstance(values, tuple) else (values,))
            at = dict(zip(study.axes, setting, strict=True))
            place = tuple(at[axis] for axis in place_axes(study))
            star = study.best_of is None or chosen.get((model, place)) == at[study.best_of]
            records.append({**at, "model": model, "rule": rule, "star": star, **_numbers(rows, rule)}
                           | _beside(study, at, model, rule, interval(rows).mean))  # fmt: skip
    return records


def paper_number(study: StudyConfig, values: Sequence[str], quantity: str) -> float | None:
    """The published number at a setting, or with fewer values at a place; None for a study of another scale.

    ``quantity`` is a class of models, for its accuracy, or ``model/measure``.
    """
    path = study.published.get(", ".join(values) or STARRED, {}).get(quantity)
    return None if path is None or study.scale else published(path)


def paper_number_of(study: StudyConfig, setting: Mapping[str, str], quantity: str) -> float | None:
    """The number at the setting itself, or at its place where the setting has the paper's choice of ``best_of``."""
    place: Place = tuple(setting[axis] for axis in place_axes(study))
    found = paper_number(study, tuple(setting[axis] for axis in study.axes), quantity)
    if found is None and study.best_of is not None and setting[study.best_of] == fixed_value(study, place):
        found = paper_number(study, place, quantity)
    return found


def labels(rows: pd.DataFrame, rule: str) -> int:
    """Labelled images besides the test set that a rule used."""
    held_out = rows["labels_heldout"].max() if rule == "heldout" else 0
    return int(rows["labels_train"].max() + held_out)


def _numbers(rows: pd.DataFrame, rule: str) -> dict[str, Any]:
    found = interval(rows)
    return {
        "pairs": found.n,
        "mean": found.mean,
        "low": found.low,
        "high": found.high,
        "density": float(rows["density"].mean()),
        "iterations": " ".join(map(str, sorted(set(rows["iteration"])))),
        "labels": labels(rows, rule),
        "test_labels_used": rule != "heldout",
        "evaluate_every": int(rows["evaluate_every"].max()),
    }


def _beside(study: StudyConfig, at: Mapping[str, str], model: str, rule: str, mean: float) -> dict[str, Any]:
    number = paper_number_of(study, at, model) if rule == RULE_OF_PAPER else None
    return {"published": number, "ours_less_published": None if number is None else mean - number}
