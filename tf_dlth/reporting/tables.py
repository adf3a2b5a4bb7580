"""The tables that end a run on the terminal."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from rich import box
from rich.table import Table

from tf_dlth.analysis.accuracies import error_of_difference, standard_error
from tf_dlth.config import TrainingConfig
from tf_dlth.lottery import selection
from tf_dlth.lottery.rows import Row
from tf_dlth.reporting.rules import heldout, shown
from tf_dlth.reporting.run_record import RunRecord
from tf_dlth.reporting.sizes import sizes
from tf_dlth.reporting.standings import Standing, cells, columns
from tf_dlth.tickets.ticket import Ticket


def iterations_table(rows: Sequence[Row], images: Mapping[str, int], training: TrainingConfig) -> Table:
    """A row an iteration, with the accuracy on the images that choose: the held-out ones where there are some."""
    if rows[0].heldout_accuracy is None:
        return _by_test(rows, images["test"])
    name, balanced = heldout(training), training.class_weights == "balanced"
    names = ("k", "density", "remaining", name, *([] if balanced else ["error"]), "epoch")
    table = _table(f"{name} accuracy by iteration (%), which chooses", *names)
    for row in rows:
        held = row.heldout_accuracy or 0.0
        error = [] if balanced else [f"{100 * standard_error(held, images['heldout']):.2f}"]
        table.add_row(*_network(row), f"{100 * held:.2f}", *error, str(row.heldout_epoch))
    return table


def _by_test(rows: Sequence[Row], images: int) -> Table:
    table = _table("test accuracy by iteration (%)", "k", "density", "remaining", "test best", "error", "epoch")
    table.add_column("test last", justify="right")
    for row in rows:
        best, error = row.test_accuracy_best, standard_error(row.test_accuracy_best, images)
        numbers = (
            f"{100 * best:.2f}",
            f"{100 * error:.2f}",
            str(row.best_epoch),
            f"{100 * row.test_accuracy_last:.2f}",
        )
        table.add_row(*_network(row), *numbers)
    return table


def _network(row: Row) -> tuple[str, str, str]:
    return str(row.iteration), f"{100 * row.density:.2f}", f"{row.remaining:,}"


def rules_table(rows: Sequence[Row], images: int, every: int = 1) -> Table:
    """The rules side by side: which iteration each picks, and what that gains on so many test images."""
    names = ("k", "density", "ticket", "dense", "vs dense", "error", "dense wins")
    table = _table("winning ticket by rule, accuracies on the test set (%)", "chosen by", *names)
    table.columns[0].justify = "left"
    for rule, best in selection.winners(rows, selection.PAPER_LAST_ITERATION).items():
        ticket, dense = selection.test_accuracy(rows[best], rule), selection.test_accuracy(rows[0], rule)
        table.add_row(
            shown(rule, every),
            str(best),
            f"{100 * rows[best].density:.2f}",
            f"{100 * ticket:.2f}",
            f"{100 * dense:.2f}",
            f"{100 * (ticket - dense):+.2f}",
            f"{100 * error_of_difference(ticket, dense, images):.2f}",
            "yes" if selection.dense_would_win(rows)[rule] else "no",
        )
    return table


def standings_table(standings: Sequence[Standing], record: RunRecord) -> Table:
    """What the run chose beside what it has to beat."""
    dense = selection.test_accuracy(record.rows[0], record.rule)
    table = _table("what was chosen, and what it has to beat (%)", *columns(record.config.training))
    table.columns[0].justify = "left"
    for standing in standings:
        table.add_row(*cells(standing, dense, record.images))
    return table


def sizes_table(ticket: Ticket) -> Table:
    """Bytes of the winner's weights."""
    measured = sizes(ticket)
    table = _table(
        f"size of the winner's weights, density {ticket.density:.2%}",
        "as float32",
        "gzip",
        "packed: bit mask + remaining",
    )
    table.add_row(*(f"{size / 2**20:.2f} MiB" for size in (measured.dense, measured.gzip, measured.packed)))
    return table


def _table(title: str, *columns: str) -> Table:
    table = Table(title=title, title_justify="left", title_style="bold", box=box.SIMPLE_HEAD)
    for name in columns:
        table.add_column(name, justify="right")
    return table
