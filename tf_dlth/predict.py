"""``python -m tf_dlth.predict``: the classes of images."""

from __future__ import annotations

import argparse
import sys
from collections.abc import Sequence
from typing import TYPE_CHECKING

from rich import box
from rich.table import Table

from tf_dlth import commands
from tf_dlth.errors import UserError, printable
from tf_dlth.startup import start_tensorflow

if TYPE_CHECKING:
    from tf_dlth.tickets.prediction import Prediction

DESCRIPTION = (
    "Names the class of each image with a ticket (an iteration_NN folder), a run (then its winner) or a SavedModel. "
    "Images of any size are resized as the ticket says; exit code 1 where some could not be read."
)


class SomeSkipped(UserError):
    """The readable images are done."""

    exit_code = 1


def predict(arguments: Sequence[str] | None = None) -> None:
    options = commands.parsed(_parser(), arguments)
    commands.require_writable(options.csv, "--csv")
    commands.require_paths([options.ticket])
    from tf_dlth.data.sources.files import images_at

    paths = images_at(options.images)
    start_tensorflow()
    from tf_dlth.evaluation.subject import open_subject
    from tf_dlth.tickets.prediction import csv_text, predict_files
    from tf_dlth.training.devices import first_device

    with first_device(options.devices):
        subject = open_subject(options.ticket, options.weights, options.trust)
        found = predict_files(subject, paths, options.top)
    commands.console().print(_table(found.rows))
    if options.csv is not None:
        commands.write_result(options.csv, csv_text(found.rows).encode("utf-8", "surrogateescape"))
    commands.write_json(options.json, [row.record() for row in found.rows])
    for fault in found.faults:
        commands.tell(f"skipped: {fault}")
    if found.faults:
        raise SomeSkipped(f"{len(found.faults)} of {len(paths)} images could not be read")


def _table(rows: Sequence[Prediction]) -> Table:
    table = Table(box=box.SIMPLE_HEAD)
    table.add_column("file", overflow="fold")
    table.add_column("class", overflow="fold")
    table.add_column("probability", justify="right")
    for row in rows:
        table.add_row(printable(row.file, 1000), printable(row.class_name), f"{row.probability:.4f}")
    return table


def _count(text: str) -> int:
    if not text.isdecimal() or int(text) < 1:
        raise argparse.ArgumentTypeError(f"must be a whole number from 1, got {text!r}")
    return int(text)


def _parser() -> commands.Parser:
    parser = commands.parser("predict", DESCRIPTION)
    parser.add_argument("ticket", metavar="TICKET")
    parser.add_argument("images", nargs="+", metavar="IMAGE|FOLDER", help="folders are searched, subfolders included")
    commands.subject_options(parser)
    parser.add_argument("--csv", metavar="FILE", help="write file, class and probability, a row a class")
    parser.add_argument("--top", type=_count, default=1, metavar="N", help="so many classes an image; default: 1")
    return parser


def main(arguments: Sequence[str] | None = None) -> int:
    return commands.main(predict, arguments)


if __name__ == "__main__":
    sys.exit(main())
