"""A run on the terminal: live progress where there is one, plain lines elsewhere, and the tables at the end."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any, Self

from rich import box
from rich.console import Console
from rich.progress import BarColumn, Progress, TextColumn, TimeRemainingColumn
from rich.table import Table

from tf_dlth.lottery import selection
from tf_dlth.lottery.rows import Row
from tf_dlth.reporting.figures.run import NAME as FIGURE
from tf_dlth.reporting.lines import Lines
from tf_dlth.reporting.observer import RunObserver
from tf_dlth.reporting.plan import plan_lines, print_details, print_plan, time_line
from tf_dlth.reporting.rules import BALANCED, explained, shown
from tf_dlth.reporting.sizes import sizes
from tf_dlth.tickets.ticket import Ticket, iteration_name, load_ticket
from tf_dlth.training.schedule import Position

if TYPE_CHECKING:
    from tf_dlth.preparation import Plan, Prepared

WHY_NOT_SMALLER = (
    "Why not smaller or faster? Pruned weights are stored and multiplied as zeros: common hardware and formats are "
    "dense, so size falls only through compression, and speed not at all without sparse kernels."
)


class Terminal(Lines, RunObserver):
    """Prints to ``console``; live where that is a terminal. ``verbose`` shows every key and class too."""

    def __init__(self, console: Console, verbose: bool = False) -> None:
        super().__init__(console)
        self._verbose = verbose
        self._progress = Progress(
            TextColumn("{task.description}"),
            BarColumn(),
            TextColumn("{task.fields[state]}"),
            TimeRemainingColumn(),
            console=console,
            transient=True,
            disable=not console.is_terminal,
        )
        self._task = self._progress.add_task("", total=None, state="")
        self._scores = ""
        self._folder = Path()

    def __enter__(self) -> Self:
        self._progress.start()
        return self

    def __exit__(self, *error: Any) -> None:
        self._progress.stop()

    def run_started(self, prepared: Prepared, plan: Plan, folder: Path) -> None:
        self._plan, self._folder = plan, folder
        self._schedule = prepared.schedule
        if self._verbose:
            print_details(self._console, plan)
        print_plan(self._console, plan_lines(plan))
        self._progress.update(self._task, total=plan.steps)

    def estimated(self, seconds: float) -> None:
        self.line(time_line(seconds))

    def progress(self, iteration: int, position: Position, images_per_second: float) -> None:
        config = self._plan.config
        where = f"iteration {iteration}/{config.pruning.iterations} epoch {position.epoch}/{self._schedule.epochs}"
        state = f"{self._scores}{images_per_second:,.0f} images/s"
        self._progress.update(
            self._task,
            completed=self._schedule.steps_until(iteration, position),
            description=where,
            state=state,
        )
        if not self._console.is_terminal and self.silent:
            self.line(f"{where}  {state}")

    def epoch_ended(self, metrics: Mapping[str, Any]) -> None:
        self._scores = f"loss {metrics['train_loss']:.3f} test {metrics['test_accuracy']:.1%} "

    def iteration_ended(self, row: Row, ticket: Ticket) -> None:
        honest = f"  held-out choice {row.test_accuracy_heldout:6.1%}" if row.test_accuracy_heldout is not None else ""
        self.line(
            f"iteration {row.iteration:2}  density {row.density:6.2%}  test best {row.test_accuracy_best:6.1%}  "
            f"last {row.test_accuracy_last:6.1%}{honest}  {row.seconds:.0f} s"
        )

    def run_ended(self, rows: Sequence[Row]) -> None:
        self._progress.stop()
        print_result(self._console, rows, self._plan, self._folder)


def print_result(console: Console, rows: Sequence[Row], plan: Plan, folder: Path) -> None:
    """The tables that end a run, and how to read them."""
    winner = load_ticket(folder, trust=True)
    console.print(iterations_table(rows))
    every = plan.config.training.evaluate_every
    console.print(rules_table(rows, every))
    _print_lines(console, [f"{shown(rule, every)}: {explained(rule, every)}" for rule in selection.rules(rows)])
    _print_lines(console, caveats(rows, plan))
    console.print(sizes_table(winner))
    _print_lines(console, [WHY_NOT_SMALLER])
    _print_lines(console, [f"figure: {folder / FIGURE}", *_outcome(rows, plan, winner)])


def _outcome(rows: Sequence[Row], plan: Plan, winner: Ticket) -> list[str]:
    """Which network the run's own rule chose."""
    rule = plan.config.pruning.select_by or "test_best"
    if winner.iteration > 0 or len(rows) == 1:
        return [f"winning ticket: {winner.path}" if winner.iteration > 0 else f"network: {winner.path}"]
    best = selection.winner(rows, rule)
    return [
        f"no ticket won: by {rule} the dense network is better than every sparse one: {winner.path}",
        f"best sparse network: {winner.path.with_name(iteration_name(best))}",
    ]


