from __future__ import annotations

import numpy as np
import pytest
from scipy import stats

from tf_dlth.errors import UserError
from tf_dlth.evaluation.analyses.curves import analyse


def test_three_runs_by_hand(make_run, ask, rows):
    accuracies = [(0.5, 0.6, 0.4), (0.6, 0.7, 0.5), (0.55, 0.8, 0.45)]
    paths = [make_run(f"s{seed}", rows(*values), f"seed={seed}") for seed, values in enumerate(accuracies)]
    found = analyse(ask(*paths))
    assert [record["rule"] for record in found.records] == ["heldout", "test_best", "last"]
    best = [row for row in found.rows if row["rule"] == "test_best"]
    assert [row["density"] for row in best] == pytest.approx([1, 0.8, 0.64])
    for k, row in enumerate(best):
        values = np.array([of[k] for of in accuracies])
        reach = stats.t.ppf(0.975, 2) * values.std(ddof=1) / np.sqrt(3)
        assert (row["mean"], row["low"], row["high"]) == pytest.approx(
            (values.mean(), values.mean() - reach, values.mean() + reach)
        )
        assert row["runs"] == 3
    heldout = [row["mean"] for row in found.rows if row["rule"] == "heldout"]
    assert heldout == pytest.approx([row["mean"] - 0.05 for row in best])
    assert found.table[1]["dense %"] == "55.00" and found.table[1]["highest %"] == "70.00"
    assert (found.table[1]["k"], found.table[1]["density %"]) == ("1", "80.00")


def test_the_dense_network_is_never_the_highest_of_the_pruned(make_run, ask, rows):
    line = analyse(ask(make_run("down", rows(0.9, 0.5, 0.6)))).table[1]
    assert (line["dense %"], line["highest %"], line["k"]) == ("90.00", "60.00", "2")
    alone = analyse(ask(make_run("alone", rows(0.9)))).table[1]
    assert (alone["dense %"], alone["highest %"], alone["k"]) == ("90.00", "-", "-")


def test_a_real_run(finished, ask):
    found = analyse(ask(finished.path))
    assert [record["curve"] for record in found.records] == ["tiny"] * 3
    points = found.records[1]["points"]
    assert [point["iteration"] for point in points] == [0, 1, 2]
    assert points[0]["density"] == 1


def test_runs_of_other_densities_are_not_averaged(make_run, ask, rows):
    paths = [
        make_run("a", rows(0.5, 0.6), "seed=1"),
        make_run("b", rows(0.5, 0.6, density=0.5), "seed=2"),
    ]
    with pytest.raises(UserError, match=r"iteration 0 has density 1 in one run and 0\.5 in another"):
        analyse(ask(*paths))
