"""The tables of runs, and which runs are repetitions of one another."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from tf_dlth.config import Config
from tf_dlth.config.keys import flat
from tf_dlth.errors import UserError
from tf_dlth.evaluation.analyses.opening import labelled
from tf_dlth.lottery.rows import ITERATIONS, Row, read_rows
from tf_dlth.lottery.selection import Rule, rules
from tf_dlth.runs.facts import read_facts
from tf_dlth.runs.folder import stored_config

SEEDS = ("seed", "data.subset_seed", "pruning.mask_seed")
DERIVED = "data.normalisation"
"""May be computed from the training images, which the seeds choose."""


@dataclass(frozen=True, eq=False)
class RunTable:
    """A run's folder, what it was asked for, and its iterations so far."""

    path: Path
    config: Config
    rows: list[Row]

    @property
    def mappings(self) -> list[dict[str, Any]]:
        return [asdict(row) for row in self.rows]


@dataclass(frozen=True, eq=False)
class Arm:
    """Runs that differ in their seeds alone, and what the legend calls them."""

    label: str
    runs: list[RunTable]

    @property
    def tables(self) -> list[list[dict[str, Any]]]:
        return [run.mappings for run in self.runs]

    @property
    def rules(self) -> tuple[Rule, ...]:
        """The rules of choosing that all of its runs can apply."""
        return rules(self.runs[0].rows)

    @property
    def every(self) -> int:
        """Epochs between evaluations."""
        return self.runs[0].config.training.evaluate_every


def open_arms(paths: Sequence[str]) -> list[Arm]:
    """Runs by their settings, in the order given; raises UserError for what is no run, and for a seed run twice."""
    labels = labelled([Path(path) for path in paths], parts=1)
    runs = [_open(Path(path)) for path in paths]
    arms: defaultdict[tuple[Any, ...], list[tuple[RunTable, str]]] = defaultdict(list)
    for run, label in zip(runs, labels, strict=True):
        arms[tuple(sorted((key, str(value)) for key, value in settings(run.config).items()))].append((run, label))
    differing = _differing([settings(members[0][0].config) for members in arms.values()])
    return [_arm(members, differing) for members in arms.values()]


def settings(config: Config) -> dict[str, Any]:
    """What identifies an arm: the run's identity by dotted keys, less its seeds."""
    identity = flat(config.identity("train"))
    return {key: value for key, value in identity.items() if key not in SEEDS and not key.startswith(DERIVED)}


def _open(path: Path) -> RunTable:
    if (facts := read_facts(path)) is None or not (path / ITERATIONS).is_file():
        raise UserError(f"{path} holds no {ITERATIONS}; name the folder of a run that has finished an iteration")
    rows = read_rows(path, facts)
    if not rows:
        raise UserError(f"{path / ITERATIONS} has no rows yet; wait until the run has finished an iteration")
    return RunTable(path, stored_config(path, facts), rows)


def _arm(members: Sequence[tuple[RunTable, str]], differing: Sequence[str]) -> Arm:
    runs = [run for run, _ in members]
    seeds: dict[tuple[int, ...], RunTable] = {}
    for run in runs:
        config = run.config
        key = (config.seed, config.data.subset_seed, config.pruning.mask_seed)
        if (twin := seeds.setdefault(key, run)) is not run:
            raise UserError(f"{twin.path} and {run.path} are one run twice, with the same settings and seeds; name one")
    if len(members) == 1:
        return Arm(members[0][1], runs)
    own = settings(runs[0].config)
    said = ", ".join(f"{key.rpartition('.')[2]} {own.get(key)}" for key in differing)
    return Arm(f"{said} ({len(runs)} runs)" if said else f"{len(runs)} runs", runs)


def _differing(arms: Sequence[dict[str, Any]]) -> list[str]:
    keys = sorted({key for arm in arms for key in arm})
    return [key for key in keys if len({str(arm.get(key)) for arm in arms}) > 1]
