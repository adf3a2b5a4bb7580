from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path

import pytest
import yaml

from tf_dlth.config import Config
from tf_dlth.preparation import Prepared
from tf_dlth.reporting.figures.run import Figures
from tf_dlth.reporting.tensorboard import TensorBoard
from tf_dlth.reporting.terminal import Terminal
from tf_dlth.train import _observers, main

Command = Callable[..., int]


@pytest.fixture
def command(quick: Callable[..., Config], tmp_path: Path) -> Command:
    """The command on a quick run, with a report."""
    (tmp_path / "config.yaml").write_text(quick("pruning.iterations=1").to_yaml())
    return lambda *words: main(
        ["--config", str(tmp_path / "config.yaml"), "--json", str(tmp_path / "report.json"), *words]
    )


def report(folder: Path) -> dict:
    (record,) = json.loads((folder / "report.json").read_text())
    return record


def test_a_dry_run_says_what_would_be_done(
    command: Command, quick: Callable[..., Config], tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert command("--dry-run", "seed=7") == 0
    plan = Prepared(quick("pruning.iterations=1", "seed=7")).plan()
    printed = capsys.readouterr().out
    assert f"{plan.steps:,} training steps; up to {plan.bytes:,} bytes on disk" in printed
    assert yaml.safe_load(printed[: printed.index("tiny: ")]) == plan.config.model_dump(mode="json")
    assert report(tmp_path) == {
        "config": plan.config.model_dump(mode="json"),
        "parameters": plan.parameters,
        "prunable": plan.prunable,
        "unprunable_layers": [],
        "initialisation": plan.initialisation,
        "images_per_class": plan.images_per_class,
        "steps": plan.steps,
        "bytes": plan.bytes,
    }
    assert not (tmp_path / "tiny").exists()


def test_a_run_is_reported_and_left_alone_when_it_is_finished(
    command: Command, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert command() == 0
    winner = f"{tmp_path / 'tiny'}/iteration_01"
    assert f"winning ticket: {winner}" in capsys.readouterr().out
    run_json = json.loads((tmp_path / "tiny" / "run.json").read_text())
    assert report(tmp_path) == {"run": str(tmp_path / "tiny"), **run_json}
    assert command() == 0
    assert f"{tmp_path / 'tiny'} is finished already; its winning ticket: {winner}" in capsys.readouterr().out
    assert command("seed=1") == 2
    assert "differs in seed" in capsys.readouterr().err
    assert command("seed=1", "--overwrite") == 0
    assert report(tmp_path)["seed"] == 1


@pytest.mark.parametrize("tensorboard", [True, False])
def test_observers(quick: Callable[..., Config], tensorboard: bool) -> None:
    from rich.console import Console

    kinds = [type(o) for o in _observers(quick(f"output.tensorboard={str(tensorboard).lower()}"), Console())]
    assert kinds == ([Figures, TensorBoard, Terminal] if tensorboard else [Figures, Terminal])
