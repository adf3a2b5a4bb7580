from __future__ import annotations

import json
import re
from collections.abc import Callable
from pathlib import Path

import pandas as pd
import pytest
import yaml

from tf_dlth.config import Config
from tf_dlth.preparation import Prepared
from tf_dlth.reporting.figures.run import Figures
from tf_dlth.reporting.plan import plan_lines
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
    before = sorted(tmp_path.rglob("*"))
    assert command("--dry-run", "seed=7") == 0
    plan = Prepared(quick("pruning.iterations=1", "seed=7")).plan()
    lines = capsys.readouterr().out.splitlines()
    assert lines[:-1] == plan_lines(plan)
    assert re.fullmatch(r"time: about \d+ s on this machine, by its first steps", lines[-1])
    found = report(tmp_path)
    assert found.pop("seconds") > 0
    assert found == {
        "config": plan.config.model_dump(mode="json"),
        "parameters": plan.parameters,
        "prunable": plan.prunable,
        "unprunable_layers": [],
        "initialisation": plan.initialisation,
        "images_per_class": plan.images_per_class,
        "sizes": [],
        "skipped": {},
        "steps": plan.steps,
        "bytes": plan.bytes,
    }
    assert sorted(tmp_path.rglob("*")) == sorted([*before, tmp_path / "report.json"])


def test_verbose_prints_every_key_and_class(
    command: Command, quick: Callable[..., Config], capsys: pytest.CaptureFixture[str]
) -> None:
    assert command("--dry-run", "--verbose") == 0
    printed, plan = capsys.readouterr().out, Prepared(quick("pruning.iterations=1")).plan()
    assert yaml.safe_load(printed[: printed.index("images a class")]) == plan.config.model_dump(mode="json")
    assert re.search(r"^ +class +train +held-out +test", printed, re.MULTILINE)


