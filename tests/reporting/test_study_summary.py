from __future__ import annotations

import pytest
from scipy import stats

from tf_dlth.reporting import study_summary
from tf_dlth.reporting.study_models import models

PUBLISHED = {
    "0.01": {
        "dense": "table1/rows/cifar10/1%/random_init_r18/dense",
        "ticket": "table1/rows/cifar10/1%/random_init_r18/wt",
    },
    "0.01, basic": {"ticket": "table5/rows/cifar10/1%/wt"},
    "0.02, rand": {"ticket/ece": "table4/rows/dense_1pct"},
}


def one(records, **values):
    (found,) = [r for r in records if all(r[key] == value for key, value in values.items())]
    return found


def test_a_record_a_setting_model_and_rule(frames, restudied):
    records = study_summary.summary(restudied(frames, published=PUBLISHED))
    place = {"data.fraction": "0.01", "data.augment": "rand", "model": "ticket"}
    honest = one(records, **place, rule="heldout")
    low, high = stats.t.interval(0.95, 2, loc=0.56, scale=stats.sem([0.55, 0.56, 0.57]))
    assert (honest["mean"], honest["low"], honest["high"]) == pytest.approx((0.56, low, high))
    assert (honest["pairs"], honest["iterations"], honest["labels"], honest["star"]) == (3, "4", 1000, True)
    assert honest["density"] == pytest.approx(0.4096)
    assert honest["published"] is None and not honest["test_labels_used"]
    paper_way = one(records, **place, rule="test_best")
    assert (paper_way["labels"], paper_way["test_labels_used"]) == (500, True)
    assert paper_way["published"] == pytest.approx(0.5966)
    assert paper_way["ours_less_published"] == pytest.approx(0.58 - 0.5966)
    assert not one(records, **{**place, "data.augment": "basic"}, rule="last")["star"]


def test_published_numbers_stand_at_settings_and_at_the_paper_s_choice(frames, restudied):
    study = restudied(frames, published=PUBLISHED).study
    assert study_summary.paper_number(study, ("0.01", "basic"), "ticket") == pytest.approx(0.3831)
    assert study_summary.paper_number(study, ("0.01",), "dense") == pytest.approx(0.438)
    assert study_summary.paper_number(study, ("0.02", "rand"), "ticket/ece") == pytest.approx(0.0642)
    assert study_summary.paper_number(study, ("0.02",), "dense") is None
    setting = {"data.fraction": "0.01", "data.augment": "rand"}  # fixed: rand at 0.01
    assert study_summary.paper_number_of(study, setting, "ticket") == pytest.approx(0.5966)
    assert study_summary.paper_number_of(study, {**setting, "data.augment": "basic"}, "dense") is None


def test_nothing_published_stands_beside_another_scale(frames, restudied):
    study = restudied(frames, published=PUBLISHED).study.model_copy(update={"scale": "width 8"})
    assert study_summary.paper_number(study, ("0.01",), "dense") is None


def test_labels_of_a_rule(frames):
    rows = models(frames, "last")
    assert study_summary.labels(rows[rows["data.fraction"] == "0.02"], "heldout") == 1500
    assert study_summary.labels(rows[rows["data.fraction"] == "0.02"], "last") == 1000
