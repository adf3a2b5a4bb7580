from __future__ import annotations

import pytest

from tf_dlth.evaluation.analyses.fit import analyse


def test_by_hand(make_run, ask, rows):
    """Three epochs, then two an iteration; the gap is training less test accuracy of the last epoch."""
    found = analyse(ask(make_run("one", rows(0.5, 0.7, train_loss=0.25, train_accuracy=0.9))))
    (record,) = found.records
    assert [point["mean"] for point in record["train_loss"]] == [0.25, 0.25]
    assert [point["density"] for point in record["train_loss"]] == [1, 0.8]
    assert [point["mean"] for point in record["train_accuracy"]] == [0.9, 0.9]
    assert [point["mean"] for point in record["generalisation_gap"]] == pytest.approx([0.5, 0.3])
    assert [(point["epochs"], point["mean"]) for point in record["accuracy_by_epochs"]] == [
        (3, pytest.approx(0.4)),
        (5, pytest.approx(0.6)),
    ]
    assert [(row["measure"], row["against"]) for row in found.rows[::2]] == [
        ("train_loss", "density"),
        ("train_accuracy", "density"),
        ("generalisation_gap", "density"),
        ("accuracy_by_epochs", "epochs"),
    ]
    line = found.table[1]
    assert (line["k"], line["loss"], line["gap"], line["epochs"]) == ("1", "0.250", "30.00", "5")
