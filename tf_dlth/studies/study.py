"""A study carried out: cells go to an engine as soon as nothing keeps them, and tables are written as they end."""

from __future__ import annotations

import time
from collections import Counter
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import NoReturn, Protocol

from tf_dlth import files
from tf_dlth.config.study import StudyConfig, stored_study
from tf_dlth.errors import Stopped, UserError
from tf_dlth.runs.lock import LOCK, locked
from tf_dlth.startup import start_tensorflow
from tf_dlth.studies.engines import Engine, Outcome, Task
from tf_dlth.studies.grid import Cell
from tf_dlth.studies.ledger import Ledger, Standing, State
from tf_dlth.studies.records import Records
from tf_dlth.studies.results import ANALYSES, NETWORKS, STUDY, Collector, pairs, write_results
from tf_dlth.studies.runs import StoredRun
from tf_dlth.training.signals import StopRequest

ATTEMPTS = 2
"""How often a cell is begun that fails."""
POLL = 0.5
"""Seconds between looks at signals."""
PATIENCE = 15.0
"""Seconds that a run's lock may be held on by a process that is about to end."""
MAY_CHANGE = frozenset(
    {
        "title",
        "seeds",
        "evaluate",
        "probe",
        "analyze",
        "iterations",
        "data_dirs",
        "fixed",
        "claims",
        "show",
        "published",
    }
)
"""Keys in which a study may go on otherwise than it began: they add to its tables, or are read by reports alone."""


class StudyObserver(Protocol):
    """Hears of a study's progress."""

    def started(self, standings: Sequence[Standing]) -> None: ...

    def submitted(self, standing: Standing) -> None: ...

    def failed_once(self, standing: Standing) -> None:
        """It is tried once more."""
        ...

    def ended(self, standing: Standing, notes: Sequence[str], trained: bool) -> None:
        """``notes`` say what could not be measured."""
        ...


def run_study(ledger: Ledger, engine: Engine, devices: str, observer: StudyObserver) -> list[Standing]:
    """Carries out what is left of a study and gives where every cell stands then; ``engine`` has been entered.

    Raises Stopped after a signal, with the state of every worker saved, and UserError where the study's folder is
    another's.
    """
    with begun(ledger.grid.study) as folder, StopRequest() as stop:
        scheduler = Scheduler(ledger, engine, devices, observer, folder)
        scheduler.run(stop)
        return scheduler.finish()


def study_path(study: StudyConfig) -> Path:
    """The folder of a study's tables."""
    return Path(study.directory) / study.name


@contextmanager
def begun(study: StudyConfig) -> Iterator[Path]:
    """The study's folder under its lock, with its study.yaml; raises UserError for a folder that is another's."""
    folder = study_path(study)
    with locked(folder):
        refuse_others(study)
        files.write_bytes(folder / STUDY, study.to_yaml().encode())
        yield folder


def refuse_others(study: StudyConfig) -> None:
    """Raises UserError where the study's folder holds another study, or something that no study makes."""
    folder = study_path(study)
    if not (folder / STUDY).is_file():
        found = sorted(path.name for path in folder.glob("*") if path.name != LOCK) if folder.is_dir() else []
        if found := [name for name in found if not name.startswith(files.TEMPORARY)]:
            raise UserError(f"{folder} holds {found[0]} but no {STUDY}; choose another name or directory for the study")
        return
    stored, now = (
        one.model_dump(mode="json", exclude=set(MAY_CHANGE)) for one in (stored_study(folder / STUDY), study)
    )
    if differing := [key for key in now if now[key] != stored[key]]:
        raise UserError(
            f"{folder} holds a study that differs in {', '.join(differing)}; give this one another name, or remove "
            f"{STUDY}, {NETWORKS} and {ANALYSES} there: runs lie beside that folder and stay"
        )


