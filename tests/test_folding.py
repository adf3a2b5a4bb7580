"""All folds of a search by the command: stopped in between, taken up again, and judged."""

from __future__ import annotations

import json
import os
import signal
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
from scipy import stats

import tf_dlth
from tf_dlth import files, folding, train
from tf_dlth.config import Config, load_config
from tf_dlth.config.folds import folds_of
from tf_dlth.errors import UserError
from tf_dlth.folding import rehearse_folds, start_anew
from tf_dlth.reporting.listing import list_runs

Quick = Callable[..., Config]


@pytest.fixture
def config(quick: Quick) -> Config:
    """15 images a fold: too few, and a second each."""
    return quick("data.per_class=2", "data.heldout_per_class=1", "pruning.iterations=1", "output.tensorboard=false")


def command(config: Config, tmp_path: Path, *words: str) -> int:
    path = tmp_path / "config.yaml"
    path.write_text(config.to_yaml())
    return train.main(["--config", str(path), "--folds", "2", "--json", str(tmp_path / "told.json"), *words])


def accuracies(folder: Path, column: str, iteration: slice) -> list[Any]:
    return [pd.read_csv(folder / run / "iterations.csv")[column].to_numpy()[iteration] for run in ("fold1", "fold2")]


def test_folds_are_stopped_taken_up_and_judged(
    config: Config, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    folder = tmp_path / "tiny-2folds"
    with monkeypatch.context() as stopping:
        stopping.setattr(train, "_print_end", lambda *_: os.kill(os.getpid(), signal.SIGINT))
        assert command(config, tmp_path) == 130
    assert "the same command starts again, or goes on" in capsys.readouterr().err
    assert sorted(path.name for path in folder.iterdir()) == ["fold1"]
    before = files.digests(folder / "fold1")

    assert command(config, tmp_path) == 0
    told = capsys.readouterr().out
    assert f"{folder}/fold1 is finished already" in told
    assert "run 2 of 2: fold2 of 2" in told
    assert files.digests(folder / "fold1") == before

    subsets = [json.loads((folder / run / "subset.json").read_text())["images"] for run in ("fold1", "fold2")]
    assert sorted(subsets[0]["heldout"]) == sorted(subsets[1]["train"])
    assert not set(subsets[0]["heldout"]) & set(subsets[1]["heldout"])
    assert all(not set(own["test"]) & {*own["train"], *own["heldout"]} for own in subsets)

    tree = json.loads((folder / "folds.json").read_text())
    dense = np.array(accuracies(folder, "heldout_accuracy", slice(0, 1)))[:, 0]
    ticket = np.array(accuracies(folder, "heldout_accuracy", slice(1, 2)))[:, 0]
    found = tree["heldout_accuracy"]["own_fold"]
    assert found["dense"]["pooled"] == pytest.approx((dense * 15).sum() / 30)
    mean, reach = np.mean(ticket - dense), stats.t.ppf(0.975, 1) * stats.sem(ticket - dense)
    assert found["ticket - dense"]["interval_95"] == pytest.approx([mean - reach, mean + reach])
    tested = np.array(accuracies(folder, "test_accuracy_heldout", slice(1, 2)))[:, 0]
    assert tree["test_accuracy"]["own_fold"]["ticket"]["mean"] == pytest.approx(tested.mean())
    others = [c for c in tree["choices"] if (c["chosen_by"], c["network"]) == ("other_folds", "ticket")]
    for choice, other in zip(others, ("fold2", "fold1"), strict=True):
        metrics = pd.read_json(folder / other / "metrics.jsonl", lines=True)
        sparse = metrics[metrics.iteration == 1]
        assert choice["epoch"] == sparse.epoch.to_numpy()[sparse.heldout_accuracy.to_numpy().argmax()]
    assert "best in all folds together: iteration 1" in told

    records = json.loads((tmp_path / "told.json").read_text())
    assert [record["run"] for record in records] == [f"{folder}/fold1", f"{folder}/fold2"]
    assert [record["choices"] for record in records] == [
        [c for c in tree["choices"] if c["run"] == run] for run in ("fold1", "fold2")
    ]
    run_json = json.loads((folder / "fold2" / "run.json").read_text())
    assert {key: records[1][key] for key in run_json} == run_json

    assert [(run.name, run.status) for run in list_runs(folder)] == [("fold1", "finished"), ("fold2", "finished")]
    again = load_config(folder / "fold1" / "config.yaml")
    assert again.data.fold == (1, 2)
    known = tf_dlth.run(again)
    assert not known.trained
    assert known.winner.path.parent == folder / "fold1"


def test_a_stop_within_a_fold_says_how_to_go_on(
    config: Config, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    from tf_dlth.training.session import Session

    step = Session._after_call

    def stopped(session: Session, *arguments: Any) -> Any:
        os.kill(os.getpid(), signal.SIGINT)
        return step(session, *arguments)

    monkeypatch.setattr(Session, "_after_call", stopped)
    assert command(config, tmp_path, "--overwrite") == 130
    where = tmp_path / "tiny-2folds" / "fold1"
    assert capsys.readouterr().err == (
        f"stopped; all is saved in {where}, and the same command goes on from there, without --overwrite\n"
    )


def test_overwriting_begins_by_removing_all_folds(
    config: Config, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    removed: list[Path] = []
    monkeypatch.setattr(folding, "rehearse", lambda config, **_: removed.append(Path("rehearsed")))
    monkeypatch.setattr(folding, "clear", removed.append)
    folds, folder = folds_of(config, 3), tmp_path / "tiny-3folds"
    folder.mkdir()
    (folder / "folds.json").write_text("{}")
    start_anew(folds)
    assert not (folder / "folds.json").exists()
    assert removed == [Path("rehearsed"), folder / "fold1", folder / "fold2", folder / "fold3"]


def test_every_fold_is_rehearsed_and_one_is_timed(config: Config) -> None:
    plans = rehearse_folds(folds_of(config, 3), timed=True)
    assert [plan.images_per_class["heldout"]["0"] for plan in plans] == [1, 1, 1]
    assert len({plan.seconds for plan in plans}) == 1 and plans[0].seconds
    with pytest.raises(UserError, match="class 0 has 3 to train and choose by; use 3 folds at most"):
        rehearse_folds(folds_of(config, 4), timed=False)
