"""The classes of models that a study compares, one row a run: dense networks, tickets, and each other arm.

A search gives two, its dense network (iteration 0) and its ticket, the best of the pruned iterations under a rule.
Iterations without pruning are the dense control that is chosen as often; every other training stands for itself.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping, Sequence
from functools import lru_cache
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd

from tf_dlth.analysis.significance import Interval, t_interval
from tf_dlth.config.study import StudyConfig
from tf_dlth.lottery.selection import COLUMNS, PAPER_LAST_ITERATION, TEST_ACCURACY, Rule

if TYPE_CHECKING:
    from tf_dlth.studies.results import Results

RULES: tuple[Rule, ...] = ("heldout", "test_best", "last")
DENSE, TICKET = "dense", "ticket"
REGRESSION = "regression"
"""Column of networks.csv: what the networks have to beat."""
PAIR = ["seed", "subset_seed"]
Place = tuple[str, ...]
"""The values of all axes but ``best_of``, by name and in order."""


def place_axes(study: StudyConfig) -> list[str]:
    """All axes but ``best_of``."""
    return [axis for axis in study.axes if axis != study.best_of]


def names(study: StudyConfig, axis: str) -> list[str]:
    """An axis's values as text, in order."""
    return [str(value) for value in study.axes[axis]]


def places(study: StudyConfig) -> list[Place]:
    """Every combination of the values of the axes but ``best_of``, in order."""
    axes = place_axes(study)
    return list(dict.fromkeys(tuple(str(setting[axis]) for axis in axes) for setting in study.settings()))


def named(frame: pd.DataFrame, study: StudyConfig) -> pd.DataFrame:
    """A copy whose axes hold names: a file's 1.0 is the study's 1, an empty cell its null."""
    copy = frame.copy()
    for axis in study.axes:
        known = names(study, axis)
        copy[axis] = pd.Series([_name(value, known) for value in frame[axis]], index=frame.index, dtype=object)
    return copy


def search_arm(study: StudyConfig, networks: pd.DataFrame) -> str:
    """The arm whose tickets the study is about: ``ticket``, or the first that prunes; both are called ticket."""
    pruned = networks.loc[(networks.iteration > 0) & (networks.density < 1), "arm"]
    return next((arm for arm in (TICKET, *study.arms) if arm in set(pruned)), TICKET)


def models(results: Results, rule: Rule) -> pd.DataFrame:
    """One row a run and class of models: networks.csv with ``model``, ``rule``, ``accuracy`` and ``score``.

    A search's dense network is ``dense``, that of another arm ``ARM, dense``. Runs to which the rule does not apply,
    since no images were held out, are left out.
    """
    networks = named(results.networks, results.study)
    found = networks.assign(
        model=networks["arm"], rule=rule, score=networks[COLUMNS[rule]].astype(float),
        accuracy=networks[TEST_ACCURACY[rule]].astype(float),
        cell=networks.groupby(["arm", *results.study.axes, *PAIR, "mask_seed"], sort=False, dropna=False).ngroup(),
    )  # fmt: skip
    found = found[found.groupby("cell")["score"].transform("count") == found.groupby("cell")["score"].transform("size")]
    return _classes(found, search_arm(results.study, networks)).drop(columns="cell").reset_index(drop=True)


@lru_cache(maxsize=4)
def decided(results: Results) -> pd.DataFrame:
    """:func:`models` under ``heldout``, and under ``test_best`` for runs without held-out images; ``rule`` tells."""
    honest, optimistic = models(results, "heldout"), models(results, "test_best")
    found = pd.concat([honest, optimistic[~optimistic["run"].isin(set(honest["run"]))]])
    return found.reset_index(drop=True)  # the same to all who ask: never changed in place


@lru_cache(maxsize=4)
def stars(results: Results) -> dict[tuple[str, Place], str]:
    """(model, place) -> the value of ``best_of`` that did best, by the mean over pairs on held-out images.

    Of equal values the first. Where nothing is held out it is the paper's fixed choice, or without one the best on the
    test set.
    """
    study = results.study
    if study.best_of is None:
        return {}
    found: dict[tuple[str, Place], str] = {}
    for (model, place), rows in grouped(decided(results), study):
        fixed = fixed_value(study, place)
        if fixed in set(rows[study.best_of]) and not is_honest(rows):
            found[model, place] = str(fixed)
            continue
        scores = {v: by_pair(rows[rows[study.best_of] == v], "score").mean() for v in names(study, study.best_of)}
        found[model, place] = max(scores, key=lambda v: -math.inf if np.isnan(scores[v]) else scores[v])
    return found


