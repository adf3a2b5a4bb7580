"""Real processes, really killed: the same command goes on, and ends with the same bits."""

from __future__ import annotations

import importlib
import json
import os
import random
import shutil
import signal
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

import tf_dlth
from tf_dlth import preparation, train
from tf_dlth.config import Config
from tf_dlth.experiment import run
from tf_dlth.reporting.figures.run import Figures
from tf_dlth.reporting.tensorboard import TensorBoard
from tf_dlth.runs.checkpoint import CheckpointStore
from tf_dlth.runs.lock import locked
from tf_dlth.training.session import Session

SIGNALLED = Path(__file__).with_name("signalled.py")
STEP = "tf_dlth.training.session:Session._after_call"
PLACES = (
    ("os:replace", 35),
    (STEP, 7),
    ("os:fsync", 60),
    ("tf_dlth.lottery.imp:prune", 2),
    ("tf_dlth.lottery.imp:rewind", 2),
    ("tf_dlth.tickets.saved_model:write", 3),
    ("tf_dlth.reporting.tensorboard:TensorBoard.iteration_ended", 3),
    ("tf_dlth.lottery.store:TicketStore.choose_winner", 1),
)
"""Where a process is killed, and how often a run comes by at least."""
KILLS = int(os.environ.get("TF_DLTH_KILLS", "25"))
Result = Callable[[Path], dict[str, Any]]
Process = Callable[..., subprocess.CompletedProcess[str]]


@pytest.fixture
def process(tmp_path: Path) -> Process:
    """Runs Python in ``tmp_path``, with this package importable, and nothing of TensorFlow silenced from outside."""
    kept = {key: value for key, value in os.environ.items() if not key.startswith(("TF_", "PYTHON"))}
    own = {"PYTHONPATH": str(Path(tf_dlth.__file__).parents[1]), "XDG_CACHE_HOME": str(tmp_path / "cache")}
    environment = {**kept, **own}

    def start(*words: object) -> subprocess.CompletedProcess[str]:
        command = [sys.executable, *map(str, words)]
        return subprocess.run(
            command, cwd=tmp_path, env=environment, capture_output=True, text=True, timeout=1800, check=False
        )

    return start


def config_file(config: Config, folder: Path) -> Path:
    path = folder / "config.yaml"
    path.write_text(config.to_yaml())
    return path


def test_r02_killed_stopped_and_interrupted_one_after_the_other(
    process: Process,
    quick: Callable[..., Config],
    own_networks: str,
    result: Result,
    scalars: Callable[[Path], dict],
    tmp_path: Path,
) -> None:
    """One run in five processes: the first four die in training and in writing, or stop on a signal."""
    shutil.copy(str(importlib.import_module(own_networks).__file__), tmp_path)
    path = tmp_path / "runs" / "tiny"
    config = quick(f"output.directory={path.parent}")
    words = ("tf_dlth.train", "--config", config_file(config, tmp_path))
    saved_often = "output.checkpoint_seconds=0"

    died = process(SIGNALLED, "SIGKILL", STEP, 4, *words, saved_often)
    assert died.returncode == -9, died.stderr
    assert (path / "metrics.jsonl").read_text().count("\n") == 2

    stopped = process(SIGNALLED, "SIGTERM", STEP, 1, *words)
    assert (stopped.returncode, stopped.stderr) == (143, told(path))

    interrupted = process(SIGNALLED, "SIGINT", "tf_dlth.evaluation.scoring:predict", 2, *words)
    assert (interrupted.returncode, interrupted.stderr) == (130, told(path))
    assert list((path / "checkpoints").glob("*.json"))

    died = process(SIGNALLED, "SIGKILL", "os:replace", 12, *words, saved_often)
    assert died.returncode == -9, died.stderr
    assert list(path.rglob(".partial-*"))

    finished = process("-m", *words)
    assert (finished.returncode, finished.stderr) == (0, "")
    assert_quiet(finished.stdout)
    whole = run(quick(f"output.directory={tmp_path / 'whole'}"), observers=[Figures(), TensorBoard()]).path
    assert result(path) == result(whole)
    assert scalars(path) == scalars(whole)


def told(path: Path) -> str:
    return f"stopped; all is saved in {path}, and the same command goes on from there\n"


def assert_quiet(output: str) -> None:
    for noise in ("oneDNN", "cuda", "absl", "Warning", "keras_cv", "keras-cv", "tensorflow_datasets", "INFO:", "I0000"):
        assert noise not in output


@pytest.mark.slow
@pytest.mark.parametrize("draw", range(KILLS))
def test_r01_killed_at_a_drawn_moment(
    process: Process, finished: Any, tiny: Callable[..., Config], result: Result, draw: int, tmp_path: Path
) -> None:
    """Each place in turn, at a drawn call; most with a checkpoint at every epoch, some as seldom as usual."""
    where, calls = PLACES[draw % len(PLACES)]
    often = ("output.checkpoint_seconds=0",) if draw // len(PLACES) % 4 != 1 else ()
    words = ("tf_dlth.train", "--config", config_file(tiny(tmp_path / "runs", *often), tmp_path))
    died = process(SIGNALLED, "SIGKILL", where, random.Random(f"kill {draw}").randint(1, calls), *words)
    assert died.returncode == -9, died.stderr
    done = process("-m", *words)
    assert (done.returncode, done.stderr) == (0, "")
    expected = result(finished.path)
    found = result(tmp_path / "runs" / "tiny")
    assert found.keys() == expected.keys()
    assert {name for name in found if found[name] != expected[name]} <= {"config.yaml"}