def test_a_dry_run_names_every_image_that_cannot_be_used(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    names = [f"cats/{number}.png" for number in range(12)]
    for name in (*names, "dogs/a.png", "dogs/b.png"):
        (tmp_path / "photos" / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / "photos" / name).write_text("no image")
    config = tmp_path / "folder.yaml"
    config.write_text("name: pets\ndata: {dataset: folder}")
    assert main(["--config", str(config), "--data-dir", str(tmp_path / "photos"), "--dry-run"]) == 2
    printed = capsys.readouterr()
    assert sorted(printed.out.split()) == sorted([*names, "dogs/a.png", "dogs/b.png"])
    assert re.fullmatch(r"error: 14 images cannot be used: [^\n]* and 9 more; image [^\n]*\n", printed.err)
    assert main(["--config", str(config), "--data-dir", str(tmp_path / "photos")]) == 2
    printed = capsys.readouterr()
    assert printed.out == "" and printed.err.endswith("; --dry-run lists all of them\n")


@pytest.mark.parametrize("budget", ["20", "soon", "0m", "-5m"])
def test_a_budget_says_its_unit(command: Command, budget: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert command(f"--budget={budget}") == 2
    assert capsys.readouterr().err.startswith(f"error: --budget {budget}: ")


def test_a_budget_is_for_one_machine(
    command: Command, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    cluster = {"cluster": {"worker": ["a:1", "b:1"]}, "task": {"type": "worker", "index": 0}}
    monkeypatch.setenv("TF_CONFIG", json.dumps(cluster))
    assert command("--budget", "20m") == 2
    assert "--budget measures one machine, and TF_CONFIG names several" in capsys.readouterr().err


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


def test_the_control_is_trained_after_the_search_and_stands_in_its_last_table(
    command: Command, quick: Callable[..., Config], tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert command("--control") == 0
    told = capsys.readouterr().out
    search, control = json.loads((tmp_path / "report.json").read_text())
    assert (search["run"], control["run"]) == (str(tmp_path / "tiny"), str(tmp_path / "tiny-control"))
    last = told[told.rindex("what it has to beat") :].splitlines()
    table = pd.read_csv(tmp_path / "tiny-control" / "iterations.csv")
    assert table.density.tolist() == [1, 1]
    chosen = table.iloc[control["winner"]]
    assert chosen.heldout_accuracy == table.heldout_accuracy.max()
    (row,) = [line.split() for line in last if "best of 2 unpruned" in line]
    assert row[4:7] == [
        f"{100 * x:.2f}" for x in (chosen.density, chosen.heldout_accuracy, chosen.test_accuracy_heldout)
    ]
    assert any("logistic regression" in line for line in last)


@pytest.mark.parametrize("override", ["pruning.method=none", "pruning.iterations=0"])
def test_a_control_is_of_a_search(command: Command, override: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert command("--control", override) == 2
    assert "--control repeats a search without pruning" in capsys.readouterr().err


@pytest.mark.parametrize("tensorboard", [True, False])
def test_observers(quick: Callable[..., Config], tensorboard: bool) -> None:
    from rich.console import Console

    kinds = [type(o) for o in _observers(quick(f"output.tensorboard={str(tensorboard).lower()}"), Console())]
    assert kinds == ([Figures, TensorBoard, Terminal] if tensorboard else [Figures, Terminal])


@pytest.mark.parametrize(
    ("words", "reason"),
    [
        (["--folds", "1"], "--folds 1: give 2 to 1000"),
        (["--folds", "0"], "--folds 0: give 2 to 1000"),
        (["--folds", "many"], "argument --folds: invalid int value: 'many'"),
        (["--folds", "3", "data.fold=[1,3]"], "data.fold asks for one fold"),
        (["--folds", "3", "pruning.select_by=test_best"], "remove pruning.select_by: test_best"),
        (["--folds", "3", "--control", "pruning.iterations=0"], "--control repeats a search without pruning"),
    ],
)
def test_what_folds_do_not_go_with_is_told_before_tensorflow_starts(
    command: Command, words: list[str], reason: str, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr("tf_dlth.train.start_tensorflow", lambda: pytest.fail("a mistake was overlooked"))
    assert command(*words) == 2
    assert reason in capsys.readouterr().err


def test_folds_are_for_one_machine(
    command: Command, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    cluster = {"cluster": {"worker": ["a:1", "b:1"]}, "task": {"type": "worker", "index": 0}}
    monkeypatch.setenv("TF_CONFIG", json.dumps(cluster))
    assert command("--folds", "3") == 2
    assert "such as name=fold1 data.fold=[1,3]" in capsys.readouterr().err


def test_folds_do_not_lie_in_a_run(command: Command, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (tmp_path / "tiny-3folds").mkdir()
    (tmp_path / "tiny-3folds" / "run.json").write_text("{}")
    assert command("--folds", "3") == 2
    assert "tiny-3folds holds a run; choose another name for the folds" in capsys.readouterr().err


def test_a_dry_run_of_folds_plans_each(command: Command, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert command("--folds", "2", "--control", "--dry-run") == 0
    plans = json.loads((tmp_path / "report.json").read_text())
    assert [plan["config"]["data"]["fold"] for plan in plans] == [[1, 2], [2, 2]]
    steps = 4 * plans[0]["steps"]
    last = capsys.readouterr().out.splitlines()[-1]
    assert last.startswith(f"4 such runs in {tmp_path}/tiny-2folds: {steps} training steps; up to ")
    assert not (tmp_path / "tiny-2folds").exists()


def test_folds_and_their_controls_share_a_budget(
    command: Command, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    shares: list[tuple[tuple[int, int] | None, float]] = []

    def fitted(config: Config, budget: float, **_: object) -> tuple[Config, str]:
        shares.append((config.data.fold, budget))
        pruning = config.pruning.model_copy(update={"iterations": 2})
        return config.model_copy(update={"pruning": pruning}), "chosen"

    monkeypatch.setattr("tf_dlth.budgeting.fitted", fitted)
    assert command("--folds", "2", "--control", "--budget", "20m", "--dry-run") == 0
    assert shares == [((1, 2), 300.0)]
    plans = json.loads((tmp_path / "report.json").read_text())
    assert [plan["config"]["pruning"]["iterations"] for plan in plans] == [2, 2]
    assert [plan["config"]["data"]["fold"] for plan in plans] == [[1, 2], [2, 2]]
