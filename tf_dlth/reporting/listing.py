"""The runs of a folder, a line each, from their small files alone."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any, Literal

from rich import box
from rich.table import Table

from tf_dlth import files
from tf_dlth.config import Config
from tf_dlth.errors import UserError, printable
from tf_dlth.lottery.rows import ITERATIONS, read_rows
from tf_dlth.lottery.selection import Rule, test_accuracy
from tf_dlth.reporting.run_record import RunRecord
from tf_dlth.runs.facts import RUN, Facts, read_facts
from tf_dlth.runs.folder import CONFIG, stored_config
from tf_dlth.runs.lock import is_locked

CAPTION = "in %, on the test images; * chosen on them too"
Status = Literal["finished", "running", "unfinished", "failed", "damaged"]


@dataclass(frozen=True)
class Listed:
    """One run; what is not known is None. ``winner`` is the network that the run's ``rule`` chose so far.

    ``dense`` and ``accuracy`` are test accuracies of iteration 0 and of the winner, as fractions.
    """

    name: str
    status: Status
    dataset: str | None = None
    architecture: str | None = None
    width: int | str | None = None
    rule: Rule | None = None
    winner: int | None = None
    density: float | None = None
    dense: float | None = None
    accuracy: float | None = None
    bytes: int = 0
    reason: str | None = None

    def record(self) -> dict[str, Any]:
        """As JSON; a ``reason`` stands where the run failed or is damaged."""
        return {key: value for key, value in asdict(self).items() if key != "reason" or value is not None}


def list_runs(folder: Path) -> list[Listed]:
    """Every run and pre-training of a folder by name, damaged ones too; raises UserError where it cannot be read."""
    if (folder / RUN).is_file():
        raise UserError(f"{folder} is a run itself; name the folder that it lies in")
    try:
        found = sorted(path for path in folder.iterdir() if path.is_dir())
    except OSError as error:
        raise UserError(f"{folder} cannot be read: {error.strerror}") from None
    return [_listed(path) for path in found if any((path / name).is_file() for name in (RUN, CONFIG))]


def runs_table(runs: Sequence[Listed]) -> Table:
    """A row a run, narrow enough for 80 columns where names are short."""
    table = Table(box=box.SIMPLE_HEAD, padding=(0, 1, 0, 0), caption=CAPTION, caption_justify="left")
    table.add_column("name", overflow="fold", ratio=1, min_width=12)
    table.add_column("dataset", no_wrap=True)
    table.add_column("network", overflow="fold")
    for name in ("density", "dense", "winner", "MiB"):
        table.add_column(name, justify="right", no_wrap=True)
    table.add_column("status", no_wrap=True)
    for run in runs:
        network = "-" if run.architecture is None else f"{printable(run.architecture)} {run.width}"
        star = "" if run.rule in (None, "heldout") else "*"
        numbers = (_percent(run.density), _percent(run.dense) + star, _percent(run.accuracy) + star)
        size = f"{run.bytes / 2**20:.1f}"
        table.add_row(printable(run.name), run.dataset or "-", network, *numbers, size, run.status)
    return table


def reasons(runs: Sequence[Listed]) -> list[str]:
    """A line for each run that failed or is damaged."""
    return [f"{printable(run.name)}: {printable(run.reason, 500)}" for run in runs if run.reason is not None]


def _listed(path: Path) -> Listed:
    size = files.size(path)
    try:
        if (facts := read_facts(path)) is None:  # a process that died as it began
            return Listed(path.name, "running" if is_locked(path) else "unfinished", bytes=size)
        config = stored_config(path, facts)
        return Listed(
            path.name,
            _status(path, facts),
            dataset=config.data.dataset,
            architecture=config.model.architecture,
            width=config.model.width,
            bytes=size,
            reason=facts.error,
            **_outcome(path, facts, config),
        )
    except UserError as error:
        return Listed(path.name, "damaged", bytes=size, reason=str(error))


def _status(path: Path, facts: Facts) -> Status:
    if facts.status != "running":
        return facts.status
    return "running" if is_locked(path) else "unfinished"


def _outcome(path: Path, facts: Facts, config: Config) -> dict[str, Any]:
    """What the iterations so far have come to; nothing of a pre-training."""
    if facts.pretraining is not None or not ((path / ITERATIONS).is_file() or facts.status == "finished"):
        return {}
    if not (rows := read_rows(path, facts)):
        return {}
    run = RunRecord(path, facts, config, rows, metrics=None, images=None)
    dense, accuracy = (test_accuracy(row, run.rule) for row in (rows[0], run.chosen))
    winner, density = run.chosen.iteration, run.chosen.density
    return {"rule": run.rule, "winner": winner, "density": density, "dense": dense, "accuracy": accuracy}


def _percent(fraction: float | None) -> str:
    return "-" if fraction is None else f"{100 * fraction:.2f}"
