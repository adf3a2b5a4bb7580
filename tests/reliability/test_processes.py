"""Real processes, where nobody is left to hear them, or a signal comes before anything has begun."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

import tf_dlth
from tf_dlth import train
from tf_dlth.config import Config

ROOT = Path(tf_dlth.__file__).parents[1]


def environment() -> dict[str, str]:
    kept = {key: value for key, value in os.environ.items() if not key.startswith(("TF_", "PYTHON"))}
    return {**kept, "PYTHONPATH": str(ROOT)}


@pytest.fixture
def linear(tiny: Callable[..., Config], tmp_path: Path) -> Path:
    """A config file of the smallest run there is; its network lies beside it."""
    (tmp_path / "smallest.py").write_text(SMALLEST)
    path = tmp_path / "config.yaml"
    asked = ("model.architecture=smallest:network", "pruning.iterations=0", "training.epochs=2")
    path.write_text(tiny(tmp_path, *asked).to_yaml())
    return path


SMALLEST = """
from tf_keras import Input, Model, layers


def network(input_shape, classes, width):
    images = Input(input_shape)
    x = layers.GlobalAveragePooling2D()(layers.Conv2D(width, 3, name="conv")(images))
    return Model(images, layers.Dense(classes, name="head")(x), name="own")
"""


def shell(line: str, folder: Path) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        ["bash", "-o", "pipefail", "-c", line], cwd=folder, env=environment(), capture_output=True, text=True,
        timeout=600, check=False,
    )  # fmt: skip


@pytest.mark.parametrize("output", ["| head -n 1", "> /dev/full"])
def test_a_run_goes_on_without_its_output(linear: Path, output: str) -> None:
    done = shell(f"{sys.executable} -m tf_dlth.train --config config.yaml {output}", linear.parent)
    assert (done.returncode, done.stderr) == (0, "")
    assert json.loads((linear.parent / "tiny" / "run.json").read_text())["status"] == "finished"


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM, signal.SIGHUP])
def test_r02_a_signal_while_the_command_is_imported(tmp_path: Path, number: signal.Signals) -> None:
    """It comes with the first module that the package asks for after its own start."""
    (tmp_path / "argparse.py").write_text(f"import os\nos.kill(os.getpid(), {int(number)})\n")
    done = subprocess.run(
        [sys.executable, "-m", "tf_dlth.train"], cwd=tmp_path, env=environment() | {"PYTHONPATH": f"{tmp_path}:{ROOT}"},
        capture_output=True, text=True, timeout=300, check=False,
        preexec_fn=lambda: signal.signal(signal.SIGHUP, signal.SIG_DFL),
    )  # fmt: skip
    assert (done.returncode, done.stdout, done.stderr) == (128 + number, "", "stopped before anything was done\n")


def test_r07_two_processes_on_one_folder(linear: Path) -> None:
    """Started at once: one trains, the other is told who has the folder, or that all is done."""
    command = [sys.executable, "-m", "tf_dlth.train", "--config", "config.yaml"]
    both = [
        subprocess.Popen(
            command, cwd=linear.parent, env=environment(), stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
        )
        for _ in range(2)
    ]
    said = [process.communicate(timeout=600) for process in both]
    codes = sorted(process.returncode for process in both)
    assert codes in ([0, 2], [0, 0])
    if codes == [0, 2]:
        (refused,) = (error for _, error in said if error)
        assert "is in use by process " in refused and refused.count("\n") == 1
    else:
        assert any("is finished already" in out for out, _ in said)
    assert json.loads((linear.parent / "tiny" / "run.json").read_text())["status"] == "finished"


def test_an_architecture_that_raises_is_one_line(
    linear: Path, monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]
) -> None:
    (linear.parent / "raising.py").write_text("def network(*words, **named):\n    raise ValueError('of its own')\n")
    monkeypatch.syspath_prepend(str(linear.parent))
    assert train.main(["--config", str(linear), "model.architecture=raising:network"]) == 2
    error = capfd.readouterr().err
    assert error.count("\n") == 1
    assert "raising:network" in error and "of its own" in error


@pytest.mark.parametrize("name", [".lock", "metrics.jsonl", "run.json", "checkpoints/000001.json", "iteration_00"])
def test_links_in_a_runs_folder_are_never_written_through(
    damaged: Path, tiny: Callable[..., Config], name: str, capfd: pytest.CaptureFixture[str], tmp_path: Path
) -> None:
    outside = tmp_path / "outside"
    outside.write_text("somebody's")
    path = damaged / name
    path.parent.mkdir(exist_ok=True)
    if path.exists():
        path.rename(tmp_path / "away")
    path.symlink_to(outside)
    config = tmp_path / "config.yaml"
    config.write_text(tiny(damaged.parent).to_yaml())
    for words in ([], ["--overwrite"]):
        assert train.main(["--config", str(config), *words]) == 2
        error = capfd.readouterr().err
        assert str(path) in error and error.count("\n") == 1
    assert outside.read_text() == "somebody's"
    assert path.is_symlink()


def test_escape_sequences_in_file_names_never_reach_the_terminal(
    tiny: Callable[..., Config], tmp_path: Path, capfd: pytest.CaptureFixture[Any]
) -> None:
    for part in ("train", "test"):
        for label in ("a", "b"):
            (tmp_path / "images" / part / label).mkdir(parents=True)
            (tmp_path / "images" / part / label / "\x1b[2J.png").write_bytes(b"no image")
    config = tmp_path / "config.yaml"
    asked = ("data.dataset=folder", "data.per_class=null", "data.heldout_per_class=0")
    config.write_text(tiny(tmp_path, *asked, f"data.data_dir={tmp_path}/images").to_yaml())
    assert train.main(["--config", str(config)]) == 2
    error = capfd.readouterr().err
    assert "\x1b" not in error and r"\x1b[2J.png" in error
