from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path

import pytest

from tf_dlth import study
from tf_dlth.studies.grid import Grid

from .studies.conftest import Finish, MakeStudy, finish, make_study

__all__ = ["finish", "make_study"]

Call = Callable[..., str]


@pytest.fixture
def call(make_study: MakeStudy, capsys: pytest.CaptureFixture[str]) -> Call:
    """Runs the command on the small study and gives what it printed."""
    make_study()

    def run(*words: str, code: int = 0) -> str:
        assert study.main(["--config", "small.yaml", "directory=runs", *words]) == code
        printed = capsys.readouterr()
        return printed.err if code else printed.out

    return run


def test_status_shows_the_grid_without_a_run_or_an_import_of_tensorflow(
    call: Call, make_study: MakeStudy, finish: Finish, tmp_path: Path
) -> None:
    grid = Grid(make_study(), "small.yaml", {})
    finish(grid.config(grid.cells[0]), [0.5, 0.9, 0.6])
    shown = call("--status", "--json", "status.json")
    assert "augment" in shown and "base_then_aug" in shown
    assert "waiting for ticket, augment none, seeds 1/1; cells: " in shown
    records = json.loads((tmp_path / "status.json").read_text())
    assert [record["state"] for record in records].count("done") == 1 and len(records) == 16


@pytest.mark.parametrize(
    ("words", "line"),
    [
        (("--workers", "0"), "error: --workers 0: must be at least 1"),
        (("arms={a: {starred: x}}", "--status"), "error: arms.a.starred: must be a valid boolean, got 'x'"),
        (("arms={a: {set: {training.epochs: 0}}}", "--status"), "error: small.yaml: a, augment none, seeds 0/0: "),
        (("base=nowhere.yaml", "--status"), "error: config file nowhere.yaml does not exist"),
        (("show=[densities]", "--status"), "error: show: there is no figure densities; did you mean density?"),
        (("claims=[gap-grow]", "--status"), "error: claims: there is no claim gap-grow; did you mean gap-grows"),
        (("threads=0",), "error: threads: must be greater than or equal to 1"),
    ],
)
def test_a_mistake_is_one_line(call: Call, words: tuple[str, ...], line: str) -> None:
    told = call(*words, code=2)
    assert told.startswith(line) and told.count("\n") == 1


def test_workers_share_the_cores(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("os.sched_getaffinity", lambda process: {0, 1, 2, 3, 4})
    assert [study.default_workers(threads) for threads in (1, 2, 8)] == [5, 2, 1]
