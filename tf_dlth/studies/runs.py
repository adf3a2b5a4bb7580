"""The runs of a directory as a study sees them: what each was asked for, and what came of it."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

from tf_dlth.config import Config
from tf_dlth.config.keys import flat
from tf_dlth.config.schema import BASELINES
from tf_dlth.errors import UserError
from tf_dlth.lottery import selection
from tf_dlth.lottery.rows import Row, read_rows
from tf_dlth.runs import regressions
from tf_dlth.runs.facts import RUN, Facts, read_facts
from tf_dlth.runs.folder import stored_config
from tf_dlth.tickets.manifest import MANIFEST
from tf_dlth.tickets.ticket import iteration_name


@dataclass(frozen=True)
class StoredRun:
    """A run's folder with its run.json; the rest is read when it is asked for."""

    path: Path
    facts: Facts

    @property
    def finished(self) -> bool:
        return self.facts.status == "finished"

    @property
    def whole(self) -> bool:
        """Whether all tickets lie there that run.json lists: of a run that is passed on some may be left out."""
        return all((self.path / name / MANIFEST).is_file() for name in self.facts.manifests)

    @cached_property
    def config(self) -> Config:
        """The resolved configuration; raises UserError for a damaged one."""
        return stored_config(self.path, self.facts)

    @cached_property
    def rows(self) -> list[Row]:
        """iterations.csv."""
        return read_rows(self.path, self.facts)

    @cached_property
    def regression(self) -> float | None:
        """Test accuracy of a logistic regression on simple features of the run's images; None of earlier runs."""
        found = regressions.read(self.path, self.facts.files)
        return found.regressions["colour_and_edges"].test_accuracy if found else None

    @property
    def best_row(self) -> Row:
        """Of the best sparse ticket; of a single training its network's."""
        return self.rows[self.facts.best_sparse or 0]

    @property
    def rule(self) -> selection.Rule:
        """By which tickets are compared: held-out images, or what the run itself chooses by where there are none."""
        return "heldout" if "heldout" in selection.rules(self.rows) else self.config.pruning.select_by or "test_best"

    @property
    def ticket(self) -> Path:
        """The folder of the best sparse ticket; of a single training its network's."""
        return self.path / iteration_name(self.best_row.iteration)

    @property
    def ticket_score(self) -> float:
        """What the rule says of the best ticket in the range of the paper's code."""
        best = selection.winner(self.rows, self.rule, selection.PAPER_LAST_ITERATION)
        return selection.score(self.rows[best], self.rule) or 0.0


def stored_run(path: Path) -> StoredRun | None:
    """The search in a folder; None for what is no run, is damaged, or is a pre-training."""
    with suppress(UserError):
        facts = read_facts(path)
        if facts is not None and facts.pretraining is None:
            return StoredRun(path, facts)
    return None


class StoredRuns:
    """The runs that a directory holds, by their seeds."""

    def __init__(self, directory: Path) -> None:
        self._by_seed: defaultdict[int, list[StoredRun]] = defaultdict(list)
        for path in sorted(directory.glob(f"*/{RUN}")):
            if (found := stored_run(path.parent)) is not None and found.whole:
                self.add(found)

    def add(self, run: StoredRun) -> None:
        """A run that has come to the directory since."""
        self._by_seed[run.facts.seed].append(run)

    def alike(self, config: Config) -> Iterator[StoredRun]:
        """Runs that may be the configuration's: their digests, and those of its resolved form, tell for certain."""
        for run in self._by_seed[config.seed]:
            with suppress(UserError):
                if agree(config, run.config):
                    yield run


def agree(given: Config, resolved: Config) -> bool:
    """Whether every value that ``given`` states stands in ``resolved`` too."""
    stated, stored = flat(given.identity("train")), flat(resolved.identity("train"))
    decided_later = {key for key, value in stated.items() if value is None or str(value).startswith("match:")}
    if given.pruning.method in BASELINES:
        decided_later.add("pruning.iterations")  # a baseline is one training
    return all(value == stored.get(key) for key, value in stated.items() if key not in decided_later)