def test_evaluating_says_its_result_and_nothing_else(process: Process, finished: Any, tmp_path: Path) -> None:
    done = process("-m", "tf_dlth.evaluate", finished.path, finished.path / "iteration_00", "--json", "found.json")
    assert (done.returncode, done.stderr) == (0, "")
    assert_quiet(done.stdout)
    assert [record["weights"] for record in json.loads((tmp_path / "found.json").read_text())] == ["heldout", "heldout"]


@pytest.mark.parametrize(("signal_name", "code"), [("SIGTERM", 143), ("SIGINT", 130)])
def test_r02_a_signal_while_evaluating(
    process: Process, finished: Any, signal_name: str, code: int, tmp_path: Path
) -> None:
    where = "tf_dlth.data.pipeline:evaluation_batches" if code == 143 else "tf_dlth.evaluation.subject:load_ticket"
    words = ("tf_dlth.evaluate", finished.path, "--json", "found.json")
    stopped = process(SIGNALLED, signal_name, where, 1, *words)
    assert stopped.returncode == code
    assert stopped.stderr.count("\n") == 1
    assert "the same command starts again" in stopped.stderr
    assert not list(tmp_path.iterdir())


# In this process, as the signals' handlers are set anew by every command


@pytest.fixture(autouse=True)
def signals_are_heard() -> Iterator[None]:
    """A shell's background jobs ignore Ctrl-C, nohup's the end of a terminal, and so would the tests."""
    usual = {signal.SIGINT: signal.default_int_handler, signal.SIGHUP: signal.SIG_DFL}
    before = {number: signal.signal(number, handler) for number, handler in usual.items()}
    yield
    for number, handler in before.items():
        signal.signal(number, handler)


@pytest.fixture
def command(quick: Callable[..., Config], tmp_path: Path) -> Callable[..., int]:
    """The train command on a quick run, in this process."""
    file = config_file(quick(), tmp_path)
    return lambda *words: train.main(["--config", str(file), *words])


def at_call(call: int, act: Callable[[], None], original: Callable[..., Any]) -> Callable[..., Any]:
    """``original``, with ``act`` before its work at the n-th call."""
    calls = iter(range(1, 1_000_000))

    def counted(*args: Any, **kwargs: Any) -> Any:
        if next(calls) == call:
            act()
        return original(*args, **kwargs)

    return counted


@pytest.mark.parametrize(("signal_name", "code"), [("SIGINT", 130), ("SIGTERM", 143), ("SIGHUP", 129)])
def test_r02_a_second_signal_while_saving_leaves_the_checkpoint_before(
    command: Callable[..., int],
    quick: Callable[..., Config],
    result: Result,
    signal_name: str,
    code: int,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capfd: pytest.CaptureFixture[str],
) -> None:
    number, real, sent = signal.Signals[signal_name], CheckpointStore._json, []

    def first() -> None:
        sent.append(number)
        os.kill(os.getpid(), number)

    def named(store: CheckpointStore, generation: int) -> Path:
        if len(sent) == 1:
            first()
        return real(store, generation)

    monkeypatch.setattr(Session, "_after_call", at_call(5, first, Session._after_call))
    monkeypatch.setattr(CheckpointStore, "_json", named)
    assert command("output.checkpoint_seconds=0") == code
    error = capfd.readouterr().err
    assert error.count("\n") == 1
    assert "all is saved" not in error and "goes on from what was saved before" in error
    path = tmp_path / "tiny"
    assert len(list((path / "checkpoints").glob("*.json"))) == 2
    assert len(list((path / "checkpoints").glob("*.safetensors"))) == 3, "the signal came between the two files"

    monkeypatch.undo()
    assert command("output.checkpoint_seconds=0") == 0
    whole = run(quick(f"output.directory={tmp_path / 'whole'}", "output.checkpoint_seconds=0"), observers=[Figures()])
    assert result(path) == result(whole.path)


@pytest.mark.parametrize(("signal_name", "code"), [("SIGINT", 130), ("SIGTERM", 143), ("SIGHUP", 129)])
def test_r02_a_signal_before_there_is_anything_to_save(
    command: Callable[..., int],
    signal_name: str,
    code: int,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capfd: pytest.CaptureFixture[str],
) -> None:
    def send() -> None:
        os.kill(os.getpid(), signal.Signals[signal_name])

    monkeypatch.setattr(preparation, "load_data", at_call(1, send, preparation.load_data))
    assert command() == code
    assert capfd.readouterr().err == "stopped; the same command starts again, or goes on from what was saved before\n"
    assert not (tmp_path / "tiny").exists()


def test_r07_a_second_process_is_refused(
    command: Callable[..., int], tmp_path: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    with locked(tmp_path / "tiny"):
        assert command() == 2
        assert capfd.readouterr().err == (
            f"error: {tmp_path / 'tiny'} is in use by process {os.getpid()}; wait until it ends, or end it\n"
        )
        assert command() == 2  # the refused one took nothing with it
    assert not (tmp_path / "tiny").exists()
