"""The tables that end a run on the terminal."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from rich import box
from rich.console import Group
from rich.table import Table

from tf_dlth.analysis.accuracies import error_of_difference, standard_error
from tf_dlth.config import TrainingConfig
from tf_dlth.lottery import selection
from tf_dlth.lottery.rows import Row
from tf_dlth.reporting.layout import titled
from tf_dlth.reporting.rules import heldout, is_balanced, shown
from tf_dlth.reporting.run_record import RunRecord
from tf_dlth.reporting.sizes import sizes
from tf_dlth.reporting.standings import Standing, cells, columns
from tf_dlth.tickets.ticket import Ticket

UNPRUNED = ("best", "first", "vs first", "error", "first wins")
"""Columns of the rules where every training is dense."""


def iterations_table(rows: Sequence[Row], images: Mapping[str, int], training: TrainingConfig) -> Group:
    """A row an iteration, with the accuracy on the images that choose: the held-out ones where there are some."""
    if rows[0].heldout_accuracy is None:
        return _by_test(rows, images["test"])
    name, balanced = heldout(training), is_balanced(training)
    names = ("k", "density", "remaining", name, *([] if balanced else ["error"]), "epoch")
    table = _table(*names)
    for row in rows:
        held = row.heldout_accuracy or 0.0
        error = [] if balanced else [f"{100 * standard_error(held, images['heldout']):.2f}"]
        table.add_row(*_network(row), f"{100 * held:.2f}", *error, str(row.heldout_epoch))
    return titled(f"{name} accuracy by iteration (%), which chooses", table)


def _by_test(rows: Sequence[Row], images: int) -> Group:
    table = _table("k", "density", "remaining", "test best", "error", "epoch", "test last")
    for row in rows:
        best, error = row.test_accuracy_best, standard_error(row.test_accuracy_best, images)
        numbers = (
            f"{100 * best:.2f}",
            f"{100 * error:.2f}",
            str(row.best_epoch),
            f"{100 * row.test_accuracy_last:.2f}",
        )
        table.add_row(*_network(row), *numbers)
    return titled("test accuracy by iteration (%)", table)


def _network(row: Row) -> tuple[str, str, str]:
    return str(row.iteration), f"{100 * row.density:.2f}", f"{row.remaining:,}"


def rules_table(rows: Sequence[Row], images: int, every: int = 1) -> Group:
    """The rules side by side: which iteration each picks, and what that gains on so many test images."""
    sparse = rows[-1].density < 1
    names = ("ticket", "dense", "vs dense", "error", "dense wins") if sparse else UNPRUNED
    table = _table("chosen by", "k", "density", *names, words=1)
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
    what = "winning ticket" if sparse else "best training"
    return titled(f"{what} by rule, accuracies on the test set (%)", table)


def standings_table(standings: Sequence[Standing], record: RunRecord) -> Group:
    """What the run chose beside what it has to beat."""
    dense = selection.test_accuracy(record.rows[0], record.rule)
    table = _table(*columns(record.config.training), words=1)
    for standing in standings:
        table.add_row(*cells(standing, dense, record.images))
    return titled("what was chosen, and what it has to beat (%)", table)


def sizes_table(ticket: Ticket) -> Group:
    """Bytes of the winner's weights."""
    measured = sizes(ticket)
    table = _table("as float32", "gzip", "packed: bit mask + remaining")
    table.add_row(*(f"{size / 2**20:.2f} MiB" for size in (measured.dense, measured.gzip, measured.packed)))
    return titled(f"size of the winner's weights, density {ticket.density:.2%}", table)


def _table(*columns: str, words: int = 0) -> Table:
    """Numbers stand to the right; the first ``words`` columns stand to the left and are never broken into lines."""
    table = Table(box=box.SIMPLE_HEAD)
    for number, name in enumerate(columns):
        table.add_column(name, justify="left" if number < words else "right", no_wrap=number < words)
    return table