def is_honest(rows: pd.DataFrame) -> bool:
    """Whether none of them was chosen on the test set."""
    return set(rows["rule"]) <= {"heldout"}


def starred(frame: pd.DataFrame, study: StudyConfig, chosen: Mapping[tuple[str, Place], str]) -> pd.DataFrame:
    """The rows of :func:`models` at each class's best value of ``best_of``; all of them without such an axis."""
    if study.best_of is None or frame.empty:
        return frame
    axes = place_axes(study)
    best = [chosen.get((row["model"], tuple(row[axis] for axis in axes))) for row in frame.to_dict("records")]
    return frame[frame[study.best_of] == pd.Series(best, index=frame.index, dtype=object)]


def grouped(frame: pd.DataFrame, study: StudyConfig) -> Iterable[tuple[tuple[str, Place], pd.DataFrame]]:
    """((model, place), its rows), in the order of the frame."""
    axes = place_axes(study)
    for key, rows in frame.groupby(["model", *axes], sort=False):
        whole = key if isinstance(key, tuple) else (key,)
        yield (str(whole[0]), tuple(map(str, whole[1:]))), rows


def at(frame: pd.DataFrame, axes: Sequence[str], values: Sequence[str]) -> pd.DataFrame:
    """The rows where each of ``axes`` has its value."""
    for axis, value in zip(axes, values, strict=True):
        frame = frame[frame[axis] == value]
    return frame


def by_pair(frame: pd.DataFrame, column: str) -> pd.Series:
    """One number a (seed, subset_seed) pair, the mean over mask seeds; pairs without a value are left out."""
    return frame.groupby(PAIR)[column].mean().dropna().astype(float)


def interval(frame: pd.DataFrame, column: str = "accuracy") -> Interval:
    """Mean over pairs within Student's 95 % interval."""
    return t_interval(by_pair(frame, column).to_numpy())


def difference(higher: pd.DataFrame, lower: pd.DataFrame, column: str = "accuracy") -> Interval:
    """Of the pairs that both have: the mean difference within its 95 % interval."""
    return t_interval((by_pair(higher, column) - by_pair(lower, column)).dropna().to_numpy(float))


def fixed_value(study: StudyConfig, place: Place) -> str | None:
    """The paper's own choice of ``best_of`` at a place."""
    fixed = {str(value): str(choice) for value, choice in study.fixed.items()}
    return next((fixed[value] for value in place if value in fixed), None)


def _name(value: Any, known: Sequence[str]) -> str:
    text = "None" if value is None or (isinstance(value, float) and math.isnan(value)) else str(value)
    if text in known:
        return text
    return next((name for name in known if _number(name) == _number(text) is not None), text)


def _number(text: str) -> float | None:
    try:
        return float(text)
    except ValueError:
        return None


def _classes(found: pd.DataFrame, main: str) -> pd.DataFrame:
    """Of each cell the rows that stand for its classes of models, named so, in the order of the cells."""
    last = found.groupby("cell")["iteration"].transform("max")
    sparsest = found.groupby("cell")["density"].transform("min")
    first = found[(found["iteration"] == 0) & ((last == 0) | (sparsest < 1))]
    searched = first["cell"].isin(set(found.loc[last > 0, "cell"]))
    own_arm = np.where(first["arm"] == main, DENSE, first["arm"] + f", {DENSE}")
    first = first.assign(model=np.where(searched, own_arm, first["arm"].replace(main, TICKET)))
    later = found[(found["iteration"] > 0) & (found["iteration"] <= PAPER_LAST_ITERATION)]
    later = later.assign(model=later["arm"].replace(main, TICKET))
    ranked = later.sort_values(["cell", "score", "iteration"], ascending=[True, False, True], kind="stable")
    return pd.concat([first, ranked.drop_duplicates("cell")]).sort_values(["cell", "iteration"], kind="stable")
