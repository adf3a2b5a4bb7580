"""``python -m tf_dlth.export``: a ticket as a SavedModel, a smaller one, or a file for LiteRT or ONNX."""

from __future__ import annotations

import sys
from collections.abc import Sequence
from pathlib import Path

from tf_dlth import commands, files
from tf_dlth.errors import UserError
from tf_dlth.exporting.packages import PACKAGES, require
from tf_dlth.startup import start_tensorflow

DESCRIPTION = (
    "Writes a ticket (an iteration_NN folder) or a run's winner for use elsewhere, and compares what was written with "
    "the ticket on its own test images; exit code 1, and no folder, where an image would get another class."
)


def export(arguments: Sequence[str] | None = None) -> None:
    options = commands.parsed(_parser(), arguments)
    commands.require_paths([options.ticket])
    if options.int8 and options.format != "tflite":
        raise UserError(f"--int8: --format {options.format} has floating-point numbers alone; take tflite")
    files.require_free(Path(options.out), "--out")
    require(options.format)
    start_tensorflow()
    from tf_dlth.exporting.export import Order, write_export
    from tf_dlth.reporting.exporting import export_table
    from tf_dlth.training.devices import first_device

    order = Order(
        options.ticket,
        options.format,
        Path(options.out),
        options.weights,
        options.int8,
        options.data_dir,
        options.trust,
    )
    console = commands.console()
    with first_device(options.devices), console.status(f"exporting {options.ticket}"):
        record = write_export(order, commands.locate_data)
    console.print(export_table(record))
    console.print(f"{options.out}: {options.format}; what is above is in export.json", soft_wrap=True)
    commands.write_json(options.json, [record])


def _parser() -> commands.Parser:
    parser = commands.parser("export", DESCRIPTION)
    parser.add_argument("ticket", metavar="TICKET")
    parser.add_argument("--format", required=True, choices=list(PACKAGES), help="compact has no channels that are dead")
    parser.add_argument("--out", required=True, metavar="DIR", help="a folder that does not exist, or is empty")
    parser.add_argument("--int8", action="store_true", help="tflite in whole numbers of 8 bits, as some chips need")
    commands.subject_options(parser)
    return parser


def main(arguments: Sequence[str] | None = None) -> int:
    return commands.main(export, arguments)


if __name__ == "__main__":
    sys.exit(main())
