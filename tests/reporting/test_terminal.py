from __future__ import annotations

import io
import json
import re
from dataclasses import replace
from pathlib import Path

import pandas as pd
import pytest
from rich.console import Console

from tf_dlth.lottery.rows import Row
from tf_dlth.preparation import Prepared
from tf_dlth.reporting.terminal import Terminal, print_result
from tf_dlth.tickets.ticket import load_ticket
from tf_dlth.training.schedule import Position

ROWS = [
    Row(0, 1.0, 1000, 1000, 20, 0.1, 0.9, 0.5, 7, 0.45, 0.6, 3, 0.4, 1.0, 1.0),
    Row(1, 0.8, 800, 1000, 18, 0.1, 0.9, 0.625, 9, 0.35, 0.55, 4, 0.42, 1.0, 1.0),
]


@pytest.mark.parametrize("heldout", [True, False])
def test_progress_tells_the_accuracy_that_chooses(finished, heldout: bool):
    """Test accuracy only where no image is held out."""
    out, prepared = io.StringIO(), Prepared(finished.config)
    row = ROWS[0] if heldout else replace(ROWS[0], heldout_accuracy=None, heldout_epoch=None)
    with Terminal(Console(file=out, width=200)) as shown:
        shown.run_started(prepared, prepared.plan(), finished.path)
        shown.epoch_ended({"train_loss": 0.5, "test_accuracy": 0.25, "heldout_accuracy": 0.75 if heldout else None})
        assert shown._scores == f"loss 0.500 {'held-out 75.0%' if heldout else 'test 25.0%'} "
        shown.iteration_ended(row, load_ticket(finished.path))
    told = out.getvalue().splitlines()[-1]
    assert ("held-out  60.0% (error 8.9) at epoch 3" in told) == heldout  # 30 held-out images
    assert ("test  50.0% (error 1.5) at epoch 7" in told) != heldout  # 1,047 test images


@pytest.mark.parametrize("every", [1, 10])
def test_only_with_every_epoch_evaluated_is_it_the_papers_way(finished, every: int):
    """In the tables and all that is said of them; the counts of a run whose epochs were all looked at stay true."""
    plan, out = Prepared(finished.config).plan(), io.StringIO()
    training = plan.config.training.model_copy(update={"evaluate_every": every})
    plan = replace(plan, config=plan.config.model_copy(update={"training": training}))
    print_result(Console(file=out, width=200), ROWS, plan, finished.path)
    shown = out.getvalue()
    assert ("the paper's way" in shown) == (every == 1)
    assert ("test_best@10" in shown) == (every == 10)
    assert ("looks at one epoch in 10 and the last; the paper's at every one" in shown) == (every == 10)


def test_the_tables_of_a_run(finished):
    """The numbers printed are those on disk."""
    table = pd.read_csv(finished.path / "iterations.csv")
    columns = (table[name].tolist() for name in ("iteration", "density", "remaining", "heldout_accuracy"))
    for iteration, density, remaining, held in zip(*columns, strict=True):
        line = next(
            x for x in finished.printed.splitlines() if x.split()[:2] == [str(iteration), f"{100 * density:.2f}"]
        )
        assert line.split()[2:4] == [f"{remaining:,}", f"{100 * held:.2f}"]
    winner = json.loads((finished.path / "run.json").read_text())["winner"]
    assert f"winning ticket: {finished.path}/iteration_{winner:02d}" in finished.printed
    for words in ("comparable with it", "honest", "Why not smaller or faster?", "1,047 test", "3 iterations"):
        assert words in finished.printed
    for command in ("evaluate", "predict", "export"):
        assert f"python -m tf_dlth.{command} {finished.path} " in finished.printed


def test_where_no_ticket_won_the_best_sparse_network_is_named_beside_the_dense_one(finished, damaged: Path, edit):
    edit(damaged / "run.json", lambda tree: tree.update(winner=0))
    out = io.StringIO()
    print_result(Console(file=out, width=200), ROWS[:2], Prepared(finished.config).plan(), damaged)
    told = out.getvalue()
    assert f"by heldout the dense network is better than every sparse one: {damaged}/iteration_00\n" in told
    assert f"best sparse network: {damaged}/iteration_01\n" in told


def test_plain_lines_where_there_is_no_terminal(finished):
    assert "\x1b" not in finished.printed
    assert len(re.findall(r"^iteration +\d  density", finished.printed, re.MULTILINE)) == 3


@pytest.mark.parametrize("terminal", [True, False])
def test_progress_counts_the_steps_of_all_iterations(finished, terminal: bool):
    prepared = Prepared(finished.config)
    plan, out = prepared.plan(), io.StringIO()
    with Terminal(Console(file=out, width=200, force_terminal=terminal)) as shown:
        shown.run_started(prepared, plan, finished.path)
        done = []
        for iteration, epoch, step in ((0, 1, 1), (0, 3, 3), (1, 2, 1), (1, 3, 3), (2, 2, 3), (2, 3, 3)):
            shown.progress(iteration, Position(epoch, step), 123.0)
            done.append(shown._progress.tasks[0].completed)
        assert shown._progress.tasks[0].total == plan.steps == 21
    assert done == [1, 9, 10, 15, 18, 21]


@pytest.mark.parametrize("width", [80, 120])
def test_the_live_line_fits_the_terminal(width: int):
    """That of a long search, with the time that is left at its end."""
    out = io.StringIO()
    shown = Terminal(Console(file=io.StringIO(), width=width, force_terminal=True))
    state = "loss 0.123 held-out 99.9% 2,345 img/s"
    shown._progress.update(shown._task, total=9, description="iteration 16/16 epoch 200/200", state=state)
    Console(file=out, width=width).print(shown._progress.get_renderable())
    assert "…" not in out.getvalue() and out.getvalue().rstrip().endswith(f"{state} -:--:--")
