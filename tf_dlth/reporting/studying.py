"""A study on the terminal: a line as each cell ends, how many are done, and the grid."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any, Self

from rich.console import Console
from rich.progress import BarColumn, Progress, TextColumn, TimeElapsedColumn

from tf_dlth.errors import LONGEST_LINE, printable

if TYPE_CHECKING:
    from tf_dlth.studies.ledger import Standing
    from tf_dlth.studies.planning import Planned

NOT_RUN = "not run: data absent"


class StudyLines:
    """Prints to ``console``, with a bar below the lines where that is a terminal."""

    def __init__(self, console: Console) -> None:
        self._console = console
        self._progress = Progress(
            TextColumn("{task.completed} of {task.total} cells"),
            BarColumn(),
            TextColumn("{task.description}"),
            TimeElapsedColumn(),
            console=console,
            transient=True,
            disable=not console.is_terminal,
        )
        self._task = self._progress.add_task("", total=None)
        self._under_way: dict[object, str] = {}

    def __enter__(self) -> Self:
        self._progress.start()
        return self

    def __exit__(self, *error: Any) -> None:
        self._progress.stop()

    def started(self, standings: Sequence[Standing]) -> None:
        done = sum(standing.state == "done" for standing in standings)
        self.line(f"{len(standings)} cells, {done} of them done already")
        self._progress.update(self._task, total=len(standings), completed=done)

    def submitted(self, standing: Standing) -> None:
        self._under_way[standing.cell] = str(standing.cell)
        self._show()

    def failed_once(self, standing: Standing) -> None:
        self._left(standing)
        self.line(f"{standing.cell}: failed, and is tried once more: {standing.reason}")

    def ended(self, standing: Standing, notes: Sequence[str], trained: bool) -> None:
        self._left(standing)
        self._progress.advance(self._task)
        self.line(f"{standing.cell}: {_outcome(standing, trained)}")
        for note in notes:
            self.line(f"  {note}")

    def line(self, text: str) -> None:
        """Whatever came from a file in it is made printable."""
        self._console.print(printable(text, LONGEST_LINE), soft_wrap=True)

    def _left(self, standing: Standing) -> None:
        self._under_way.pop(standing.cell, None)
        self._show()

    def _show(self) -> None:
        self._progress.update(self._task, description="; ".join(self._under_way.values()))


def _outcome(standing: Standing, trained: bool) -> str:
    if standing.state == "absent":
        return f"{NOT_RUN}: {standing.reason}"
    if standing.state != "done" or standing.run is None:
        return f"{standing.state}{f': {standing.reason}' if standing.reason else ''}"
    row = standing.run.best_row
    score = row.test_accuracy_last if row.test_accuracy_heldout is None else row.test_accuracy_heldout
    how = "" if trained else ", trained before"
    return f"done{how}; density {row.density:.1%}, test {score:.1%}; {standing.run.path}"


def grid_rows(standings: Sequence[Standing]) -> list[dict[str, str]]:
    """A row a setting and arm: how many of its cells are done, running, failed, waiting, and without data."""
    groups: dict[tuple[object, ...], Counter[str]] = {}
    for standing in standings:
        key = (standing.cell.setting, standing.cell.arm)
        groups.setdefault(key, Counter())[standing.state] += 1
    return [
        {
            **{axis.rpartition(".")[2]: str(value) for axis, value in setting},  # type: ignore[attr-defined]
            "arm": str(arm),
            **{state: str(counts[state]) for state in ("done", "running", "failed", "waiting", "absent")},
        }
        for (setting, arm), counts in groups.items()
    ]


def plan_rows(plan: Sequence[Planned]) -> list[dict[str, str]]:
    """A row a setting and arm: its cells, and steps, bytes and hours of those that are left, one after the other."""
    groups: dict[tuple[object, ...], list[Planned]] = {}
    for planned in plan:
        groups.setdefault((planned.standing.cell.setting, planned.standing.cell.arm), []).append(planned)
    return [_plan_row(members) for members in groups.values()]


def _plan_row(members: Sequence[Planned]) -> dict[str, str]:
    cell, left = members[0].standing.cell, [planned for planned in members if planned.is_left]
    return {
        **{axis.rpartition(".")[2]: str(value) for axis, value in cell.setting},
        "arm": cell.arm,
        "cells": str(len(members)),
        "done": str(sum(planned.standing.run is not None for planned in members)),
        "no data": str(sum(planned.standing.state == "absent" for planned in members)),
        "steps left": f"{sum(planned.steps for planned in left):,}",
        "MiB": f"{sum(planned.bytes for planned in left) / 2**20:,.0f}",
        "hours": f"{sum(planned.seconds for planned in left) / 3600:,.2f}",
    }


def plan_record(planned: Planned) -> Mapping[str, Any]:
    """A cell as ``--dry-run --json`` gives it."""
    more = {"steps": planned.steps, "bytes": planned.bytes, "seconds": round(planned.seconds, 1)}
    return {**record(planned.standing), **more}


def reasons(standings: Sequence[Standing]) -> list[str]:
    """A line on each cell that failed or has no data, and on each other thing that cells wait for."""
    ended = [f"{one.cell}: {_outcome(one, False)}" for one in standings if one.state in ("failed", "absent")]
    waiting = Counter(one.reason for one in standings if one.state == "waiting" and one.reason)
    return [*ended, *(f"{reason}; cells: {count}" for reason, count in waiting.items())]


def record(standing: Standing) -> Mapping[str, Any]:
    """A cell as ``--json`` gives it."""
    cell = standing.cell
    return {
        "arm": cell.arm,
        "setting": dict(cell.setting),
        "seed": cell.pair[0],
        "subset_seed": cell.pair[1],
        "mask_seed": cell.mask_seed,
        "state": standing.state,
        "reason": standing.reason,
        "run": str(standing.run.path) if standing.run else None,
    }
