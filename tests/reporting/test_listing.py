from __future__ import annotations

import io
import json
import os
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from rich.console import Console

from tf_dlth.errors import UserError
from tf_dlth.reporting.listing import Listed, list_runs, reasons, runs_table
from tf_dlth.runs.facts import write_facts
from tf_dlth.runs.lock import locked

EXAMPLE = Path(__file__).parents[2] / "saved_tickets" / "digits-example"


@pytest.fixture
def copied(tmp_path: Path) -> Callable[[str], Path]:
    """Puts a copy of the example run into ``tmp_path``; the large files are links, which a list does not open."""
    return lambda name: Path(shutil.copytree(EXAMPLE, tmp_path / name, copy_function=os.link))


def changed(path: Path, text: str) -> None:
    path.unlink()
    path.write_text(text)


def test_the_example() -> None:
    (run,) = list_runs(EXAMPLE.parent)
    # iterations.csv, iterations 0 and 15, column test_accuracy_heldout
    assert (run.density, run.dense, run.accuracy) == (6137 / 174408, 0.8615090735434575, 0.944603629417383)
    assert (run.name, run.dataset, run.architecture, run.width) == ("digits-example", "digits", "resnet18", 8)
    assert (run.rule, run.winner, run.status, run.reason) == ("heldout", 15, "finished", None)
    assert run.bytes == sum(path.stat().st_size for path in EXAMPLE.rglob("*") if path.is_file())


def test_damage_is_a_word_in_its_row(copied: Callable[[str], Path], tmp_path: Path) -> None:
    copied("a")
    changed(copied("b") / "run.json", "{")
    changed(copied("c") / "iterations.csv", "iteration\n")
    changed(copied("d") / "config.yaml", "name: other")
    (copied("e") / "iterations.csv").unlink()
    found = list_runs(tmp_path)
    assert [run.status for run in found] == ["finished", "damaged", "damaged", "damaged", "damaged"]
    files = ["run.json", "iterations.csv", "config.yaml", "iterations.csv"]
    assert all(file in line for file, line in zip(files, reasons(found), strict=True))


def test_a_run_that_has_not_ended(copied: Callable[[str], Path], edit: Any, tmp_path: Path) -> None:
    """Its winner is the best so far; it runs while a process has the folder."""
    path = copied("a")
    changed(path / "run.json", (EXAMPLE / "run.json").read_text())
    edit(path / "run.json", lambda tree: tree.update(status="running", files={}))
    rows = (EXAMPLE / "iterations.csv").read_text().splitlines()
    changed(path / "iterations.csv", "\n".join(rows[:3]) + "\n")
    (run,) = list_runs(tmp_path)
    assert (run.status, run.winner, run.accuracy) == ("unfinished", 0, 0.8615090735434575)
    with locked(path):
        assert list_runs(tmp_path)[0].status == "running"


def test_what_has_no_iteration_yet(copied: Callable[[str], Path], make_facts: Any, tmp_path: Path) -> None:
    (tmp_path / "begun").mkdir()
    (tmp_path / "begun" / "config.yaml").write_text("name: begun")
    (tmp_path / "no run").mkdir()
    (tmp_path / "file").write_text("")
    path = copied("failed")
    (path / "iterations.csv").unlink()
    known = json.loads((path / "run.json").read_text())
    (path / "run.json").unlink()
    write_facts(path, make_facts(status="failed", error="no space\non the disk", config_sha256=known["config_sha256"]))
    begun, failed = list_runs(tmp_path)
    assert (begun.name, begun.status, begun.dataset) == ("begun", "unfinished", None)
    assert (failed.status, failed.dataset, failed.accuracy) == ("failed", "digits", None)
    assert reasons([begun, failed]) == ["failed: no space\\non the disk"]


def test_a_run_is_no_folder_of_runs() -> None:
    with pytest.raises(UserError, match="is a run itself; name the folder that it lies in"):
        list_runs(EXAMPLE)


def test_the_table_says_where_the_test_images_chose() -> None:
    seen = Listed("a", "finished", "digits", "resnet18", 8, "test_best", 3, 0.5, 0.25, 0.75, 2**20)
    text = io.StringIO()
    Console(file=text, width=80).print(runs_table([seen, Listed("b\x1b[1m", "damaged")]))
    assert "50.00  25.00*  75.00*  1.0  finished" in text.getvalue()
    assert "b\\x1b[1m" in text.getvalue() and "\x1b" not in text.getvalue()
