from __future__ import annotations

import io
from collections.abc import Callable
from dataclasses import asdict
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from tf_dlth.config import WeightsKind
from tf_dlth.errors import UserError
from tf_dlth.lottery.masks import Masks
from tf_dlth.lottery.rows import COLUMNS, TIMINGS, Row, read_rows, row_of, to_csv
from tf_dlth.runs.facts import Facts
from tf_dlth.training.keeping import Kept, Scores, Trained

MakeFacts = Callable[..., Facts]
MASKS = Masks({"conv/kernel": np.array([1, 0, 1, 1]), "head/kernel": np.array([0, 0, 0, 1])})


def trained(heldout: bool = True) -> Trained:
    def kept(epoch: int, test: float, held_out: float) -> Kept:
        return Kept(epoch, Scores(test, held_out if heldout else None), {})

    kinds: dict[WeightsKind, Kept] = {"last": kept(9, 0.5, 0.4), "test_best": kept(6, 0.75, 0.3)}
    if heldout:
        kinds["heldout"] = kept(3, 0.625, 0.9)
    return Trained(kinds, 8, 0.1, 0.95, 12.5, 321.0)


def test_a_row_says_what_each_rule_kept():
    assert asdict(row_of(5, MASKS, trained())) == {
        "iteration": 5, "density": 0.5, "remaining": 4, "prunable": 8, "epochs": 8, "train_loss": 0.1,
        "train_accuracy": 0.95, "test_accuracy_best": 0.75, "best_epoch": 6, "test_accuracy_last": 0.5,
        "heldout_accuracy": 0.9, "heldout_epoch": 3, "test_accuracy_heldout": 0.625, "seconds": 12.5,
        "train_images_per_second": 321.0,
    }  # fmt: skip


def test_without_held_out_images_their_columns_are_empty():
    row = row_of(0, MASKS, trained(heldout=False))
    assert (row.heldout_accuracy, row.heldout_epoch, row.test_accuracy_heldout) == (None, None, None)
    header, line = to_csv([row]).splitlines()
    assert header == ",".join(COLUMNS)
    assert line == "0,0.5,4,8,8,0.1,0.95,0.75,6,0.5,,,,12.5,321.0"


@pytest.mark.parametrize("value", [1 / 3, 0.1 + 0.2, 5e-324, 0.8**15])
def test_numbers_come_back_to_the_last_bit(value: float):
    row = Row(1, value, 1, 3, 2, value, value, value, 1, value, value, 1, value, value, value)
    table = pd.read_csv(io.StringIO(to_csv([row, row])))
    assert table.to_dict("records") == [asdict(row)] * 2


def test_the_timings_are_columns():
    assert set(TIMINGS) < set(COLUMNS)


@pytest.mark.parametrize("heldout", [True, False])
def test_rows_come_back_from_their_file(tmp_path: Path, make_facts: MakeFacts, heldout: bool):
    rows = [row_of(k, MASKS, trained(heldout)) for k in (0, 1)]
    (tmp_path / "iterations.csv").write_text(to_csv(rows))
    assert read_rows(tmp_path, make_facts()) == rows


@pytest.mark.parametrize(
    ("old", "new"),
    [("train_loss", "loss"), ("0.95", "much"), (",9.5", ""), ("0,0.5,4", "0.5,0.5,4"), ("0,0.5,4", "0,,4")],
)
def test_a_table_that_is_damaged(tmp_path: Path, make_facts: MakeFacts, old: str, new: str):
    path = tmp_path / "iterations.csv"
    path.write_text(to_csv([row_of(0, MASKS, Trained(trained().kept, 8, 0.1, 0.95, 12.5, 9.5))]).replace(old, new))
    with pytest.raises(UserError, match=r"iterations.csv is damaged: .*; restore it from a copy"):
        read_rows(tmp_path, make_facts())


def test_a_table_that_is_missing_or_not_the_runs(tmp_path: Path, make_facts: MakeFacts):
    with pytest.raises(UserError, match=r"iterations.csv does not exist"):
        read_rows(tmp_path, make_facts())
    (tmp_path / "iterations.csv").write_text(to_csv([row_of(0, MASKS, trained())]))
    with pytest.raises(UserError, match=r"iterations.csv is damaged: expected SHA-256 b+"):
        read_rows(tmp_path, make_facts(files={"iterations.csv": "b" * 64}))
