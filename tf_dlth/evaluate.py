"""``python -m tf_dlth.evaluate``: the accuracy of tickets, runs and SavedModels."""

from __future__ import annotations

import sys
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any, get_args

from rich import box
from rich.table import Table

from tf_dlth import commands
from tf_dlth.config import WeightsKind
from tf_dlth.startup import start_tensorflow

if TYPE_CHECKING:
    from tf_dlth.data import Examples
    from tf_dlth.evaluation.subject import Subject

DESCRIPTION = (
    "Measures a ticket (an iteration_NN folder), a run (then its winner) or a SavedModel on its own test images or on "
    "others with the same classes."
)


def evaluate(arguments: Sequence[str] | None = None) -> None:
    options = commands.parsed(_parser(), arguments)
    commands.require_paths(options.tickets)
    start_tensorflow()
    console = commands.console()
    records = [_measure(path, options) for path in options.tickets]
    console.print(_table(records))
    if len(records) == 1:
        console.print(_class_table(records[0]))
    commands.write_json(options.json, [record for record, _ in records])


def _measure(path: str, options: Any) -> tuple[dict[str, Any], tuple[str, ...]]:
    from tf_dlth.evaluation.accuracy import measures, predict
    from tf_dlth.evaluation.subject import open_subject
    from tf_dlth.training.devices import first_device

    with first_device(options.devices):
        subject = open_subject(path, options.weights, options.trust)
        name, examples = _images(subject, options)
        measured = dict(measures(predict(subject.predict, examples), examples.labels))
    return {"ticket": path, "weights": subject.weights, "data": name, **measured}, subject.class_names


def _images(subject: Subject, options: Any) -> tuple[str, Examples]:
    """What is measured on, and its name."""
    from tf_dlth.evaluation.images import named_data, other_images, own_images

    config = named_data(subject, options.data, options.data_dir)
    located = commands.locate_data(config) if config else None
    if options.data is not None:
        return options.data, other_images(subject, options.data, located)
    assert located is not None, "the subject's own data has a config"
    return located.dataset, own_images(subject, located)


def _table(records: Sequence[tuple[dict[str, Any], tuple[str, ...]]]) -> Table:
    table = Table(box=box.SIMPLE_HEAD)
    for name in ("accuracy %", "balanced %", "loss", "images"):
        table.add_column(name, justify="right")
    for name in ("data", "weights", "ticket"):
        table.add_column(name, overflow="fold")
    for record, _ in records:
        table.add_row(
            f"{100 * record['accuracy']:.2f}",
            f"{100 * record['balanced_accuracy']:.2f}",
            f"{record['loss']:.4f}",
            f"{record['n']:,}",
            record["data"],
            record["weights"],
            record["ticket"],
        )
    return table


def _class_table(measured: tuple[dict[str, Any], tuple[str, ...]]) -> Table:
    record, class_names = measured
    table = Table(title="recall by class", title_justify="left", title_style="bold", box=box.SIMPLE_HEAD)
    table.add_column("class")
    table.add_column("%", justify="right")
    for name, recall in zip(class_names, record["per_class"], strict=True):
        table.add_row(name, "no images" if recall is None else f"{100 * recall:.2f}")
    return table


def _parser() -> commands.Parser:
    parser = commands.parser("evaluate", DESCRIPTION)
    parser.add_argument("tickets", nargs="+", metavar="TICKET")
    parser.add_argument("--weights", choices=get_args(WeightsKind), help="default: what the ticket's SavedModel holds")
    parser.add_argument("--data", metavar="NAME|FOLDER", help="default: the ticket's own test images")
    parser.add_argument("--trust", action="store_true", help="import an architecture that is not built in")
    return parser


def main(arguments: Sequence[str] | None = None) -> int:
    return commands.main(evaluate, arguments)


if __name__ == "__main__":
    sys.exit(main())
