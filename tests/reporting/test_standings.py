from __future__ import annotations

import shutil
from dataclasses import replace
from pathlib import Path

import pytest

from tf_dlth.config import TrainingConfig, parse_config
from tf_dlth.config.control import control_path
from tf_dlth.lottery.rows import Row
from tf_dlth.reporting.run_record import read_record
from tf_dlth.reporting.standings import Standing, better, cells, columns, networks, standings

DENSE = Row(0, 1.0, 1000, 1000, 20, 0.1, 0.9, 0.5, 7, 0.45, 0.6, 3, 0.4, 1.0, 1.0)
WORSE = Row(1, 0.8, 800, 1000, 18, 0.1, 0.9, 0.625, 9, 0.35, 0.55, 4, 0.42, 1.0, 1.0)
BETTER = Row(2, 0.64, 640, 1000, 18, 0.1, 0.9, 0.55, 8, 0.44, 0.7, 5, 0.3333, 1.0, 1.0)


def test_the_winner_and_the_dense_network_by_the_runs_own_rule():
    assert networks([DENSE, WORSE, BETTER], "heldout") == [
        Standing("winner: iteration 2", 0.3333, 0.7, 0.64),
        Standing("dense: iteration 0", 0.4, 0.6, 1.0),
    ]
    assert networks([DENSE, WORSE, BETTER], "test_best") == [
        Standing("winner: iteration 1", 0.625, None, 0.8),
        Standing("dense: iteration 0", 0.5, None, 1.0),
    ]


def test_where_the_dense_network_wins_the_best_sparse_one_stands_beside_it():
    assert networks([DENSE, WORSE], "heldout") == [
        Standing("winner: dense", 0.4, 0.6, 1.0),
        Standing("sparse: iteration 1", 0.42, 0.55, 0.8),
    ]


def test_without_pruning_there_is_no_ticket():
    unpruned = [replace(row, density=1.0) for row in (DENSE, WORSE, BETTER)]
    assert networks(unpruned, "heldout") == [Standing("best: iteration 2", 0.3333, 0.7, 1.0)]


def test_one_training_is_no_winner():
    assert networks([DENSE], "heldout") == [Standing("the network", 0.4, 0.6, 1.0)]


@pytest.mark.parametrize(
    ("standing", "images", "expected"),
    [
        (Standing("a", 0.5, 0.7, 0.64), {"test": 100}, ["a", "64.00", "70.00", "50.00", "5.00", "+10.00", "7.00"]),
        (Standing("regression", 0.36), {"test": 100}, ["regression", "-", "-", "36.00", "4.80", "-4.00", "6.86"]),
        (Standing("dense", 0.4, 0.6, 1.0), {"test": 100}, ["dense", "100.00", "60.00", "40.00", "4.90", "-", "-"]),
        (Standing("a", 0.5, None, 0.64), None, ["a", "64.00", "-", "50.00", "-", "+10.00", "-"]),
    ],
)
def test_points_over_the_dense_network(standing, images, expected):
    """Errors by hand: sqrt(0.5 * 0.5 / 100) is 5 points, with sqrt(0.4 * 0.6 / 100) it makes 7.00."""
    assert cells(standing, 0.4, images) == expected
    assert len(expected) == len(columns(TrainingConfig()))


def test_held_out_accuracy_is_named_by_its_measure():
    assert [columns(TrainingConfig(class_weights=how))[2] for how in ("none", "balanced")] == [
        "held-out",
        "held-out balanced",
    ]


def test_what_was_measured_beside_the_networks(finished):
    """The tiny run has a regression and no control."""
    record = read_record(finished.path)
    found = standings(record)
    assert record.regressions is not None
    measured = record.regressions.regressions["colour_and_edges"]
    assert [standing.name for standing in found[2:]] == ["logistic regression"]
    assert (found[2].test, found[2].heldout) == (measured.test_accuracy, measured.heldout_accuracy)
    assert found[:2] == networks(record.rows, "heldout")
    assert [standing.name for standing in standings(replace(record, regressions=None))] == [
        standing.name for standing in found[:2]
    ]


@pytest.mark.parametrize(("override", "counts"), [("seed=0", True), ("seed=1", False), ("pruning.rate=0.5", False)])
def test_a_control_counts_where_it_differs_in_nothing_but_pruning(finished, damaged, edit, override, counts):
    """Its stored config decides; here the tiny run itself under another method."""
    control = Path(shutil.copytree(damaged, control_path(damaged)))
    config = parse_config((control / "config.yaml").read_text(), ["pruning.method=none", override])
    (control / "config.yaml").write_text(config.to_yaml())
    edit(control / "run.json", lambda tree: tree.update(config_sha256=config.sha256("train")))
    names = [standing.name for standing in standings(read_record(damaged))]
    assert ("best of 3 unpruned" in names) == counts
    edit(control / "run.json", lambda tree: tree.update(status="running"))
    assert "best of 3 unpruned" not in [standing.name for standing in standings(read_record(damaged))]


def test_a_simple_classifier_that_is_better_is_said_so():
    chosen, dense = networks([DENSE, WORSE, BETTER], "heldout")
    (line,) = better([chosen, dense, Standing("regression", 0.5)])
    assert line.startswith("what was chosen is right on 33.3% of the test images, regression on 50.0%")
    assert better([chosen, dense, Standing("regression", 0.3)]) == []
