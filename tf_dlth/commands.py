"""What every command has in common: options, exit codes, and one line for a mistake."""

from __future__ import annotations

import argparse
import json
import os
import signal
import sys
import threading
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from types import FrameType
from typing import Any

from tf_dlth import files
from tf_dlth.config import DataConfig
from tf_dlth.errors import Stopped, UserError

DATA_VARIABLE = "TF_DLTH_DATA"


class Parser(argparse.ArgumentParser):
    """An argument parser whose mistakes are one line on standard error."""

    def error(self, message: str) -> Any:
        raise UserError(f"{message}; see {self.prog} --help")


def parser(command: str, description: str) -> Parser:
    """A parser for ``python -m tf_dlth.COMMAND`` with the options that all commands take."""
    made = Parser(prog=f"python -m tf_dlth.{command}", description=description, allow_abbrev=False)
    made.add_argument("--data-dir", metavar="DIR", help="TFDS directory, image folder or file (data.data_dir)")
    made.add_argument("--devices", default="all", metavar="all|cpu|gpu:0,1", help="default: all")
    made.add_argument("--json", metavar="FILE", help="write the result as a JSON list")
    return made


def main(command: Callable[[Sequence[str] | None], None], arguments: Sequence[str] | None = None) -> int:
    """Runs a command: 0, 2 after a user's mistake, 130 after Ctrl-C, 143 after SIGTERM."""
    try:
        with _sigterm_heard():
            command(arguments)
    except UserError as error:
        print(f"error: {' '.join(str(error).split())}", file=sys.stderr)
        return error.exit_code
    except Stopped as stopped:
        print(str(stopped), file=sys.stderr)
        return stopped.exit_code
    except KeyboardInterrupt as stopped:
        print("stopped; the same command starts again, or goes on from what was saved before", file=sys.stderr)
        return 143 if isinstance(stopped, Terminated) else 130
    return 0


class Terminated(KeyboardInterrupt):
    """SIGTERM where no state is to be saved, or again while it is saved."""


@contextmanager
def _sigterm_heard() -> Iterator[None]:
    """Lets SIGTERM unwind the command as Ctrl-C does; signals can be set in the main thread alone."""

    def stop(number: int, frame: FrameType | None) -> None:
        raise Terminated

    if threading.current_thread() is not threading.main_thread():
        yield
        return
    before = signal.signal(signal.SIGTERM, stop)
    try:
        yield
    finally:
        signal.signal(signal.SIGTERM, before)


def locate_data(data: DataConfig) -> DataConfig:
    """Fills in ``data_dir`` from the environment variable TF_DLTH_DATA where a TFDS set has none of its own."""
    from tf_dlth.data.catalogue import FACTS

    directory = os.environ.get(DATA_VARIABLE)
    if directory and data.data_dir is None and FACTS[data.dataset].prepared:
        return data.model_copy(update={"data_dir": directory})
    return data


def require_paths(paths: Sequence[str]) -> None:
    """Raises UserError for the first path that is not there, before TensorFlow's seconds of start-up."""
    for path in paths:
        if not Path(path).is_dir():
            raise UserError(f"{path} does not exist or is no folder")


def write_json(path: str | None, records: Sequence[Any]) -> None:
    """Writes ``--json`` if it was given."""
    if path is not None:
        files.write_bytes(Path(path), (json.dumps(list(records), indent=2) + "\n").encode())


def overrides(arguments: argparse.Namespace) -> list[str]:
    """The ``key.path=value`` words, with ``--data-dir`` as one of them."""
    extra = [f"data.data_dir={arguments.data_dir}"] if arguments.data_dir is not None else []
    return [*arguments.overrides, *extra]
