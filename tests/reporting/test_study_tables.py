"""Every cell of the tables against numbers that the hand-made results give."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import numpy as np
import pytest

from tf_dlth.reporting import study_tables
from tf_dlth.reporting.page.content import Table

PUBLISHED = {
    "0.01": {
        "dense": "table1/rows/cifar10/1%/random_init_r18/dense",
        "ticket": "table1/rows/cifar10/1%/random_init_r18/wt",
        "base_then_aug": "table5/rows/cifar10/1%/wt_base_then_aug",
        "ticket/ece": "table4/rows/wt_aug_1pct",
    }
}


def cells(table: Table | None, *first: str) -> dict[str, str]:
    """The row that begins with ``first``, by header."""
    assert table is not None
    (row,) = [row for row in table.rows if list(row[: len(first)]) == list(first)]
    assert len(row) == len(table.headers) == len(set(table.headers))
    return dict(zip(table.headers, row, strict=True))


def test_main(frames):
    table = study_tables.main(frames)
    assert len(table.rows) == 4
    assert cells(table, "2 %", "rand") == {
        "share of the training images": "2 %",
        "augmentation": "rand",
        "dense %": "60.0 ± 2.5 (3)",
        "ticket %": "70.0 ± 2.5 (3)",
        "ticket - dense": "+10.0 ± 0.0 (3)",
        "ticket - dense chosen as often": "+6.0 ± 0.0 (3)",
        "density of the ticket %": "64.00",
    }
    assert "chosen on held-out images" in table.caption and "†" not in table.caption
    assert {record["rule"] for record in table.records} == {"heldout", "test_best", "last"}


def test_main_beside_the_paper(frames, restudied):
    row = cells(study_tables.main(restudied(frames, published=PUBLISHED)), "1 %", "rand")
    assert (row["paper: ticket %"], row["ticket: ours - paper"]) == ("59.66", "-1.7")  # test_best: 58.0
    assert (row["paper: dense %"], row["dense: ours - paper"]) == ("43.80", "-3.8")  # test_best: 40.0
    other = cells(study_tables.main(restudied(frames, published=PUBLISHED)), "1 %", "basic")
    assert (other["paper: ticket %"], other["ticket: ours - paper"]) == ("-", "-")


def test_main_of_another_scale_has_no_published_number(frames, restudied):
    table = study_tables.main(restudied(frames, scale="width 8, 20 epochs"))
    assert not [header for header in table.headers if "paper" in header]
    assert table.caption.endswith("Scale: width 8, 20 epochs.")


def test_what_was_not_run_and_what_has_no_data(frames):
    networks = frames.networks[frames.networks["data.fraction"] == 0.02]
    table = study_tables.main(replace(frames, networks=networks), {("0.01", "rand")})
    assert cells(table, "1 %", "rand")["ticket %"] == "not run: data absent"
    assert cells(table, "1 %", "basic")["ticket %"] == "not run"
    assert cells(table, "1 %", "basic")["ticket - dense"] == "-"
    assert cells(table, "2 %", "basic")["ticket %"] == "55.0 ± 2.5 (3)"


def test_nothing_is_trained_so_far(frames):
    empty = replace(frames, networks=frames.networks.iloc[:0], analyses=frames.analyses.iloc[:0])
    assert all(row[2] == "not run" for row in study_tables.main(empty).rows)
    assert study_tables.rules(empty).rows == []
    assert study_tables.arms(empty) is None
    assert study_tables.measures(empty) is None


def test_a_dagger_where_the_test_set_chose(frames):
    networks = frames.networks.copy()
    networks.loc[networks["data.fraction"] == 0.02, ["heldout_accuracy", "test_accuracy_heldout"]] = np.nan
    table = study_tables.main(replace(frames, networks=networks))
    assert cells(table, "2 %", "rand")["ticket %"] == "74.0 ± 2.5 (3) †"
    assert cells(table, "1 %", "rand")["ticket %"] == "56.0 ± 2.5 (3)"
    assert "†: on the test set" in table.caption


def test_best_of(frames, restudied):
    table = study_tables.best_of(restudied(frames, published=PUBLISHED))
    assert cells(table, "1 %") == {
        "share of the training images": "1 %",
        "dense, best augmentation %": "40.0 ± 2.5 (3) basic",
        "ticket, best augmentation %": "56.0 ± 2.5 (3) rand",
        "ticket - dense": "+16.0 ± 0.0 (3)",
        "dense, the paper's choice %": "38.0 ± 2.5 (3) rand",
        "ticket, the paper's choice %": "56.0 ± 2.5 (3) rand",
        "paper: dense %": "43.80",
        "paper: ticket %": "59.66",
    }
    assert cells(table, "2 %")["ticket, the paper's choice %"] == "55.0 ± 2.5 (3) basic"
    without: dict[str, Any] = {"best_of": None, "fixed": {}, "arms": {"ticket": {}}}
    assert study_tables.best_of(restudied(frames, **without)) is None


def test_arms(frames, restudied):
    table = study_tables.arms(restudied(frames, published=PUBLISHED))
    assert table is not None
    random = cells(table, "2 %", "random mask")
    assert (random["accuracy %"], random["ticket - this"]) == ("61.0 ± 2.5 (3)", "+9.0 ± 0.0 (3)")
    assert (random["augmentation"], random["density %"]) == ("rand", "64.00")
    assert cells(table, "1 %", "dense, equal compute")["ticket - this"] == "+6.0 ± 0.0 (3)"
    assert cells(table, "1 %", "dense")["augmentation"] == "basic"
    assert cells(table, "1 %", "WT(Base)+Aug*")["paper %"] == "47.40"
    assert cells(table, "2 %", "WT(Base)+Aug*")["paper %"] == "-"
    unpublished = study_tables.arms(frames)
    assert unpublished is not None and "paper %" not in unpublished.headers
    alone = frames.networks[frames.networks.arm == "ticket"]
    assert study_tables.arms(replace(frames, networks=alone)) is None


def test_rules_side_by_side(frames):
    table = study_tables.rules(frames)
    ticket = cells(table, "2 %", "rand", "ticket")
    assert list(ticket.values())[3:] == [
        "70.0 ± 2.5 (3)", "74.0 ± 2.5 (3)", "69.0 ± 2.5 (3)", "1,500", "1,000 and the test set"
    ]  # fmt: skip
    assert "test_best@10 %" in table.headers
    assert "as the paper did" not in table.caption
    every = study_tables.rules(replace(frames, networks=frames.networks.assign(evaluate_every=1)))
    assert "test_best %" in every.headers and "as the paper did" in every.caption


def test_measures(frames, restudied):
    table = study_tables.measures(restudied(frames, published=PUBLISHED))
    ticket = cells(table, "1 %", "rand", "ticket *")
    assert ticket["accuracy on CIFAR-10-C (%)"] == "54.0 ± 2.5 (3)"  # .56 - .10 + .02 * 4
    assert ticket["calibration error (ECE, %)"] == "16.0 ± 0.0 (3)"
    assert ticket["paper: calibration error (ECE, %)"] == "23.67"
    assert cells(table, "1 %", "basic", "ticket")["paper: calibration error (ECE, %)"] == "-"
    assert cells(table, "1 %", "basic", "dense *")["accuracy under FGSM (%)"] == "12.0 ± 0.0 (3)"
    probed = frames.networks.assign(probe_cifar100=0.25)
    table = study_tables.measures(replace(frames, networks=probed))
    assert table is not None and table.headers[-1] == "linear probe on cifar100 (%)"


def test_a_study_without_axes_is_one_row(frames, restudied):
    one = frames.networks[(frames.networks["data.fraction"] == 0.01) & (frames.networks["data.augment"] == "rand")]
    study = restudied(frames, axes={}, best_of=None, fixed={}, arms={"ticket": {}}).study
    one = one[one.arm == "ticket"].drop(columns=["data.fraction", "data.augment"])
    results = replace(frames, study=study, networks=one)
    row = cells(study_tables.main(results), "all")
    assert (row["dense %"], row["ticket %"]) == ("38.0 ± 2.5 (3)", "56.0 ± 2.5 (3)")
    assert cells(study_tables.rules(results), "all", "ticket")["last %"] == "55.0 ± 2.5 (3)"


@pytest.mark.parametrize("name", ["main", "best_of", "arms", "rules", "measures"])
def test_rows_are_as_long_as_headers(frames, name: str):
    table = getattr(study_tables, name)(frames)
    assert table.rows and {len(row) for row in table.rows} == {len(table.headers)}