class Scheduler:
    """Hands ready cells to the engine, notes how they end, and writes the tables."""

    def __init__(self, ledger: Ledger, engine: Engine, devices: str, observer: StudyObserver, folder: Path) -> None:
        self._ledger, self._engine, self._devices = ledger, engine, devices
        self._observer, self._folder = observer, folder
        self._collector = Collector(ledger.grid.study, ledger.records)
        self._open: list[Cell] = list(ledger.grid.cells)
        self._under_way: dict[int, Standing] = {}
        self._attempts: Counter[Cell] = Counter()
        self._submitted = 0

    def run(self, stop: StopRequest) -> None:
        """Until nothing is left that could be done."""
        self._observer.started(self._ledger.standings())
        self._submit_ready()
        while self._under_way:
            outcomes = self._engine.ended(POLL)
            for outcome in outcomes:
                self._note(self._under_way.pop(outcome.number), outcome)
            if stop.received is not None:
                self._stop(stop.received)
            if outcomes:
                write_results(self._folder, self._collector.collect(self._ledger.standings()))
                self._submit_ready()

    def finish(self) -> list[Standing]:
        """Compares the tickets of runs, writes the tables, and gives where every cell stands."""
        standings = self._ledger.standings()
        for first, second in pairs(self._ledger.grid.study, standings):
            assert first.run is not None and second.run is not None
            _compare(self._ledger.records, first.run, second.run)
        write_results(self._folder, self._collector.collect(standings))
        return standings

    def _submit_ready(self) -> None:
        """Fills the engine's slots; waits for a little while for runs that another process is about to leave."""
        until = time.monotonic() + PATIENCE
        while True:
            running = self._submit_first()
            if self._under_way or not running or time.monotonic() > until:
                return
            time.sleep(POLL)

    def _submit_first(self) -> bool:
        """Submits what is ready as far as there are slots; whether any cell's run is in another process's hands."""
        running = False
        for cell in tuple(self._open):
            if len(self._under_way) >= self._engine.slots:
                break
            standing = self._ledger.standing(cell)
            if standing.state in ("done", "absent"):
                self._open.remove(cell)
                if standing.state == "absent":
                    self._observer.ended(standing, [], trained=False)
            elif standing.is_ready and not self._is_under_way(standing):
                self._submit(standing)
                self._open.remove(cell)
            running |= standing.state == "running"
        return running

    def _is_under_way(self, standing: Standing) -> bool:
        """Whether a cell with the same run is: the second one finds it finished."""
        assert standing.config is not None
        identity = standing.config.identity("train")
        return any(other.config and other.config.identity("train") == identity for other in self._under_way.values())

    def _submit(self, standing: Standing) -> None:
        config, grid = standing.config, self._ledger.grid
        assert config is not None
        alike = self._ledger.alike(config)
        self._submitted += 1
        self._attempts[standing.cell] += 1
        self._under_way[self._submitted] = standing
        self._engine.submit(
            self._submitted, Task(config, self._ledger.asked, dict(grid.data_dirs), self._devices, alike)
        )
        self._observer.submitted(standing)

    def _stop(self, signal_number: int) -> NoReturn:
        for outcome in self._engine.stop(signal_number):
            if outcome.status == "done":  # others go on when the study does
                self._note(self._under_way.pop(outcome.number), outcome)
        write_results(self._folder, self._collector.collect(self._ledger.standings()))
        where = self._folder.parent
        raise Stopped(signal_number, f"stopped; all is saved in {where}, and the same command goes on from there")

    def _note(self, standing: Standing, outcome: Outcome) -> None:
        cell = standing.cell
        state: State = "failed" if outcome.status == "stopped" else outcome.status
        self._ledger.note(cell, state, outcome.reason, outcome.result.get("run"))
        now = self._ledger.standing(cell)
        if now.state == "failed" and self._attempts[cell] < ATTEMPTS:
            self._observer.failed_once(now)
            self._open.insert(0, cell)
        else:
            self._observer.ended(now, outcome.result.get("notes", []), outcome.result.get("trained", False))


def _compare(records: Records, first: StoredRun, second: StoredRun) -> None:
    """Measures the overlap of two tickets, once."""
    if records.get_pair("overlap", first, second) is None:
        start_tensorflow()  # here alone: a study's own process schedules, and its workers train
        from tf_dlth.studies.measuring import overlap

        records.put_pair("overlap", first, second, overlap(first, second))
