from __future__ import annotations

import shlex
import subprocess
import sys
from pathlib import Path

import pytest

import tf_dlth
from tf_dlth.__main__ import main as any_command
from tf_dlth.config import load_config
from tf_dlth.config.templates import folder_config
from tf_dlth.init import main

ROOT = Path(tf_dlth.__file__).parents[1]


def test_the_repositorys_config_is_the_one_that_is_written() -> None:
    path = Path("configs/folder.yaml")
    assert (ROOT / path).read_text(encoding="utf-8") == folder_config(path)


@pytest.mark.parametrize(("stem", "name"), [("pets", "pets"), ("my pets", "folder"), ("a" * 99, "a" * 99)])
def test_what_is_written_is_a_config_that_leaves_three_keys_open(
    tmp_path: Path, stem: str, name: str, capsys: pytest.CaptureFixture[str]
) -> None:
    path = tmp_path / f"{stem}.yaml"
    assert main([str(path)]) == 0
    typed = shlex.quote(str(path))
    assert capsys.readouterr().out.startswith(f"{path} is written; next: tf-dlth train --config {typed} --data-dir ")
    config = load_config(path)
    assert (config.name, config.data.dataset, config.data.fit) == (name, "folder", "crop")
    left_open = {("model", "width"), ("training", "epochs"), ("pruning", "iterations")}
    assert not {(s, key) for s, key in left_open if key in getattr(config, s).model_fields_set}
    assert f"--config {typed} --data-dir FOLDER --budget 20m" in path.read_text()


def test_nothing_is_written_over(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    path = tmp_path / "a.yaml"
    path.write_text("mine")
    (tmp_path / "b.yaml").symlink_to(tmp_path / "nowhere")
    (tmp_path / "c.yaml").mkdir()
    for name in ("a.yaml", "b.yaml", "c.yaml"):
        assert main([str(tmp_path / name)]) == 2
        told = f"error: {tmp_path / name} is there already; name another file, or remove it first\n"
        assert capsys.readouterr().err == told
    assert path.read_text() == "mine"
    assert not (tmp_path / "nowhere").exists()


@pytest.mark.parametrize(
    ("name", "message"),
    [("no/folder/a.yaml", "there is no folder "), ("pets", "name it pets.yaml"), ("pets.json", "name it pets.yaml")],
)
def test_a_place_or_a_name_that_will_not_do(
    tmp_path: Path, name: str, message: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main([str(tmp_path / name)]) == 2
    assert message in capsys.readouterr().err
    assert list(tmp_path.iterdir()) == []


def test_the_version(capsys: pytest.CaptureFixture[str]) -> None:
    assert any_command(["--version"]) == 0
    assert capsys.readouterr().out == f"tf_dlth {tf_dlth.__version__}\n"


@pytest.mark.parametrize(
    "words", ["tf_dlth --version", "tf_dlth --help", "tf_dlth.train --help", "tf_dlth.init --help"]
)
def test_help_and_version_import_next_to_nothing(words: str) -> None:
    """What takes a second or a tenth of one to import is what they would wait for."""
    command = [sys.executable, "-X", "importtime", "-m", *words.split()]
    told = subprocess.run(command, capture_output=True, text=True, check=True, cwd=ROOT).stderr
    imported = {line.rpartition("|")[2].strip().partition(".")[0] for line in told.splitlines()}
    assert "argparse" in imported or "train" not in words
    assert not imported & {"tensorflow", "tf_keras", "keras", "pandas", "matplotlib", "scipy"}
    if "init" not in words:
        assert not imported & {"numpy", "pydantic", "rich"}
