"""A run on the terminal: live progress where there is one, plain lines elsewhere, and the tables at the end."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any, Self

from rich.console import Console
from rich.progress import BarColumn, Progress, TextColumn, TimeRemainingColumn

from tf_dlth.analysis.accuracies import standard_error
from tf_dlth.lottery import selection
from tf_dlth.lottery.rows import Row
from tf_dlth.reporting.layout import print_lines, print_sentences
from tf_dlth.reporting.lines import Lines
from tf_dlth.reporting.next_commands import next_commands
from tf_dlth.reporting.observer import RunObserver
from tf_dlth.reporting.plan import plan_lines, print_details, time_line
from tf_dlth.reporting.rules import BALANCED, explained, heldout, is_balanced, shown
from tf_dlth.reporting.run_record import RunRecord, read_record
from tf_dlth.reporting.standings import MEANING, better, standings
from tf_dlth.reporting.tables import iterations_table, rules_table, sizes_table, standings_table
from tf_dlth.tickets.ticket import Ticket, iteration_name, load_ticket
from tf_dlth.training.schedule import Position

if TYPE_CHECKING:
    from tf_dlth.preparation import Plan, Prepared

WHY_NOT_SMALLER = (
    "Why not smaller or faster? Pruned weights are stored and multiplied as zeros: common hardware and formats are "
    "dense, so size falls only through compression, and speed not at all without sparse kernels."
)

BESIDE_THE_BAR = 76
"""Columns of a live line's words and numbers, of 16 iterations of 200 epochs."""


class Terminal(Lines, RunObserver):
    """Prints to ``console``; live where that is a terminal. ``verbose`` shows every key and class too."""

    def __init__(self, console: Console, verbose: bool = False) -> None:
        super().__init__(console)
        self._verbose = verbose
        self._progress = Progress(
            TextColumn("{task.description}"),
            BarColumn(bar_width=max(4, min(40, console.width - BESIDE_THE_BAR))),
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
        print_sentences(self._console, plan_lines(plan))
        self._progress.update(self._task, total=plan.steps)

    def estimated(self, seconds: float) -> None:
        self.line(time_line(seconds))

    def progress(self, iteration: int, position: Position, images_per_second: float) -> None:
        config = self._plan.config
        where = f"iteration {iteration}/{config.pruning.iterations} epoch {position.epoch}/{self._schedule.epochs}"
        state = f"{self._scores}{images_per_second:,.0f} img/s"
        self._progress.update(
            self._task,
            completed=self._schedule.steps_until(iteration, position),
            description=where,
            state=state,
        )
        if not self._console.is_terminal and self.silent:
            self.line(f"{where}  {state}")

    def epoch_ended(self, metrics: Mapping[str, Any]) -> None:
        held = metrics["heldout_accuracy"]
        chooses = f"test {metrics['test_accuracy']:.1%}" if held is None else f"held-out {held:.1%}"
        self._scores = f"loss {metrics['train_loss']:.3f} {chooses} "

    def iteration_ended(self, row: Row, ticket: Ticket) -> None:
        images, training = _images(self._plan), self._plan.config.training
        if row.heldout_accuracy is None:
            name, right, epoch, n = "test", row.test_accuracy_best, row.best_epoch, images["test"]
        else:
            name, right, epoch, n = heldout(training), row.heldout_accuracy, row.heldout_epoch, images["heldout"]
        error = "" if name != "test" and is_balanced(training) else f"(error {100 * standard_error(right, n):.1f}) "
        self.line(
            f"iteration {row.iteration:2}  density {row.density:7.2%}  {name} {right:6.1%} {error}at epoch {epoch}  "
            f"{row.seconds:.0f} s"
        )

    def run_ended(self, rows: Sequence[Row]) -> None:
        self._progress.stop()
        print_result(self._console, rows, self._plan, self._folder)


def print_result(console: Console, rows: Sequence[Row], plan: Plan, folder: Path) -> None:
    """The tables that end a run, and how to read them."""
    winner, images = load_ticket(folder, trust=True), _images(plan)
    every = plan.config.training.evaluate_every
    console.print()
    console.print(iterations_table(rows, images, plan.config.training))
    console.print(rules_table(rows, images["test"], every))
    print_sentences(console, [f"{shown(rule, every)}: {explained(rule, every)}" for rule in selection.rules(rows)])
    console.print()
    console.print(sizes_table(winner))
    print_sentences(console, [WHY_NOT_SMALLER])
    print_standings(console, replace(read_record(folder), rows=rows))
    print_sentences(console, caveats(rows, plan))
    print_lines(console, [f"figures: {folder}/*.png", *_outcome(rows, plan, winner)])
    print_next(console, folder)


def print_standings(console: Console, record: RunRecord) -> None:
    """What the run chose beside what it has to beat."""
    found = standings(record)
    console.print()
    console.print(standings_table(found, record))
    print_sentences(console, [*MEANING, *better(found)])


def print_next(console: Console, folder: Path) -> None:
    """What to type now, each command on a line of its own."""
    for purpose, line in next_commands(folder).items():
        print_lines(console, [f"{purpose}:", f"    {line}"])


def _outcome(rows: Sequence[Row], plan: Plan, winner: Ticket) -> list[str]:
    """Which network the run's own rule chose."""
    rule = plan.config.pruning.select_by or "test_best"
    if plan.config.pruning.method == "none" or len(rows) == 1:
        return [f"network: {winner.path}"]
    if winner.iteration > 0:
        return [f"winning ticket: {winner.path}"]
    best = selection.winner(rows, rule)
    return [
        f"no ticket won: by {rule} the dense network is better than every sparse one: {winner.path}",
        f"best sparse network: {winner.path.with_name(iteration_name(best))}",
    ]


def _images(plan: Plan) -> dict[str, int]:
    """How many there are by part."""
    return {part: sum(classes.values()) for part, classes in plan.images_per_class.items()}


def caveats(rows: Sequence[Row], plan: Plan) -> list[str]:
    """What limits the numbers of one run."""
    counts = _images(plan)
    error = 100 * max(standard_error(row.test_accuracy_last, counts["test"]) for row in rows)
    lines = [
        f"noise: one standard error is up to {error:.1f} points on {counts['test']:,} test images; this is one seed"
    ]
    if held := counts.get("heldout"):
        lines.append(f"labels: {counts['train']:,} trained, {held:,} more held out to choose by")
    if held and is_balanced(plan.config.training):
        lines.append(BALANCED)
    if (every := plan.config.training.evaluate_every) != 1:
        lines.append(f"test_best@{every} looks at one epoch in {every} and the last; the paper's at every one")
    return lines
