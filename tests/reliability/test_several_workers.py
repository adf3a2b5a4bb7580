"""One run over several processes, as TF_CONFIG has several machines do it."""

from __future__ import annotations

import json
import os
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import numpy as np
import pytest
from safetensors.numpy import load_file

import tf_dlth
from tf_dlth import experiment
from tf_dlth.config import parse_config
from tf_dlth.lottery.store import verify_run
from tf_dlth.training.devices import mirrored

ROOT = Path(tf_dlth.__file__).parents[1]
NETWORK = """
from tf_keras import Input, Model, layers


def network(input_shape, classes, width):
    images = Input(input_shape)
    x = layers.Conv2D(width, 3, use_bias=False, name="conv")(images)
    x = layers.ReLU(name="relu")(layers.BatchNormalization(name="bn")(x))
    x = layers.Dropout(0.2, name="drop")(x)
    return Model(images, layers.Dense(classes, name="head")(layers.GlobalAveragePooling2D(name="pool")(x)), name="own")
"""
CONFIG = """
name: tiny
data: {dataset: digits, per_class: 5, heldout_per_class: 3}
model: {width: 4, architecture: "several_networks:network"}
training: {epochs: 3, batch_size: 20, evaluate_every: 1}
pruning: {iterations: 1, rewind_epochs: 1}
output: {savedmodel: winner, tensorboard: false, checkpoint_seconds: 0}
"""
LONG = ("training.epochs=150", "training.evaluate_every=50", "pruning.iterations=0")
"""Long enough to be stopped in the midst of it."""

pytestmark = pytest.mark.slow

Start = Callable[..., list[subprocess.Popen[str]]]


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    made = tmp_path_factory.mktemp("several")
    (made / "several_networks.py").write_text(NETWORK)
    (made / "config.yaml").write_text(CONFIG)
    return made


@pytest.fixture(scope="module")
def start(folder: Path) -> Iterator[Start]:
    """Starts a command of ``train`` on two workers, the last one first: ``start("name=both")``."""
    started: list[subprocess.Popen[str]] = []

    def both(*overrides: str, second: tuple[str, ...] = ()) -> list[subprocess.Popen[str]]:
        cluster = {"worker": [f"127.0.0.1:{port}" for port in free_ports()]}
        workers = [
            process(folder, json.dumps({"cluster": cluster, "task": {"type": "worker", "index": index}}), *more)
            for index, more in ((1, (*overrides, *second)), (0, overrides))
        ]
        started.extend(workers)
        return workers[::-1]

    yield both
    for worker in started:
        if worker.poll() is None:
            worker.kill()
            worker.communicate()


def process(folder: Path, tf_config: str, *overrides: str) -> subprocess.Popen[str]:
    kept = {key: value for key, value in os.environ.items() if not key.startswith(("TF_", "PYTHON"))}
    return subprocess.Popen(
        [sys.executable, "-m", "tf_dlth.train", "--config", "config.yaml", "output.directory=out", *overrides],
        cwd=folder, env={**kept, "PYTHONPATH": str(ROOT), "TF_CONFIG": tf_config},
        stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True,
    )  # fmt: skip


def free_ports() -> list[int]:
    with socket.create_server(("127.0.0.1", 0)) as one, socket.create_server(("127.0.0.1", 0)) as other:
        return [one.getsockname()[1], other.getsockname()[1]]


def ended(worker: subprocess.Popen[str], seconds: float = 400) -> tuple[int, str, str]:
    out, err = worker.communicate(timeout=seconds)
    return worker.returncode, out, err


def until_checkpoint(run: Path, seconds: float = 300) -> None:
    end = time.monotonic() + seconds
    while not list((run / "checkpoints").glob("*.json")):
        assert time.monotonic() < end, "no checkpoint yet"
        time.sleep(0.2)


@pytest.fixture(scope="module")
def whole(folder: Path, start: Start) -> Path:
    """The run of two workers that nobody disturbs."""
    chief, other = start("name=whole")
    code, out, err = ended(chief)
    assert (code, err) == (0, "")
    assert "winning ticket by rule" in out
    assert ended(other) == (0, "", "")
    return folder / "out" / "whole"


@pytest.fixture(scope="module")
def long(folder: Path, start: Start) -> Path:
    """A longer one."""
    assert [ended(worker)[0] for worker in start("name=long", *LONG)] == [0, 0]
    return folder / "out" / "long"


def assert_same(run: Path, expected: Path, tolerance: float = 0) -> None:
    names = [path.relative_to(expected) for path in sorted(expected.rglob("*.safetensors"))]
    assert names and names == [path.relative_to(run) for path in sorted(run.rglob("*.safetensors"))]
    for name in names:
        ours, theirs = load_file(run / name), load_file(expected / name)
        exact = name.name == "mask.safetensors" or not tolerance
        for key in theirs:
            np.testing.assert_allclose(ours[key], theirs[key], rtol=0, atol=0 if exact else tolerance, err_msg=key)


