"""What every command has in common: options, exit codes, and one line for a mistake."""

from __future__ import annotations

import argparse
import io
import json
import math
import os
import signal
import sys
import tempfile
import threading
import traceback
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from pathlib import Path
from types import FrameType
from typing import IO, TYPE_CHECKING, Any, TextIO, cast, get_args

from tf_dlth.errors import Stopped, UserError, one_line
from tf_dlth.hub import Reference, is_reference
from tf_dlth.startup import heard
from tf_dlth.training.workers import Workers, parse_workers

if TYPE_CHECKING:  # --help needs none of them, and takes as long as what is imported
    from rich.console import Console
    from rich.table import Table

    from tf_dlth.config import DataConfig, Dataset
    from tf_dlth.data import Examples
    from tf_dlth.evaluation.subject import Subject

STANDARD_OUTPUT = 1
SHORT = 30
"""Characters of words in a table that are never broken into lines; headers of numbers make room for them."""
DATA_VARIABLE, WORKERS_VARIABLE, COLUMNS_VARIABLE = "TF_DLTH_DATA", "TF_CONFIG", "COLUMNS"
WIDE = 1000
"""Columns of what is no terminal: no table is broken into lines there."""


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


def subject_options(made: Parser) -> None:
    """The options of every command that opens a ticket."""
    from tf_dlth.config import WeightsKind

    made.add_argument("--weights", choices=get_args(WeightsKind), help="default: what the ticket's SavedModel holds")
    trust = "import an architecture that is not built in, and run a SavedModel that does more than compute"
    made.add_argument("--trust", action="store_true", help=trust)


def parsed(made: Parser, arguments: Sequence[str] | None) -> argparse.Namespace:
    """The options, options and other words in any order; raises UserError for what can be known to be wrong."""
    options = made.parse_intermixed_args(arguments)
    require_writable(options.json)
    return options


def main(command: Callable[[Sequence[str] | None], None], arguments: Sequence[str] | None = None) -> int:
    """Runs a command: 0, 2 after a user's mistake, 1 after a fault of ours, 128 + the signal after one."""
    try:
        with _signals_heard():
            command(arguments)
    except UserError as error:
        return tell(f"error: {error}", error.exit_code)
    except Stopped as stopped:
        return tell(str(stopped), stopped.exit_code)
    except Interrupted as stopped:
        line = "stopped; the same command starts again, or goes on from what was saved before"
        return tell(line, 128 + stopped.signal_number)
    except Exception as error:
        return tell(f"error: unexpected {type(error).__name__}: {error}; the traceback is in {_logged()}", 1)
    return 0


def tell(line: str, exit_code: int = 0) -> int:
    """Prints one line to standard error, where there is one; whatever came from a file in it is made printable."""
    with suppress(OSError):
        print(one_line(line), file=sys.stderr, flush=True)
    return exit_code


def _logged() -> str:
    """The file that holds the current traceback."""
    with tempfile.NamedTemporaryFile("w", prefix="tf_dlth-", suffix=".log", delete=False, encoding="utf-8") as file:
        traceback.print_exc(file=file)
    return file.name


class Interrupted(BaseException):
    """A signal where no state is to be saved, or again while it is saved."""

    def __init__(self, signal_number: int) -> None:
        super().__init__(signal_number)
        self.signal_number = signal_number


@contextmanager
def _signals_heard() -> Iterator[None]:
    """Lets the signals that stop a run unwind the command; they can be set in the main thread alone."""

    def stop(number: int, frame: FrameType | None) -> None:
        raise Interrupted(number)

    if threading.current_thread() is not threading.main_thread():
        yield
        return
    before = {number: signal.signal(number, stop) for number in heard()}
    try:
        yield
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)


class Lasting(io.TextIOBase):
    """A stream that is written to for as long as it takes it: a run goes on without its terminal, or a full log."""

    def __init__(self, stream: TextIO) -> None:
        self._stream: TextIO | None = stream
        self._isatty, self._encoding = stream.isatty(), stream.encoding

    @property
    def encoding(self) -> str:  # type: ignore[override]
        return self._encoding

    def isatty(self) -> bool:
        return self._isatty

    def fileno(self) -> int:
        return self._stream.fileno() if self._stream else -1

    def write(self, text: str) -> int:
        self._try(lambda stream: stream.write(text))
        return len(text)

    def flush(self) -> None:
        self._try(lambda stream: stream.flush())

    def _try(self, action: Callable[[TextIO], object]) -> None:
        if self._stream is None:
            return
        try:
            action(self._stream)
        except (OSError, ValueError):
            self._stream = None
            # What is left in its buffer would fail once more at the end of the process.
            with suppress(OSError, ValueError):
                os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())


def console() -> Console:
    """Standard output as every command prints to it: text is text, without markup, smileys or colours for numbers."""
    from rich.console import Console

    out = Lasting(sys.stdout)
    width = None if out.isatty() or COLUMNS_VARIABLE in os.environ else WIDE
    return Console(file=cast(IO[str], out), width=width, markup=False, emoji=False, highlight=False)


