"""What is shipped: a wheel that works alone, without network, and artefacts that name no machine."""

from __future__ import annotations

import os
import subprocess
import sys
import venv
import zipfile
from pathlib import Path

import pytest

import tf_dlth

ROOT = Path(tf_dlth.__file__).parents[1]
OFFLINE = """
import socket

def refuse(*arguments, **named):
    raise OSError("there is no network")

socket.socket.connect = refuse
"""
"""A sitecustomize.py."""


@pytest.mark.slow
def test_r18_a_wheel_in_a_fresh_environment_offline(tmp_path: Path) -> None:
    """The libraries are those of this environment; the package itself comes from the wheel."""
    build = [sys.executable, "-m", "pip", "wheel", "-q", "--no-deps", "--no-build-isolation", "-w", tmp_path, ROOT]
    subprocess.run(build, check=True, capture_output=True)
    (wheel,) = tmp_path.glob("tf_dlth-*.whl")
    names = zipfile.ZipFile(wheel).namelist()
    data = ("py.typed", "config/templates/folder.yaml", "reporting/paper_results.yaml")
    assert {f"tf_dlth/{name}" for name in data} <= set(names)
    assert not [name for name in names if name.startswith(("tests/", "benchmarks/", "configs/"))]

    venv.create(tmp_path / "fresh", symlinks=True)
    (packages,) = (tmp_path / "fresh" / "lib").glob("python*/site-packages")
    libraries = [path for path in sys.path if path.endswith("site-packages")]
    (packages / "libraries.pth").write_text("\n".join(libraries))
    (packages / "sitecustomize.py").write_text(OFFLINE)
    zipfile.ZipFile(wheel).extractall(packages)
    (tmp_path / "work").mkdir()
    (tmp_path / "work" / "tiny.yaml").write_text(TINY)
    kept = {key: value for key, value in os.environ.items() if not key.startswith(("TF_", "PYTHON"))}
    python = tmp_path / "fresh" / "bin" / "python"

    def said(*words: str) -> str:
        command = [python, *words]
        done = subprocess.run(
            command, cwd=tmp_path / "work", env=kept, capture_output=True, text=True, timeout=600, check=False
        )
        assert (done.returncode, done.stderr) == (0, ""), done.stderr
        return done.stdout

    assert Path(said("-c", "import tf_dlth; print(tf_dlth.__file__)").strip()).is_relative_to(packages)
    said("-m", "tf_dlth.train", "--config", "tiny.yaml")
    said("-m", "tf_dlth.evaluate", "saved_tickets/tiny")
    assert_anonymous(tmp_path / "work" / "saved_tickets" / "tiny", str(tmp_path))


TINY = """
name: tiny
data: {dataset: digits, per_class: 5, heldout_per_class: 3}
model: {width: 4}
training: {epochs: 2, batch_size: 20, evaluate_every: 1}
pruning: {iterations: 1, rewind_epochs: 1}
"""


def test_r18_the_example_names_no_machine() -> None:
    assert_anonymous(ROOT / "saved_tickets" / "digits-example", str(ROOT))


def assert_anonymous(run: Path, folder: str) -> None:
    """Host names are looked for as words: one like ``vm`` may well stand in compressed bytes."""
    user = f"/home/{os.environ.get('USER', 'nobody')}/"
    for path in (path for path in run.rglob("*") if path.is_file() and "tensorboard" not in path.parts):
        content = path.read_bytes()
        for secret in (folder, user, "/tmp/"):
            assert secret.encode() not in content, path
        assert os.uname().nodename.encode() not in content.split(), path
