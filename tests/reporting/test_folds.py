"""Two folds by hand: 10 images each, two epochs, two prunings.

    right of 10        k = 0   k = 1   k = 2
    fold 1, epoch 2     4       5       8
            epoch 3     6       7       5
    fold 2, epoch 2     5       9       4
            epoch 3     5       6       6

Fold 1 takes (0, 3) and (2, 2) itself; by fold 2 it takes (0, 2), of equal ones the earlier, and (1, 2). Fold 2 takes
(0, 2) and (1, 2) itself; by fold 1 (0, 3) and (2, 2).
"""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import pandas as pd
import pytest
from scipy import stats

from tf_dlth import files
from tf_dlth.config import parse_config
from tf_dlth.errors import UserError
from tf_dlth.lottery.rows import Row
from tf_dlth.reporting import folds as folds_module
from tf_dlth.reporting.folds import Folds, read_folds, write_folds
from tf_dlth.reporting.run_record import RunRecord

RIGHT = {1: {0: (4, 6), 1: (5, 7), 2: (8, 5)}, 2: {0: (5, 5), 1: (9, 6), 2: (4, 6)}}
CONTROL = {1: {0: (4, 6), 1: (5, 7), 2: (2, 9)}, 2: {0: (5, 5), 1: (9, 6), 2: (4, 6)}}
Records = dict[Path, RunRecord]


def record_of(path: Path, fold: int, right: dict[int, tuple[int, ...]], facts: Any, *overrides: str) -> RunRecord:
    rows, metrics = [], []
    for k, counts in right.items():
        best = max(counts)
        epoch = 2 + counts.index(best)
        density = 1.0 if "pruning.method=none" in overrides else 0.5**k
        rows.append(Row(k, density, 8, 10, 2, 0.1, 0.9, 0.9, 1, 0.8, best / 10, epoch, (best + 1) / 20, 1.0, 1.0))
        metrics += [
            {"iteration": k, "epoch": 2 + e, "heldout_accuracy": n / 10, "test_accuracy": (n + 1) / 20}
            for e, n in enumerate(counts)
        ]
    config = parse_config("name: a\npruning: {select_by: heldout}", [f"data.fold=[{fold}, 2]", *overrides])
    return RunRecord(path, facts, config, rows, metrics, {"train": 10, "heldout": 10, "test": 20})


@pytest.fixture
def records(tmp_path: Path, make_facts: Callable[..., Any], monkeypatch: pytest.MonkeyPatch) -> Records:
    """The folds' records, by path; a test changes them."""
    made: Records = {}
    for fold, right in RIGHT.items():
        path = tmp_path / f"fold{fold}"
        path.mkdir()
        (path / "run.json").write_text(path.name)
        winner = {1: 2, 2: 1}[fold]
        made[path] = record_of(path, fold, right, make_facts(winner=winner))
    monkeypatch.setattr(folds_module, "read_record", made.__getitem__)
    monkeypatch.setattr(folds_module, "read_control", lambda record: None)
    return made


def addresses(folds: Folds, chosen_by: Any, network: str) -> list[tuple[int, int, float]]:
    return [(c.iteration, c.epoch, c.heldout_accuracy) for c in folds.chosen(chosen_by, network)]


def test_a_fold_chooses_by_its_own_images_and_by_those_of_the_others(records: Records) -> None:
    folds = read_folds([*records])
    assert folds.networks == ("dense", "ticket")
    assert addresses(folds, "own_fold", "dense") == [(0, 3, 0.6), (0, 2, 0.5)]
    assert addresses(folds, "own_fold", "ticket") == [(2, 2, 0.8), (1, 2, 0.9)]
    assert addresses(folds, "other_folds", "dense") == [(0, 2, 0.4), (0, 3, 0.5)]
    assert addresses(folds, "other_folds", "ticket") == [(1, 2, 0.5), (2, 2, 0.4)]
    assert [c.density for c in folds.chosen("own_fold", "ticket")] == [0.25, 0.5]
    assert folds.recommended == (1, 2)  # 14 of 20
    assert folds.differing == []


