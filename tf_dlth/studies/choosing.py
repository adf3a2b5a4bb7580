"""Which trained network stands for a class of models at a setting: its dense one, or its ticket, under a rule."""

from __future__ import annotations

import math
from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd

from tf_dlth.analysis.significance import Pair
from tf_dlth.config.study import StudyConfig
from tf_dlth.lottery.selection import COLUMNS, PAPER_LAST_ITERATION, Rule

DENSE_ARMS = ("ticket", "dense")
"""Whose iteration 0 is the plain dense network: the search's, or where there is no search a training of its own."""

Setting = tuple[tuple[str, str], ...]
"""The axes, without ``best_of``, and their values as text."""
Row = Mapping[str, Any]


@dataclass(frozen=True)
class Network:
    """A class of models: of the runs of ``arm`` iteration 0, or the ``best`` of the iterations after it.

    ``parent`` is iteration 0 where the best ones stand: with the augmentation that suits them, not itself.
    """

    arm: str
    best: bool = False
    parent: bool = False

    def __str__(self) -> str:
        return f"{'the ticket of ' if self.best else ''}arm {self.arm}"


@dataclass(frozen=True)
class Run:
    """The rows of one run of networks.csv, and where it stands; ``star`` is its value of ``best_of``."""

    setting: Setting
    star: str
    pair: Pair
    mask_seed: int
    rows: tuple[Row, ...]


@dataclass(frozen=True)
class Chosen:
    """The network that stands for a class of models in a pair at a setting."""

    setting: Setting
    star: str
    pair: Pair
    mask_seed: int
    row: Row


def runs_by_arm(study: StudyConfig, networks: pd.DataFrame) -> dict[str, list[Run]]:
    """The rows of networks.csv as runs, in the order of the file."""
    axes = [axis for axis in study.axes if axis != study.best_of]
    columns = {name: networks[name].tolist() for name in networks.columns}
    texts = [[(axis, as_text(value)) for value in columns[axis]] for axis in axes]
    stars = list(map(as_text, columns[study.best_of])) if study.best_of else [""] * len(networks)
    places = zip(columns["arm"], zip(*texts, strict=True) if axes else [()] * len(networks), stars,
                 columns["seed"], columns["subset_seed"], columns["mask_seed"], strict=True)  # fmt: skip
    rows = [dict(zip(columns, values, strict=True)) for values in zip(*columns.values(), strict=True)]
    grouped: defaultdict[tuple[Any, ...], list[Row]] = defaultdict(list)
    for place, row in zip(places, rows, strict=True):
        grouped[place].append(row)
    runs: defaultdict[str, list[Run]] = defaultdict(list)
    for (arm, setting, star, seed, subset_seed, mask_seed), members in grouped.items():
        runs[arm].append(Run(setting, star, (seed, subset_seed), mask_seed, tuple(members)))
    return dict(runs)


def choose(runs: Mapping[str, Sequence[Run]], network: Network, rule: Rule) -> list[Chosen]:
    """One network a run that has what ``rule`` looks at, at the value of ``best_of`` that its class does best with."""
    if network.best or network.parent or network.arm != DENSE_ARMS[0]:
        return _at_their_best(runs.get(network.arm, ()), network, rule)
    search, alone = (_at_their_best(runs.get(arm, ()), network, rule) for arm in DENSE_ARMS)
    settings = {chosen.setting for chosen in search}
    return search + [chosen for chosen in alone if chosen.setting not in settings]


def best_star(chosen: Iterable[Chosen], rule: Rule = "heldout") -> dict[Setting, str]:
    """By setting the value of ``best_of`` with the highest mean of what ``rule`` looks at; of equal ones the first."""
    scores: defaultdict[Setting, defaultdict[str, list[float]]] = defaultdict(lambda: defaultdict(list))
    for one in chosen:
        scores[one.setting][one.star].append(one.row[COLUMNS[rule]])
    return {setting: max(stars, key=lambda star: float(np.mean(stars[star]))) for setting, stars in scores.items()}


def _at_their_best(runs: Sequence[Run], network: Network, rule: Rule) -> list[Chosen]:
    """Held-out images, where there are any, decide on ``best_of`` under every rule; the paper used the test set."""
    decides = network.best or network.parent
    chosen = _of_each(runs, network.best, rule)
    if len({(one.setting, one.star) for one in chosen}) == len({one.setting for one in chosen}):
        return chosen
    stars = best_star(_of_each(runs, decides, rule), rule) | best_star(_of_each(runs, decides, "heldout"))
    return [one for one in chosen if one.star == stars.get(one.setting)]


def _of_each(runs: Iterable[Run], best: bool, rule: Rule) -> list[Chosen]:
    found = []
    for run in runs:
        row = _network(run.rows, best, COLUMNS[rule])
        if row is not None:
            found.append(Chosen(run.setting, run.star, run.pair, run.mask_seed, row))
    return found


def _network(rows: Sequence[Row], best: bool, column: str) -> Row | None:
    first, last = (1, PAPER_LAST_ITERATION) if best else (0, 0)
    rows = [row for row in rows if first <= row["iteration"] <= last and number(row.get(column)) is not None]
    return max(rows, key=lambda row: (row[column], -row["iteration"])) if rows else None


def number(value: Any) -> float | None:
    """A cell of a table; None where it is empty or, after a training that diverged, not finite."""
    return float(value) if value not in (None, "") and math.isfinite(value) else None


def as_text(value: Any) -> str:
    """An axis's value: a column that also holds .01 has read 1 as 1.0."""
    return f"{value:.15g}" if isinstance(value, float) else str(value)