def test_two_workers_are_one_process_on_two_devices(
    whole: Path, folder: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
):
    monkeypatch.syspath_prepend(str(folder))
    monkeypatch.setattr(experiment, "strategy_for", lambda devices: mirrored(["/CPU:0", "/CPU:1"]))
    one = experiment.run(parse_config(CONFIG, [f"output.directory={tmp_path}"]))
    assert_same(whole, one.path, 1e-5)
    for ours, theirs in zip(lines(whole), lines(one.path), strict=True):
        assert ours == pytest.approx(theirs, abs=1e-5)


def lines(run: Path) -> list[dict[str, float]]:
    return [json.loads(line) for line in (run / "metrics.jsonl").read_text().splitlines()]


def test_the_folder_is_whole(whole: Path):
    verify_run(whole)
    assert {path.name for path in whole.iterdir()} >= {"config.yaml", "run.json", "iterations.csv", "iteration_01"}
    assert not (whole / ".lock").exists()
    assert not (whole / "checkpoints").exists()


def test_a_finished_run_says_so_once(whole: Path, start: Start):
    chief, other = start("name=whole")
    code, out, err = ended(chief)
    assert (code, err) == (0, "")
    assert "is finished already" in out
    assert ended(other) == (0, "", "")


@pytest.mark.parametrize("number", [0, 1])
def test_a_signal_to_any_worker_stops_all(long: Path, folder: Path, start: Start, number: int):
    name = f"stopped{number}"
    workers = start(f"name={name}", *LONG)
    until_checkpoint(folder / "out" / name)
    workers[number].send_signal(signal.SIGTERM)
    (code, _, told), (other_code, other_out, other_told) = map(ended, workers)
    assert (code, other_code, other_out) == (143, 143, "")
    assert told.startswith("stopped; all is saved in ")
    assert other_told.startswith("stopped; worker 0 (127.0.0.1:")
    assert told.count("\n") == other_told.count("\n") == 1
    assert [ended(worker)[0] for worker in start(f"name={name}", *LONG)] == [0, 0]
    assert_same(folder / "out" / name, long)


@pytest.mark.parametrize("number", [0, 1])
def test_a_worker_that_dies_ends_the_other_in_one_line(long: Path, folder: Path, start: Start, number: int):
    name = f"killed{number}"
    workers = start(f"name={name}", *LONG)
    until_checkpoint(folder / "out" / name)
    workers[number].kill()
    workers[number].communicate()
    code, _, told = ended(workers[1 - number], 90)
    assert code == 2
    assert told.startswith(f"error: worker {number} (127.0.0.1:")
    assert told.count("\n") == 1
    assert [ended(worker)[0] for worker in start(f"name={name}", *LONG)] == [0, 0]
    assert_same(folder / "out" / name, long)


def test_one_machine_goes_on_where_two_stopped(long: Path, folder: Path, start: Start):
    """What it draws for Dropout is other than what two draw, so what comes after the stop differs."""
    workers = start("name=fewer", *LONG)
    until_checkpoint(folder / "out" / "fewer")
    workers[0].send_signal(signal.SIGTERM)
    assert [ended(worker)[0] for worker in workers] == [143, 143]
    alone = {"cluster": {"worker": ["127.0.0.1:1"]}, "task": {"type": "worker", "index": 0}}
    code, _, err = ended(process(folder, json.dumps(alone), "name=fewer", *LONG))
    assert (code, err) == (0, "")
    run = folder / "out" / "fewer"
    verify_run(run)
    assert [line["epoch"] for line in lines(run)] == [50, 100, 150]
    for name in ("initial.safetensors", "rewind.safetensors"):  # of before the stop
        assert (run / name).read_bytes() == (long / name).read_bytes()


def test_workers_of_different_configs_do_not_train(folder: Path, start: Start):
    for code, out, told in map(ended, start("name=different", second=("seed=1",))):
        assert (code, out) == (2, "")
        assert "worker 1 (127.0.0.1:" in told
        assert "has other config than worker 0" in told
        assert told.count("\n") == 1
    assert not (folder / "out" / "different").exists()


def test_what_worker_0_refuses_ends_the_others(folder: Path, start: Start):
    (folder / "out" / "foreign").mkdir(parents=True)
    (folder / "out" / "foreign" / "file").touch()
    chief, other = map(ended, start("name=foreign"))
    assert (chief[0], other[0]) == (2, 2)
    assert "holds files that are no run's" in chief[2]
    assert other[2].startswith("error: worker 0 (127.0.0.1:")
