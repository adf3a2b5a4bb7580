"""What of a study is done, running, failed or waiting, and for what: read from the runs' folders, never stored."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from statistics import mean
from typing import Any, Literal

from tf_dlth.config import Config
from tf_dlth.data.catalogue import FACTS
from tf_dlth.runs.lock import is_locked
from tf_dlth.studies.grid import STAR, Cell, Grid
from tf_dlth.studies.records import Asked, Records
from tf_dlth.studies.runs import StoredRun, StoredRuns, stored_run

State = Literal["done", "running", "failed", "waiting", "absent"]
STATES: tuple[State, ...] = ("done", "running", "failed", "waiting", "absent")


@dataclass(frozen=True)
class Standing:
    """A cell with its star settled if it can be; ``reason`` says why it failed or what it waits for.

    ``config`` is there once the source is, ``run`` once the training is finished: a run whose measuring failed has one.
    """

    cell: Cell
    state: State
    reason: str = ""
    config: Config | None = None
    run: StoredRun | None = None

    @property
    def is_ready(self) -> bool:
        """Whether nothing but a worker is needed."""
        return self.state in ("waiting", "failed") and self.config is not None


class Ledger:
    """The standing of every cell.

    A finished run that agrees with a cell's configuration is taken for the cell's own where ``trusting``. Otherwise
    only one under the cell's own name, of images that cannot have changed; of others digests have to tell, see
    :meth:`alike` and :meth:`note`.
    """

    def __init__(self, grid: Grid, trusting: bool = False) -> None:
        self.grid, self.asked = grid, Asked.by(grid.study)
        self.directory = Path(grid.study.directory)
        self.records = Records(self.directory)
        self._stored, self._trusting = StoredRuns(self.directory), trusting
        self._stars: dict[Cell, Any] = {}
        self._configs: dict[Cell, Config] = {}
        self._found: dict[Cell, StoredRun | None] = {}
        self._ended: dict[Cell, tuple[State, str]] = {}

    def standing(self, cell: Cell) -> Standing:
        """Where a cell of the grid is now."""
        placed = self._settled(cell)
        if isinstance(placed, Standing):
            return placed
        config = self._config(placed)
        if isinstance(config, Standing):
            return config
        run = self._run(placed, config)
        state, reason = self._state(placed, config, run)
        return Standing(placed, state, reason, config, run)

    def standings(self) -> list[Standing]:
        """Of all cells, in the grid's order."""
        return [self.standing(cell) for cell in self.grid.cells]

    def alike(self, config: Config) -> tuple[str, ...]:
        """Names of runs that may be this one, finished ones first; not its own unfinished one, which goes on anyway."""
        found = sorted(self._stored.alike(config), key=lambda run: not run.finished)
        return tuple(run.path.name for run in found if run.finished or run.path.name != config.name)

    def note(self, cell: Cell, state: State, reason: str = "", run: str | None = None) -> None:
        """What a worker found out about a settled cell; ``run`` is its folder's name once the training is finished."""
        self._ended[cell] = (state, reason)
        if run is not None and (found := stored_run(self.directory / run)) is not None:
            self._found[cell] = found
            self._stored.add(found)  # for other cells that need the same run

    def _settled(self, cell: Cell) -> Cell | Standing:
        """The cell with the value that its star is; a standing for as long as that is not decided."""
        axis = self.grid.study.best_of
        if axis is None or cell.values[axis] != STAR:
            return cell
        if cell not in self._stars:
            scores = self._scores(cell)
            if isinstance(scores, Standing):
                return scores
            self._stars[cell] = max(scores, key=lambda value: scores[value])  # of equal ones the first
        return cell.placed({axis: self._stars[cell]})

    def _scores(self, cell: Cell) -> Mapping[Any, float] | Standing:
        """By value, the mean over pairs of the tickets that decide; values without data take no part."""
        scores: dict[Any, float] = {}
        absent = None
        for value, deciders in self.grid.deciders(cell).items():
            found = [self.standing(decider) for decider in deciders]
            if lacking := next((one for one in found if one.state == "absent"), None):
                absent = lacking
            elif open_ := next((one for one in found if one.run is None), None):
                return Standing(cell, "waiting", f"waiting for {_told(open_)}")
            else:
                scores[value] = mean(one.run.ticket_score for one in found if one.run is not None)
        if not scores:
            return Standing(cell, "absent", absent.reason if absent else "")
        return scores

    def _config(self, cell: Cell) -> Config | Standing:
        if cell in self._configs:
            return self._configs[cell]
        source = self.grid.source(cell)
        if source is None:
            return self._configs.setdefault(cell, self.grid.config(cell))
        found = self.standing(source)
        if found.state == "absent":
            return Standing(cell, "absent", found.reason)
        if found.run is None:
            return Standing(cell, "waiting", f"waiting for {_told(found)}")
        return self._configs.setdefault(cell, self.grid.config(cell, str(found.run.ticket), str(found.run.path)))

    def _run(self, cell: Cell, config: Config) -> StoredRun | None:
        if cell not in self._found:
            finished = (run for run in self._stored.alike(config) if run.finished and self._is_certain(run, config))
            self._found[cell] = next(finished, None)
        return self._found[cell]

    def _is_certain(self, run: StoredRun, config: Config) -> bool:
        own = run.path.name == config.name and not FACTS[config.data.dataset].own_files
        return self._trusting or own

    def _state(self, cell: Cell, config: Config, run: StoredRun | None) -> tuple[State, str]:
        if cell in self._ended:
            return self._ended[cell]
        if run is not None:
            if left := self.records.missing(run, self.asked):
                return "waiting", f"{len(left)} measurements are left"
            return self._ended.setdefault(cell, ("done", ""))
        if is_locked(self.directory / config.name):
            return "running", ""
        begun = stored_run(self.directory / config.name)
        if begun is not None and begun.facts.status == "failed":
            return "failed", begun.facts.error or ""
        return "waiting", ""


def _told(standing: Standing) -> str:
    return f"{standing.cell}{', which failed' if standing.state == 'failed' else ''}"
