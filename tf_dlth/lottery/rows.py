"""The rows of iterations.csv."""

from __future__ import annotations

import csv
import io
from collections.abc import Sequence
from dataclasses import asdict, dataclass, fields
from pathlib import Path
from typing import Any

from tf_dlth import files
from tf_dlth.errors import UserError, printable
from tf_dlth.lottery.masks import Masks
from tf_dlth.runs.facts import Facts, read_facts
from tf_dlth.training.keeping import Trained

ITERATIONS = "iterations.csv"


@dataclass(frozen=True)
class Row:
    """One iteration, as in iterations.csv. Accuracies and densities are fractions, epochs count from 1."""

    iteration: int
    density: float
    remaining: int
    prunable: int
    epochs: int
    train_loss: float
    train_accuracy: float | None
    test_accuracy_best: float
    best_epoch: int
    test_accuracy_last: float
    heldout_accuracy: float | None
    heldout_epoch: int | None
    test_accuracy_heldout: float | None
    seconds: float
    train_images_per_second: float


COLUMNS = tuple(field.name for field in fields(Row))
TIMINGS = ("seconds", "train_images_per_second")
"""The columns that differ between two otherwise equal runs."""


def row_of(iteration: int, masks: Masks, trained: Trained) -> Row:
    """One finished training as a row."""
    last, best, heldout = (trained.kept.get(kind) for kind in ("last", "test_best", "heldout"))
    assert last is not None and best is not None, "every training keeps these two"
    return Row(
        iteration=iteration,
        density=masks.density,
        remaining=masks.remaining,
        prunable=masks.prunable,
        epochs=trained.epochs,
        train_loss=trained.train_loss,
        train_accuracy=trained.train_accuracy,
        test_accuracy_best=best.scores.test,
        best_epoch=best.epoch,
        test_accuracy_last=last.scores.test,
        heldout_accuracy=heldout.scores.heldout if heldout else None,
        heldout_epoch=heldout.epoch if heldout else None,
        test_accuracy_heldout=heldout.scores.test if heldout else None,
        seconds=trained.seconds,
        train_images_per_second=trained.images_per_second,
    )


def epochs_until_winner(run: Path) -> int:
    """Epochs that a finished run trained in its iterations up to its winner; raises UserError for another folder."""
    facts = read_facts(run)
    if facts is None or facts.winner is None:
        raise UserError(f"{run} is no finished run, whose epochs could be counted")
    return sum(row.epochs for row in read_rows(run, facts)[: facts.winner + 1])


def to_csv(rows: Sequence[Row]) -> str:
    """The whole table; a value that does not exist is empty."""
    text = io.StringIO()
    writer = csv.DictWriter(text, COLUMNS, lineterminator="\n")
    writer.writeheader()
    writer.writerows(asdict(row) for row in rows)
    return text.getvalue()


def read_rows(run: Path, facts: Facts) -> list[Row]:
    """The iterations of a run so far, what :func:`to_csv` made of them; raises UserError for a damaged file."""
    path = run / ITERATIONS
    content = files.read_bytes(path, facts.files.get(ITERATIONS), largest=files.LARGEST_JSON)
    try:
        lines = list(csv.DictReader(io.StringIO(content.decode()), strict=True))
        return [
            Row(**{field.name: _value(str(field.type), line[field.name]) for field in fields(Row)}) for line in lines
        ]
    except (ValueError, KeyError, TypeError, csv.Error) as error:
        raise UserError(f"{path} is damaged: {printable(str(error))}; restore it from a copy") from None


def _value(kind: str, text: str) -> Any:
    if not text and kind.endswith("None"):
        return None
    return int(text) if kind.startswith("int") else float(text)
