from __future__ import annotations

import csv
import io

import numpy as np
import pandas as pd
import pytest
from scipy import stats

from tf_dlth.analysis.curves import accuracy_by_density, accuracy_by_epochs, fit_by_density
from tf_dlth.errors import UserError

CSV = """iteration,density,epochs,train_loss,train_accuracy,test_accuracy_best,test_accuracy_last,heldout_accuracy
0,1.0,20,0.5,0.9,0.70,0.68,
1,0.8,18,0.4,0.95,0.75,0.72,
2,0.64,18,0.2,1.0,0.73,0.70,
"""


def table(*accuracies: float) -> list[dict[str, float]]:
    return [
        {"iteration": k, "density": 0.8**k, "epochs": 20 if k == 0 else 18, "test_accuracy_best": accuracy}
        for k, accuracy in enumerate(accuracies)
    ]


def test_one_run_has_no_interval():
    curve = accuracy_by_density([table(0.5, 0.6)])
    assert curve.iterations.tolist() == [0, 1]
    assert curve.x.tolist() == [1, 0.8]
    assert curve.mean.tolist() == [0.5, 0.6]
    assert np.isnan(curve.low).all() and np.isnan(curve.high).all()
    assert curve.runs.tolist() == [1, 1]


def test_mean_and_interval_over_runs_of_different_lengths():
    curve = accuracy_by_density([table(0.5, 0.6), table(0.7, 0.62, 0.9), table(0.6, 0.7)])
    assert curve.mean == pytest.approx([0.6, 0.64, 0.9])
    assert curve.runs.tolist() == [3, 3, 1]
    for k, values in enumerate(([0.5, 0.7, 0.6], [0.6, 0.62, 0.7])):
        expected = stats.t.interval(0.95, 2, np.mean(values), stats.sem(values))
        assert (curve.low[k], curve.high[k]) == pytest.approx(expected)
    assert np.isnan(curve.low[2])


def test_rows_frames_and_text_are_read_alike():
    frame = pd.read_csv(io.StringIO(CSV))
    for run in (list(csv.DictReader(io.StringIO(CSV))), frame, frame.to_dict("records")):
        curve = accuracy_by_density([run], "test_accuracy_last")  # pyright: ignore[reportArgumentType]
        assert curve.mean.tolist() == [0.68, 0.72, 0.70]
        assert accuracy_by_density([run], "heldout_accuracy").iterations.size == 0  # pyright: ignore[reportArgumentType]


def test_fit():
    fit = fit_by_density([pd.read_csv(io.StringIO(CSV))])
    assert fit.train_loss.mean.tolist() == [0.5, 0.4, 0.2]
    assert fit.train_accuracy.mean.tolist() == [0.9, 0.95, 1.0]
    assert fit.generalisation_gap.mean == pytest.approx([0.22, 0.23, 0.30])
    assert fit.generalisation_gap.x.tolist() == [1, 0.8, 0.64]


def test_epochs_add_up_in_the_order_of_the_iterations():
    rows = table(0.5, 0.6, 0.7)
    for run in (rows, rows[::-1]):
        curve = accuracy_by_epochs([run])
        assert curve.x.tolist() == [20, 38, 56]
        assert curve.mean.tolist() == [0.5, 0.6, 0.7]


def test_a_missing_value_is_a_run_less():
    gap = [{**row, "test_accuracy_best": None} if row["iteration"] == 1 else row for row in table(0.5, 0.6)]
    curve = accuracy_by_density([gap, table(0.7, 0.8)])
    assert curve.mean == pytest.approx([0.6, 0.8])
    assert curve.runs.tolist() == [2, 1]


def test_runs_of_other_rates_are_not_averaged():
    other = [{**row, "density": 0.5 ** row["iteration"]} for row in table(0.5, 0.6)]
    with pytest.raises(UserError, match=r"^iteration 1 has density 0\.8 in one run and 0\.5"):
        accuracy_by_density([table(0.5, 0.6), other])
