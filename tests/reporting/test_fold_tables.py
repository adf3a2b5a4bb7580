from __future__ import annotations

import io
from dataclasses import replace
from types import SimpleNamespace
from typing import Any

import pytest
from rich.console import Console

from tf_dlth.reporting.fold_tables import folds_line, meaning, print_folds
from tf_dlth.reporting.folds import Folds, read_folds

from .test_folds import Records, records

__all__ = ["records"]


def printed(folds: Folds) -> list[str]:
    text = io.StringIO()
    print_folds(Console(file=text, width=80), folds)
    return text.getvalue().splitlines()


def cells(lines: list[str], *beginning: str) -> list[list[str]]:
    return [line.split() for line in lines if line.split()[: len(beginning)] == list(beginning)]


def test_the_tables_fit_and_hold_the_numbers(records: Records) -> None:
    lines = printed(read_folds([*records]))
    tables = lines[: next(i for i, line in enumerate(lines) if line.startswith("n: "))]
    assert max(map(len, tables)) <= 80
    assert cells(tables, "1") == [["1", "10", "60.00", "15.49", "80.00", "12.65", "2", "25.00", "1", "50.00"]]
    assert cells(tables, "2") == [["2", "10", "50.00", "15.81", "90.00", "9.49", "1", "50.00", "2", "40.00"]]
    assert cells(tables, "own", "fold", "ticket") == [
        ["own", "fold", "ticket", "85.00", "7.98", "85.00", "21.47", "to", "148.53"]
    ]
    assert cells(tables, "other", "folds", "vs") == [
        ["other", "folds", "vs", "dense", "+0.00", "15.73", "+0.00", "-127.06", "to", "+127.06"]
    ]
    assert cells(tables, "own", "fold,", "test", "ticket")[0][4:7] == ["-", "-", "47.50"]


def test_the_words_say_what_flatters_and_by_how_much(records: Records) -> None:
    told = "\n".join(meaning(read_folds([*records])))
    assert "each of 20 images counted once" in told
    assert "what choosing flatters by, as noisy as both: dense +10.0, ticket +40.0 points" in told
    assert "Student's t of 2 folds" in told
    assert "best in all folds together: iteration 1 (density 50.00%) at epoch 2" in told
    assert "warning" not in told and "balanced" not in told


def test_folds_that_are_not_of_one_search_and_balanced_scores_are_told(records: Records) -> None:
    folds = replace(read_folds([*records]), differing=["training.momentum"])
    assert any(line.startswith("warning: the folds differ in training.momentum") for line in meaning(folds))
    for path, record in records.items():
        training = record.config.training.model_copy(update={"class_weights": "balanced"})
        records[path] = replace(record, config=record.config.model_copy(update={"training": training}))
    assert any("mean recall by class" in line for line in meaning(read_folds([*records])))


@pytest.mark.parametrize(("seconds", "time"), [(None, ""), (600.0, "; about 60 min")])
def test_a_rehearsal_adds_up_the_runs(seconds: float | None, time: str) -> None:
    plan: Any = SimpleNamespace(steps=100, bytes=2**21, seconds=seconds)
    line = folds_line([plan] * 3, 6, "runs/a-3folds")
    assert line == f"6 such runs in runs/a-3folds: 600 training steps; up to 12 MiB on disk{time}"