def locate_data(data: DataConfig) -> DataConfig:
    """Fills in ``data_dir`` from the environment variable TF_DLTH_DATA where a TFDS set has none of its own."""
    from tf_dlth.config.schema import PREPARED

    directory = os.environ.get(DATA_VARIABLE)
    if directory and data.data_dir is None and data.dataset in PREPARED:
        return data.model_copy(update={"data_dir": directory})
    return data


def data_dirs(given: str | None) -> dict[Dataset, str]:
    """Where datasets lie: ``--data-dir``, or TF_DLTH_DATA for those that tensorflow_datasets prepares."""
    from tf_dlth.config import DataConfig, Dataset

    found = {name: locate_data(DataConfig(dataset=name)).data_dir for name in get_args(Dataset)}
    return {name: place for name, known in found.items() if (place := given or known) and name != "digits"}


def workers() -> Workers | None:
    """The machines that the environment variable TF_CONFIG names, and which of them this is; None where it is one."""
    return parse_workers(os.environ.get(WORKERS_VARIABLE))


def cache_folder() -> Path | None:
    """Where results are kept between commands; None where there is no home."""
    home = os.environ.get("XDG_CACHE_HOME") or (f"{os.environ['HOME']}/.cache" if "HOME" in os.environ else None)
    return Path(home) / "tf_dlth" if home else None


def test_images(subject: Subject, data: str | None, data_dir: str | None) -> tuple[str, Examples]:
    """The test images that ``--data`` means, the subject's own without it, and their name."""
    from tf_dlth.evaluation.images import named_data, read_images

    config = named_data(subject, data, data_dir)
    located = locate_data(config) if config else None
    return data or (located.dataset if located else ""), read_images(subject, data, located)


def table(rows: Sequence[Mapping[str, str]], width: int = WIDE) -> Table:
    """Rows under the first one's keys; words stand to the left and numbers to the right.

    Where the whole is wider than ``width``, the paths that head its columns are broken after a slash.
    """
    from rich import box
    from rich.table import Table

    made = Table(box=box.SIMPLE_HEAD)
    longest = {name: max(len(row[name]) for row in rows) for name in rows[0]}
    fits = sum(max(len(name), cell) + 3 for name, cell in longest.items()) < width
    for name, cell in longest.items():
        number = all(row[name].lstrip("+-")[:1].isdigit() or row[name] == "-" for row in rows)
        if number:
            header = name if fits else name.replace("/", "/\n")
            made.add_column(header, justify="right", overflow="fold", min_width=cell)
        else:
            made.add_column(name, overflow="fold", no_wrap=cell <= SHORT)
    for row in rows:
        made.add_row(*row.values())
    return made


def require_paths(paths: Sequence[str]) -> None:
    """Raises UserError, before TensorFlow's seconds of start-up, for a path that is not there or names no commit."""
    for path in paths:
        if is_reference(path):
            Reference.parse(path)
        elif not Path(path).is_dir():
            raise UserError(f"{path} does not exist or is no folder")


def require_writable(path: str | None, option: str = "--json") -> None:
    """Raises UserError for a result's file that cannot be written, before the work is done."""
    if path is None:
        return
    file = Path(path)
    folder = next(parent for parent in file.absolute().parents if parent.exists())
    if file.is_dir() or not folder.is_dir() or not os.access(file if file.exists() else folder, os.W_OK):
        raise UserError(f"{option} {path}: cannot be written there; name a file in a folder of yours")


def write_json(path: str | None, records: Sequence[Any]) -> None:
    """Writes ``--json`` if it was given."""
    if path is not None:
        write_result(path, (json.dumps(_numbers(list(records)), indent=2, allow_nan=False) + "\n").encode())


def write_result(path: str, content: bytes) -> None:
    """Writes a result's file whole; a device, a pipe or what a link leads to is written through."""
    from tf_dlth import files

    file = Path(path)
    if not file.is_symlink() and (file.is_file() or not file.exists()):
        files.write_bytes(file, content)
        return
    try:
        # /dev/stdout may be a file that holds what was printed before: opened anew it would be emptied.
        own = file.exists() and os.path.samestat(file.stat(), os.fstat(STANDARD_OUTPUT))
        sys.stdout.flush()
        with open(STANDARD_OUTPUT if own else file, "wb", closefd=not own) as stream:
            stream.write(content)
    except OSError as error:
        raise files.cannot_write(file, error) from None


def _numbers(tree: Any) -> Any:
    """JSON has no NaN and no infinity: null."""
    if isinstance(tree, dict):
        return {key: _numbers(value) for key, value in tree.items()}
    if isinstance(tree, list | tuple):
        return [_numbers(value) for value in tree]
    return None if isinstance(tree, float) and not math.isfinite(tree) else tree


def overrides(arguments: argparse.Namespace) -> list[str]:
    """The ``key.path=value`` words, with ``--data-dir`` as one of them."""
    extra = [f"data.data_dir={arguments.data_dir}"] if arguments.data_dir is not None else []
    return [*arguments.overrides, *extra]
