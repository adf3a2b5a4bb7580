from __future__ import annotations

import json
from pathlib import Path

import pytest

from tf_dlth.errors import UserError
from tf_dlth.evaluation.analyses.longtail import analyse


def test_the_papers_four_sets(ask):
    """Their sizes are in table 3 of the paper."""
    found = analyse(ask())
    assert [(r["lambda"], r["images"]) for r in found.records] == [
        (0.1, 19573),
        (0.05, 15907),
        (0.02, 12608),
        (0.01, 10847),
    ]
    assert len(found.rows) == 400
    assert found.rows[0] == {"curve": "CIFAR-100-LT, lambda 0.1", "lambda": 0.1, "class": 0, "images": 500}
    assert found.rows[-1]["images"] == 5


def test_a_run_shows_what_it_has_trained_on(make_run, ask, rows):
    run: Path = make_run("tail", rows(0.5), "data.per_class=null", "data.imbalance=0.5")
    counts = {"train": {"cat": 12, "ant": 9, "bee": 6}}
    (run / "subset.json").write_text(json.dumps({"class_counts": counts}))
    record = analyse(ask(run)).records[4]
    assert (record["curve"], record["counts"], record["path"]) == ("tail, lambda 0.5", [12, 9, 6], str(run))


def test_runs_without_a_tail_or_a_subset(finished, make_run, ask, rows):
    with pytest.raises(UserError, match=r"has no long tail: its data.imbalance is null"):
        analyse(ask(finished.path))
    run: Path = make_run("none", rows(0.5), "data.per_class=null", "data.imbalance=0.5")
    with pytest.raises(UserError, match=r"subset.json does not exist"):
        analyse(ask(run))
    with pytest.raises(UserError, match=r"is no run; name the folder of one"):
        analyse(ask(finished.path / "tensorboard"))
    (run / "subset.json").write_text('{"class_counts": 3}')
    with pytest.raises(UserError, match=r"subset.json is damaged"):
        analyse(ask(run))
