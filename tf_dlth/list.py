"""``python -m tf_dlth.list``: the runs of a folder in a table."""

from __future__ import annotations

import sys
from collections.abc import Sequence
from pathlib import Path

from tf_dlth import commands
from tf_dlth.config import OutputConfig
from tf_dlth.reporting.layout import print_sentences
from tf_dlth.reporting.listing import list_runs, reasons, runs_table

DESCRIPTION = (
    "Lists the runs of a folder: data, network, the winner's density, test accuracies of the dense network and of the "
    "winner under the run's own rule, status and size on disk. Digests of large files are not checked."
)


def show(arguments: Sequence[str] | None = None) -> None:
    options = commands.parsed(_parser(), arguments)
    commands.require_paths([options.folder])
    runs = list_runs(Path(options.folder))
    console = commands.console()
    if runs:
        console.print(runs_table(runs))
        print_sentences(console, reasons(runs))
    else:
        console.print(f"{options.folder} holds no runs", soft_wrap=True)
    commands.write_json(options.json, [run.record() for run in runs])


def _parser() -> commands.Parser:
    parser = commands.parser("list", DESCRIPTION)
    default = OutputConfig().directory
    parser.add_argument("folder", nargs="?", default=default, metavar="DIR", help=f"default: {default}")
    return parser


def main(arguments: Sequence[str] | None = None) -> int:
    return commands.main(show, arguments)


if __name__ == "__main__":
    sys.exit(main())
