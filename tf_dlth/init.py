"""``tf-dlth init``: a commented configuration for one's own images."""

from __future__ import annotations

import shlex
import sys
from collections.abc import Sequence
from pathlib import Path

from tf_dlth import commands
from tf_dlth.config.templates import folder_config
from tf_dlth.errors import UserError, printable
from tf_dlth.files import write_bytes

DESCRIPTION = "Writes a commented configuration for a folder of your own images."


def init(arguments: Sequence[str] | None = None) -> None:
    path = Path(_parser().parse_args(arguments).file)
    shown = printable(str(path))
    if path.exists() or path.is_symlink():
        raise UserError(f"{shown} is there already; name another file, or remove it first")
    if not path.absolute().parent.is_dir():
        raise UserError(f"{shown}: there is no folder {printable(str(path.parent))}; make it, or name another")
    if path.suffix not in (".yaml", ".yml"):
        raise UserError(f"{shown}: a configuration is a YAML file; name it {printable(path.stem)}.yaml")
    write_bytes(path, folder_config(path).encode())
    typed = shlex.quote(shown)
    print(f"{shown} is written; next: tf-dlth train --config {typed} --data-dir FOLDER --budget 20m --dry-run")


def _parser() -> commands.Parser:
    parser = commands.Parser(prog="python -m tf_dlth.init", description=DESCRIPTION, allow_abbrev=False)
    parser.add_argument("file", metavar="FILE.yaml", help="the file to write; one that is there is left alone")
    return parser


def main(arguments: Sequence[str] | None = None) -> int:
    return commands.main(init, arguments)


if __name__ == "__main__":
    sys.exit(main())
