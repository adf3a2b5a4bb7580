"""What a study measures on its tickets, and where the numbers are kept: each once, by the ticket's own digest."""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from typing import Any, Literal

from tf_dlth.config.study import StudyConfig
from tf_dlth.evaluation.cache import Cache
from tf_dlth.lottery.selection import PAPER_LAST_ITERATION, winners
from tf_dlth.provenance import versions
from tf_dlth.studies.runs import StoredRun
from tf_dlth.tickets.ticket import iteration_name

FOLDER = "measured"
"""Beside the runs of a directory, whose studies share it."""
Kind = Literal["evaluate", "probe", "analyze"]


@dataclass(frozen=True)
class Asked:
    """What is measured, on all iterations of a run or on its dense network and the chosen ones."""

    evaluate: tuple[str, ...]
    probe: tuple[str, ...]
    analyze: tuple[str, ...]
    all_iterations: bool

    @classmethod
    def by(cls, study: StudyConfig) -> Asked:
        return cls(study.evaluate, study.probe, study.analyze, study.iterations == "all")


@dataclass(frozen=True)
class Measurement:
    """One measure, probe or analysis of one iteration's ticket."""

    kind: Kind
    name: str
    iteration: int


def measurements(run: StoredRun, asked: Asked) -> Iterator[Measurement]:
    """All that is asked of a finished run; ``overlap`` compares runs and is none of them."""
    chosen = measured_iterations(run, asked)
    for iteration in chosen:
        yield from (Measurement("evaluate", name, iteration) for name in asked.evaluate)
        yield from (Measurement("probe", name, iteration) for name in asked.probe)
    sparse = [k for k in chosen if k > 0 and run.rows[k].density < 1]
    paper = {PAPER_LAST_ITERATION} & {row.iteration for row in run.rows if row.density < 1}
    places: Mapping[str, Sequence[int]] = {
        "density": sorted({*sparse, *paper, *(k for k in chosen if run.rows[k].density < 1)}),
        "cka": chosen,
        "branch-norms": chosen,
        "weight-norms": sparse,
        "overlap": [],
    }
    for name in asked.analyze:
        yield from (Measurement("analyze", name, iteration) for iteration in places[name])


def measured_iterations(run: StoredRun, asked: Asked) -> list[int]:
    """The dense network and what any rule chose, or all."""
    if asked.all_iterations:
        return [row.iteration for row in run.rows]
    return sorted({0, run.facts.best_sparse or 0, *winners(run.rows, PAPER_LAST_ITERATION).values()})


class Records:
    """The numbers that are known of tickets, in a folder that several processes may write to."""

    def __init__(self, directory: Path) -> None:
        self._cache = Cache(directory / FOLDER)

    def get(self, run: StoredRun, asked: Measurement) -> Any:
        """A number, or [quantity, layer, value] lines of an analysis; None where it was not measured yet."""
        return self._result(self._key(run, asked))

    def put(self, run: StoredRun, asked: Measurement, result: Any) -> None:
        """Keeps JSON values; what is no number there becomes null."""
        self._cache.put(self._key(run, asked), {"result": _numbers(result)})

    def missing(self, run: StoredRun, asked: Asked) -> list[Measurement]:
        """What is left to be measured on a finished run."""
        return [wanted for wanted in measurements(run, asked) if self.get(run, wanted) is None]

    def get_pair(self, name: str, first: StoredRun, second: StoredRun) -> Any:
        """Of an analysis that compares the tickets of two runs."""
        return self._result(_pair_key(name, first, second))

    def put_pair(self, name: str, first: StoredRun, second: StoredRun, result: Any) -> None:
        self._cache.put(_pair_key(name, first, second), {"result": _numbers(result)})

    def _result(self, key: Mapping[str, Any]) -> Any:
        known = self._cache.get(key)
        return None if known is None else known["result"]

    @staticmethod
    def _key(run: StoredRun, asked: Measurement) -> dict[str, Any]:
        return {
            "ticket": run.facts.manifests[iteration_name(asked.iteration)],
            "kind": asked.kind,
            "name": asked.name,
            "settings": _settings(run, asked.kind),
            "versions": _versions(),
        }


def _settings(run: StoredRun, kind: Kind) -> dict[str, Any]:
    """Of the configuration, what decides a probe beside the ticket; others have settings of their own."""
    return {"seed": run.facts.seed, **run.config.probe.model_dump(mode="json")} if kind == "probe" else {}


def _pair_key(name: str, first: StoredRun, second: StoredRun) -> dict[str, Any]:
    tickets = [run.facts.manifests[run.ticket.name] for run in (first, second)]
    return {"tickets": tickets, "kind": "analyze", "name": name, "versions": _versions()}


@lru_cache(maxsize=1)
def _versions() -> dict[str, str]:
    return versions()


def _numbers(tree: Any) -> Any:
    if isinstance(tree, list | tuple):
        return [_numbers(value) for value in tree]
    return None if isinstance(tree, float) and not math.isfinite(tree) else tree
