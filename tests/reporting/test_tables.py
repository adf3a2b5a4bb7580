from __future__ import annotations

import io
import re
from dataclasses import replace

from rich.console import Console, Group

from tf_dlth.config import TrainingConfig
from tf_dlth.lottery.rows import Row
from tf_dlth.reporting.sizes import sizes
from tf_dlth.reporting.tables import iterations_table, rules_table, sizes_table
from tf_dlth.tickets.ticket import load_ticket

ROWS = [
    Row(0, 1.0, 1000, 1000, 20, 0.1, 0.9, 0.5, 7, 0.45, 0.6, 3, 0.4, 1.0, 1.0),
    Row(1, 0.8, 800, 1000, 18, 0.1, 0.9, 0.625, 9, 0.35, 0.55, 4, 0.42, 1.0, 1.0),
    Row(2, 0.64, 640, 1000, 18, 0.1, 0.9, 0.55, 8, 0.44, 0.7, 5, 0.3333, 1.0, 1.0),
]


def text(table: Group) -> str:
    out = io.StringIO()
    Console(file=out, width=200).print(table)
    return out.getvalue()


def cells(table: Group) -> list[list[str]]:
    """The words of the table's lines that begin with a number or a rule's name."""
    return [line.split() for line in text(table).splitlines() if re.match(r"\s*(\d|test_best|last|heldout)", line)]


IMAGES = {"train": 50, "heldout": 80, "test": 100}


def test_iterations_with_the_accuracy_that_chooses_and_its_standard_error():
    """Of 0.6 on 80 photographs: 5.48 points. No test accuracy, which nothing is chosen by."""
    assert cells(iterations_table(ROWS, IMAGES, TrainingConfig())) == [
        ["0", "100.00", "1,000", "60.00", "5.48", "3"],
        ["1", "80.00", "800", "55.00", "5.56", "4"],
        ["2", "64.00", "640", "70.00", "5.12", "5"],
    ]


def test_iterations_without_held_out_images():
    row = Row(0, 1.0, 1000, 1000, 20, 0.1, 0.9, 0.5, 7, 0.45, None, None, None, 1.0, 1.0)
    assert cells(iterations_table([row], IMAGES, TrainingConfig())) == [
        ["0", "100.00", "1,000", "50.00", "5.00", "7", "45.00"]
    ]


def test_balanced_accuracy_is_named_so_and_has_no_error_of_a_fraction():
    table = iterations_table(ROWS, IMAGES, TrainingConfig(class_weights="balanced"))
    assert text(table).startswith("held-out balanced accuracy by iteration (%)")
    assert cells(table)[0] == ["0", "100.00", "1,000", "60.00", "3"]


def test_without_pruning_there_is_no_ticket():
    """Three dense trainings."""
    told = text(rules_table([replace(row, density=1.0) for row in ROWS], 100))
    assert told.startswith("best training by rule") and "vs first" in told and "ticket" not in told


def test_rules_side_by_side():
    """Each with its own winner, its test accuracy under that rule, and the gain over the dense network under it."""
    lines = {" ".join(line[:-7]): line[-7:] for line in cells(rules_table(ROWS, 100))}
    assert lines == {
        "heldout": ["2", "64.00", "33.33", "40.00", "-6.67", "6.80", "no"],
        "test_best": ["1", "80.00", "62.50", "50.00", "+12.50", "6.96", "no"],
        "last": ["2", "64.00", "44.00", "45.00", "-1.00", "7.03", "yes"],
    }


def test_a_best_epoch_among_some_is_named_so():
    assert [line[0] for line in cells(rules_table(ROWS, 100, every=10))] == ["heldout", "test_best@10", "last"]


def test_sizes(finished):
    ticket = load_ticket(finished.path)
    measured = sizes(ticket)
    shown = text(sizes_table(ticket))
    for size in (measured.dense, measured.gzip, measured.packed):
        assert f"{size / 2**20:.2f} MiB" in shown
