from __future__ import annotations

import io
from pathlib import Path

import pytest
from rich.console import Console

from tf_dlth.reporting.studying import StudyLines, grid_rows, plan_record, plan_rows, reasons, record
from tf_dlth.studies.grid import Cell
from tf_dlth.studies.ledger import Standing
from tf_dlth.studies.planning import Planned
from tf_dlth.studies.runs import stored_run

from ..conftest import Finished

FIRST = Cell("ticket", (("data.augment", "rand"),), (0, 0), 0)
SECOND = Cell("ticket", (("data.augment", "rand"),), (1, 1), 0)
RANDOM = Cell("random", (("data.augment", "*"),), (0, 0), 1)
STANDINGS = [
    Standing(FIRST, "failed", "it was too hot"),
    Standing(SECOND, "absent", "no such folder"),
    Standing(RANDOM, "waiting", "waiting for ticket, augment rand, seeds 0/0, which failed"),
]


def test_the_grid_has_a_row_a_setting_and_arm() -> None:
    assert grid_rows(STANDINGS) == [
        {"augment": "rand", "arm": "ticket", "done": "0", "running": "0", "failed": "1", "waiting": "0", "absent": "1"},
        {"augment": "*", "arm": "random", "done": "0", "running": "0", "failed": "0", "waiting": "1", "absent": "0"},
    ]


def test_what_is_not_done_is_told_with_its_reason() -> None:
    assert reasons(STANDINGS) == [
        "ticket, augment rand, seeds 0/0: failed: it was too hot",
        "ticket, augment rand, seeds 1/1: not run: data absent: no such folder",
        "waiting for ticket, augment rand, seeds 0/0, which failed; cells: 1",
    ]


def test_plans_sum_what_is_left() -> None:
    plan = [Planned(STANDINGS[0], 20, 2**20, 3600.0), Planned(STANDINGS[1], 30, 2**20, 3600.0)]
    (row,) = plan_rows(plan)
    assert (row["cells"], row["no data"], row["steps left"], row["MiB"], row["hours"]) == ("2", "1", "20", "1", "1.00")
    assert plan_record(plan[0])["steps"] == 20


def test_a_record_names_its_cell() -> None:
    assert record(STANDINGS[2]) == {
        "arm": "random",
        "setting": {"data.augment": "*"},
        "seed": 0,
        "subset_seed": 0,
        "mask_seed": 1,
        "state": "waiting",
        "reason": "waiting for ticket, augment rand, seeds 0/0, which failed",
        "run": None,
    }


@pytest.mark.parametrize("terminal", [False, True])
def test_a_line_as_each_cell_ends(finished: Finished, terminal: bool) -> None:
    stream = io.StringIO()
    console = Console(file=stream, width=200, force_terminal=terminal, color_system=None)
    run = stored_run(Path(finished.path))
    with StudyLines(console) as lines:
        lines.started(STANDINGS)
        lines.submitted(STANDINGS[0])
        lines.failed_once(STANDINGS[0])
        lines.ended(Standing(FIRST, "done", run=run), ["cifar10_c: not run: data absent: nowhere"], trained=True)
        lines.ended(STANDINGS[1], [], trained=False)
    told = stream.getvalue()
    assert "3 cells, 0 of them done already" in told
    assert "ticket, augment rand, seeds 0/0: failed, and is tried once more: it was too hot" in told
    assert "seeds 0/0: done; density " in told and str(finished.path) in told
    assert "  cifar10_c: not run: data absent: nowhere" in told
    assert "seeds 1/1: not run: data absent: no such folder" in told
    assert terminal == ("of 3 cells" in told)