def caveats(rows: Sequence[Row], plan: Plan) -> list[str]:
    """What limits the numbers of one run."""
    counts = {part: sum(classes.values()) for part, classes in plan.images_per_class.items()}
    error = 100 * math.sqrt(max(r.test_accuracy_last * (1 - r.test_accuracy_last) for r in rows) / counts["test"])
    lines = [
        f"noise: one standard error is up to {error:.1f} points on {counts['test']:,} test images; this is one seed"
    ]
    if held := counts.get("heldout"):
        lines.append(f"labels: {counts['train']:,} trained, {held:,} more held out to choose by")
    if held and plan.config.training.class_weights == "balanced":
        lines.append(BALANCED)
    if (every := plan.config.training.evaluate_every) != 1:
        lines.append(f"test_best@{every} looks at one epoch in {every} and the last; the paper's at every one")
    return lines


def _print_lines(console: Console, lines: Sequence[str]) -> None:
    for line in lines:
        console.print(line, highlight=False, markup=False, soft_wrap=True)


def iterations_table(rows: Sequence[Row]) -> Table:
    """A row an iteration, accuracies of the test set under every rule."""
    table = _table("test accuracy by iteration (%)")
    for name in ("k", "density %", "remaining", "test best", "epoch", "last", "held-out", "epoch"):
        table.add_column(name, justify="right")
    for row in rows:
        table.add_row(
            str(row.iteration),
            f"{100 * row.density:.2f}",
            f"{row.remaining:,}",
            f"{100 * row.test_accuracy_best:.2f}",
            str(row.best_epoch),
            f"{100 * row.test_accuracy_last:.2f}",
            "-" if row.test_accuracy_heldout is None else f"{100 * row.test_accuracy_heldout:.2f}",
            "-" if row.heldout_epoch is None else str(row.heldout_epoch),
        )
    return table


def rules_table(rows: Sequence[Row], every: int = 1) -> Table:
    """The rules side by side: which iteration each picks, and what that gains on the test set."""
    table = _table("winning ticket by rule")
    for name in ("chosen by", "k", "density %", "ticket %", "dense %", "gain", "dense wins"):
        table.add_column(name, justify="right" if name != "chosen by" else "left")
    for rule, best in selection.winners(rows, selection.PAPER_LAST_ITERATION).items():
        ticket, dense = selection.test_accuracy(rows[best], rule), selection.test_accuracy(rows[0], rule)
        table.add_row(
            shown(rule, every),
            str(best),
            f"{100 * rows[best].density:.2f}",
            f"{100 * ticket:.2f}",
            f"{100 * dense:.2f}",
            f"{100 * (ticket - dense):+.2f}",
            "yes" if selection.dense_would_win(rows)[rule] else "no",
        )
    return table


def sizes_table(ticket: Ticket) -> Table:
    """Bytes of the winner's weights."""
    measured = sizes(ticket)
    table = _table(f"size of the winner's weights, density {ticket.density:.2%}")
    for name in ("as float32", "gzip", "packed: bit mask + remaining"):
        table.add_column(name, justify="right")
    table.add_row(*(f"{size / 2**20:.2f} MiB" for size in (measured.dense, measured.gzip, measured.packed)))
    return table


def _table(title: str) -> Table:
    return Table(title=title, title_justify="left", title_style="bold", box=box.SIMPLE_HEAD)
