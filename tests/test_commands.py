"""Words of a command line, in any order; what is written where; how a command ends."""

from __future__ import annotations

import importlib
import io
import json
import os
import signal
import sys
import threading
from collections.abc import Sequence
from pathlib import Path
from typing import Any, cast

import pytest
from rich.console import Console
from rich.table import Table

from tf_dlth import commands
from tf_dlth.errors import Stopped, UserError


@pytest.mark.parametrize("name", ["train", "pretrain"])
def test_overrides_stand_on_either_side_of_an_option(name: str) -> None:
    parser = importlib.import_module(f"tf_dlth.{name}")._parser()
    words = ["a.b=1", "--config", "x.yaml", "c=2", "--json", "out.json", "d=3", "--data-dir", "images"]
    options = parser.parse_intermixed_args(words)
    assert commands.overrides(options) == ["a.b=1", "c=2", "d=3", "data.data_dir=images"]
    assert (options.config, options.json) == ("x.yaml", "out.json")


def test_several_tickets_around_an_option() -> None:
    from tf_dlth.evaluate import _parser

    options = _parser().parse_intermixed_args(["one", "--weights", "last", "two"])
    assert options.tickets == ["one", "two"]


@pytest.mark.parametrize(
    ("data", "expected"),
    [
        ({"dataset": "cifar10"}, "images"),
        ({"dataset": "cifar10", "data_dir": "own"}, "own"),
        ({"dataset": "digits"}, None),
    ],
)
def test_the_variable_stands_in_for_a_tfds_directory(
    monkeypatch: pytest.MonkeyPatch, data: dict[str, str], expected: str | None
) -> None:
    from tf_dlth.config import DataConfig

    monkeypatch.setenv("TF_DLTH_DATA", "images")
    assert commands.locate_data(DataConfig.model_validate(data)).data_dir == expected


def test_a_table_breaks_headers_before_numbers_and_names() -> None:
    runs = {f"run-{k}/iteration_15 %": "12.50" for k in range(4)}
    rows = [{"layer": f"stage{n}_block1_shortcut/kernel", **runs} for n in (1, 2)]
    text = io.StringIO()
    Console(file=text, width=80).print(commands.table(rows))
    lines = text.getvalue().splitlines()
    assert [line.split() for line in lines if "12.50" in line] == [list(row.values()) for row in rows]
    assert max(map(len, lines)) <= 80


def test_json_is_a_list(tmp_path: Path) -> None:
    commands.write_json(str(tmp_path / "out.json"), [{"a": 1}])
    assert json.loads((tmp_path / "out.json").read_text()) == [{"a": 1}]


@pytest.mark.parametrize("nothing", [float("nan"), float("inf"), -float("inf")])
def test_json_has_null_for_what_is_no_number(tmp_path: Path, nothing: float) -> None:
    record = {"loss": nothing, "per_class": (1.0, nothing), "deep": [{"a": nothing}]}
    commands.write_json(str(tmp_path / "out.json"), [record])
    (record,) = json.loads((tmp_path / "out.json").read_text())
    assert record == {"loss": None, "per_class": [1.0, None], "deep": [{"a": None}]}


def test_json_to_a_device(capfd: pytest.CaptureFixture[str]) -> None:
    """After what was printed, which may lie in a file by now."""
    print("a table")
    for path in ("/dev/stdout", "/dev/null"):
        commands.require_writable(path)
        commands.write_json(path, [{"a": 1}])
    first, _, rest = capfd.readouterr().out.partition("\n")
    assert (first, json.loads(rest)) == ("a table", [{"a": 1}])
    assert not Path("/dev/null").is_file()


def test_json_to_a_pipe(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "pipe")
    commands.require_writable(str(tmp_path / "pipe"))
    read: list[str] = []
    reader = threading.Thread(target=lambda: read.append((tmp_path / "pipe").read_text()))
    reader.start()
    commands.write_json(str(tmp_path / "pipe"), [{"a": 1}])
    reader.join()
    assert json.loads(read[0]) == [{"a": 1}]


def test_json_through_a_link(tmp_path: Path) -> None:
    (tmp_path / "folder").mkdir()
    (tmp_path / "link.json").symlink_to(tmp_path / "folder" / "out.json")
    commands.require_writable(str(tmp_path / "link.json"))
    commands.write_json(str(tmp_path / "link.json"), [])
    assert (tmp_path / "link.json").is_symlink()
    assert json.loads((tmp_path / "folder" / "out.json").read_text()) == []


def test_json_to_a_full_device() -> None:
    with pytest.raises(UserError, match="cannot write /dev/full: No space left on device"):
        commands.write_json("/dev/full", [{"a": 1}])


