"""What is shipped: a wheel that works alone, without network, and artefacts that name no machine."""

from __future__ import annotations

import os
import zipfile
from pathlib import Path

import pytest

import tf_dlth

ROOT = Path(tf_dlth.__file__).parents[1]


@pytest.mark.slow
def test_r18_a_wheel_in_a_fresh_environment_offline(installed, tmp_path: Path) -> None:
    names = zipfile.ZipFile(installed.wheel).namelist()
    data = ("py.typed", "config/templates/folder.yaml", "reporting/paper_results.yaml")
    assert {f"tf_dlth/{name}" for name in data} <= set(names)
    assert not [name for name in names if name.startswith(("tests/", "benchmarks/", "configs/"))]
    (tmp_path / "tiny.yaml").write_text(TINY)

    def said(*words: str) -> str:
        done = installed.run("python", *words, cwd=tmp_path)
        assert (done.returncode, done.stderr) == (0, ""), done.stderr
        return done.stdout

    assert Path(said("-c", "import tf_dlth; print(tf_dlth.__file__)").strip()).is_relative_to(installed.packages)
    said("-m", "tf_dlth.train", "--config", "tiny.yaml")
    said("-m", "tf_dlth.evaluate", "saved_tickets/tiny")
    assert_anonymous(tmp_path / "saved_tickets" / "tiny", str(tmp_path))


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