def test_estimates_are_of_these_choices(records: Records) -> None:
    folds = read_folds([*records])
    own, others, tests = folds.estimates("own_fold"), folds.estimates("other_folds"), folds.tests()
    assert (own["ticket"].pooled, others["ticket"].pooled) == pytest.approx((0.85, 0.45))
    assert (own["dense"].pooled, others["dense"].pooled) == pytest.approx((0.55, 0.45))
    limits = stats.t.interval(0.95, 1, loc=0.3, scale=stats.sem([0.2, 0.4]))
    assert (own["ticket - dense"].folds.low, own["ticket - dense"].folds.high) == pytest.approx(limits)
    assert tests["ticket"].mean == pytest.approx((9 + 10) / 40)


def test_controls_stand_beside_where_every_fold_has_one(
    records: Records, make_facts: Callable[..., Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    controls = {}
    for (path, _), (fold, right) in zip(records.items(), CONTROL.items(), strict=True):
        beside = path.with_name(f"{path.name}-control")
        beside.mkdir()
        (beside / "run.json").write_text(beside.name)
        controls[path] = record_of(beside, fold, right, make_facts(), "pruning.method=none")
    monkeypatch.setattr(folds_module, "read_control", lambda record: controls.get(record.path))
    folds = read_folds([*records])
    assert folds.networks == ("dense", "ticket", "control")
    assert addresses(folds, "own_fold", "control") == [(2, 3, 0.9), (1, 2, 0.9)]
    assert addresses(folds, "other_folds", "control") == [(1, 2, 0.5), (2, 3, 0.6)]
    assert [c["network"] for c in folds.of("fold1-control")] == ["control", "control"]
    assert "ticket - control" in folds.estimates("own_fold")
    del controls[next(iter(records))]
    assert read_folds([*records]).networks == ("dense", "ticket")


def test_what_was_not_pruned_has_no_ticket(records: Records) -> None:
    for path, record in records.items():
        records[path] = replace(record, rows=record.rows[:1], metrics=(record.metrics or [])[:2])
    folds = read_folds([*records])
    assert (folds.networks, folds.recommended) == (("dense",), None)


def test_folds_of_two_searches_are_told(records: Records, make_facts: Callable[..., Any]) -> None:
    path = [*records][1]
    records[path] = record_of(path, 2, RIGHT[2], make_facts(), "training.momentum=0.8", "seed=3")
    assert read_folds([*records]).differing == ["seed", "training.momentum"]


def test_every_fold_is_finished(records: Records, make_facts: Callable[..., Any]) -> None:
    path = [*records][1]
    records[path] = replace(records[path], facts=make_facts(status="running"))
    with pytest.raises(UserError, match="fold2 is no finished run that chose by held-out images"):
        read_folds([*records])


def test_the_files_hold_all_of_it_and_know_their_runs(records: Records, tmp_path: Path) -> None:
    folds = read_folds([*records])
    write_folds(tmp_path, folds)
    tree = files.read_signed(tmp_path / "folds.json", "folds_sha256")
    assert tree["runs"] == {path.name: files.sha256(path / "run.json") for path in records}
    assert tree["files"] == {"folds.csv": files.sha256(tmp_path / "folds.csv")}
    table = pd.read_csv(tmp_path / "folds.csv")
    assert table.to_dict("records") == tree["choices"]
    for by, own in table.groupby("chosen_by"):
        for network, of in own.groupby("network"):
            pooled = (of.heldout_accuracy * of.images).sum() / of.images.sum()
            assert tree["heldout_accuracy"][by][network]["pooled"] == pytest.approx(pooled)
            assert tree["heldout_accuracy"][by][network]["mean"] == pytest.approx(of.heldout_accuracy.mean())
    assert tree["recommended"] == {"iteration": 1, "epoch": 2}
    assert json.dumps(tree, allow_nan=False)