def test_json_where_it_cannot_be_is_told_before_the_work(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    for path in (tmp_path, tmp_path / "file" / "out.json"):
        with pytest.raises(UserError, match=f"^--json {path}: cannot be written there"):
            commands.require_writable(str(path))
    commands.require_writable(str(tmp_path / "not" / "there" / "yet.json"))
    commands.require_writable(None)


# How a command ends


def ended(capfd: pytest.CaptureFixture[str], error: BaseException) -> tuple[int, str]:
    def command(arguments: Sequence[str] | None) -> None:
        raise error

    code = commands.main(command)
    written = capfd.readouterr()
    assert written.out == ""
    assert written.err.count("\n") == 1 and written.err.endswith("\n")
    return code, written.err.rstrip("\n")


@pytest.mark.parametrize(
    ("error", "code", "line"),
    [
        (UserError("data.fit: no such thing"), 2, "error: data.fit: no such thing"),
        (UserError("two\nlines"), 2, "error: two lines"),
        (UserError("\x1b[2Jclear \u202e.png"), 2, r"error: \x1b[2Jclear \u202e.png"),
        (Stopped(signal.SIGHUP, "stopped; all is saved"), 129, "stopped; all is saved"),
        (Stopped(signal.SIGINT, "stopped"), 130, "stopped"),
        (
            commands.Interrupted(signal.SIGTERM),
            143,
            "stopped; the same command starts again, or goes on from what was saved before",
        ),
    ],
)
def test_one_line_and_the_exit_code(
    error: BaseException, code: int, line: str, capfd: pytest.CaptureFixture[str]
) -> None:
    assert ended(capfd, error) == (code, line)


def test_a_line_is_never_long(capfd: pytest.CaptureFixture[str]) -> None:
    code, line = ended(capfd, UserError("a" * 5000 + "the way out"))
    assert (code, len(line)) == (2, 1000)
    assert line.startswith("error: aaa") and line.endswith("the way out")


def test_what_nobody_expected_is_one_line_and_a_log(
    capfd: pytest.CaptureFixture[str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(commands.tempfile, "tempdir", str(tmp_path))
    code, line = ended(capfd, ZeroDivisionError("a \x1b bug"))
    (log,) = tmp_path.iterdir()
    assert (code, line) == (1, rf"error: unexpected ZeroDivisionError: a \x1b bug; the traceback is in {log}")
    text = log.read_text()
    assert text.startswith("Traceback") and "raise error" in text


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM, signal.SIGHUP])
def test_r02_a_signal_unwinds_a_command(number: signal.Signals, capfd: pytest.CaptureFixture[str]) -> None:
    before = signal.signal(number, signal.SIG_DFL)
    try:
        assert commands.main(lambda arguments: os.kill(os.getpid(), number)) == 128 + number
        assert signal.getsignal(number) == signal.SIG_DFL
    finally:
        signal.signal(number, before)
    assert "the same command starts again" in capfd.readouterr().err


def test_r02_nohup_is_respected(capfd: pytest.CaptureFixture[str]) -> None:
    before = signal.signal(signal.SIGHUP, signal.SIG_IGN)
    try:
        assert commands.main(lambda arguments: os.kill(os.getpid(), signal.SIGHUP)) == 0
    finally:
        signal.signal(signal.SIGHUP, before)


# What is printed


def test_text_is_text(monkeypatch: pytest.MonkeyPatch) -> None:
    written = io.StringIO()
    monkeypatch.setattr(sys, "stdout", written)
    table = Table()
    table.add_column("class")
    table.add_row("cat [red]")
    console = commands.console()
    console.print("dog [/] :smile: [bold]", soft_wrap=True)
    console.print(table)
    assert "dog [/] :smile: [bold]" in written.getvalue()
    assert "cat [red]" in written.getvalue()


class Broken(io.StringIO):
    """A stream whose other end has gone."""

    def write(self, text: str) -> int:
        raise BrokenPipeError


def test_a_stream_that_takes_no_more_is_left_alone(monkeypatch: pytest.MonkeyPatch) -> None:
    moved: list[Any] = []
    monkeypatch.setattr(commands.os, "dup2", lambda *words: moved.append(words))
    stream = commands.Lasting(Broken())
    assert stream.write("one") == 3
    assert stream.write("two") == 3
    stream.flush()
    assert cast(Any, stream)._stream is None


def test_datasets_lie_where_the_option_or_the_environment_says(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("TF_DLTH_DATA", "prepared")
    assert commands.data_dirs(None) == {"cifar10": "prepared", "cifar100": "prepared", "imagenet2012": "prepared"}
    given = commands.data_dirs("given")
    assert given["cifar10"] == given["folder"] == "given" and "digits" not in given
