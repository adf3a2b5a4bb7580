"""Which network of a run stands for which class of models, and how classes are summed up over pairs."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pandas as pd
import pytest
from scipy import stats

from tf_dlth.lottery.selection import Rule
from tf_dlth.reporting import study_models as sm
from tf_dlth.studies import choosing


def of(frame: pd.DataFrame, model: str, size: str, augment: str) -> pd.DataFrame:
    return sm.at(frame, ["model", "data.fraction", "data.augment"], [model, size, augment])


def test_the_ticket_of_each_rule(frames):
    expected: dict[Rule, tuple[int, int]] = {"heldout": (2, 4), "test_best": (1, 4), "last": (2, 4)}
    for rule, iterations in expected.items():
        found = sm.models(frames, rule)
        assert [set(of(found, "ticket", size, "rand").iteration) for size in ("0.02", "0.01")] == [
            {k} for k in iterations
        ]
    found = sm.models(frames, "test_best")
    assert of(found, "ticket", "0.02", "rand").accuracy.tolist() == pytest.approx([0.73, 0.74, 0.75])
    assert of(found, "dense", "0.02", "rand").accuracy.tolist() == pytest.approx([0.61, 0.62, 0.63])


def test_classes(frames):
    found = sm.models(frames, "heldout")
    searches = ("rate", "mixup", "cutmix", "augmix")
    assert set(found.model) == {*frames.study.arms, "dense", *(f"{arm}, dense" for arm in searches)}
    matched = of(found, "matched", "0.01", "basic")
    assert set(matched.iteration) == {4} and matched.accuracy.tolist() == pytest.approx([0.43, 0.44, 0.45])
    assert len(of(found, "random", "0.01", "rand")) == 9
    assert len(of(found, "small", "0.01", "rand")) == 3


@pytest.mark.parametrize("rule", ["heldout", "test_best", "last"])
@pytest.mark.parametrize("arm", ["ticket", "matched", "mixup", "random"])
def test_tables_show_the_networks_that_verdicts_compare(frames, rule: Rule, arm: str):
    """At the value of best_of that held-out images choose, wherever the two look at more than one."""
    runs = choosing.runs_by_arm(frames.study, frames.networks)
    chosen = choosing.choose(runs, choosing.Network(arm, best=arm != "random"), rule)
    shown = sm.starred(sm.models(frames, rule), frames.study, sm.stars(frames))
    shown = shown[shown.model == arm]
    assert {(one.row["run"], one.row["iteration"]) for one in chosen} == set(
        zip(shown.run, shown.iteration, strict=True)
    )
    assert len(chosen) == len(shown) > 0


def test_of_equal_iterations_the_densest(frames):
    networks = frames.networks.assign(heldout_accuracy=0.5)
    assert set(of(sm.models(replace(frames, networks=networks), "heldout"), "ticket", "0.01", "rand").iteration) == {1}


def test_no_ticket_beyond_the_paper_s_last_iteration(frames):
    networks = frames.networks.assign(iteration=frames.networks.iteration * 5)  # 0, 5, 10, 15, 20; the best is k = 20
    found = sm.models(replace(frames, networks=networks), "heldout")
    assert set(of(found, "ticket", "0.01", "rand").iteration) == {15}


def test_runs_without_held_out_images_have_no_such_rule(frames):
    networks = frames.networks.assign(heldout_accuracy=np.nan, test_accuracy_heldout=np.nan)
    without = replace(frames, networks=networks)
    assert sm.models(without, "heldout").empty
    found = sm.decided(without)
    assert set(found.rule) == {"test_best"} and not sm.is_honest(found)
    assert of(found, "ticket", "0.02", "rand").accuracy.tolist() == pytest.approx([0.73, 0.74, 0.75])


def test_held_out_images_decide_where_there_are_any(frames):
    networks = frames.networks.copy()
    whole = networks["data.fraction"] == 0.02
    networks.loc[whole, ["heldout_accuracy", "test_accuracy_heldout"]] = np.nan
    some = replace(frames, networks=networks)
    found = sm.decided(some)
    assert found.groupby("data.fraction").rule.unique().map(list).to_dict() == {
        "0.01": ["heldout"],
        "0.02": ["test_best"],
    }
    assert len(found) == len(sm.decided(frames))
    # Where nothing is held out, the paper's fixed choice stands for the best.
    assert sm.stars(some)["ticket", ("0.02",)] == "basic"
    assert sm.stars(some)["small", ("0.02",)] == "rand"  # that was trained at no other
    assert sm.stars(some)["ticket", ("0.01",)] == "rand"
    study = some.study.model_copy(update={"fixed": {}})
    assert sm.stars(replace(some, study=study))["ticket", ("0.02",)] == "rand"


def test_an_empty_study_has_no_models(frames):
    empty = replace(frames, networks=frames.networks.iloc[:0])
    assert sm.models(empty, "heldout").empty
    assert sm.stars(empty) == {}


def test_the_star_is_each_class_s_own(frames):
    stars = sm.stars(frames)
    assert stars["dense", ("0.02",)] == "rand" and stars["ticket", ("0.02",)] == "rand"
    assert stars["dense", ("0.01",)] == "basic" and stars["ticket", ("0.01",)] == "rand"
    best = sm.starred(sm.models(frames, "heldout"), frames.study, stars)
    dense = best[(best.model == "dense") & (best["data.fraction"] == "0.01")]
    assert set(dense["data.augment"]) == {"basic"} and len(dense) == 3
    assert sm.fixed_value(frames.study, ("0.02",)) == "basic"
    assert sm.fixed_value(frames.study, ("0.5",)) is None


def test_the_star_is_chosen_on_held_out_images_alone(frames):
    networks = frames.networks.copy()
    basic = networks["data.augment"] == "basic"
    networks.loc[basic, ["test_accuracy_best", "test_accuracy_last", "test_accuracy_heldout"]] = 0.99
    assert sm.stars(replace(frames, networks=networks)) == sm.stars(frames)


def test_intervals_are_scipy_s_over_pairs_with_masks_averaged(frames):
    rows = of(sm.models(frames, "heldout"), "random", "0.02", "rand")
    assert sm.by_pair(rows, "accuracy").tolist() == pytest.approx([0.60, 0.61, 0.62])
    found = sm.interval(rows)
    expected = stats.t.interval(0.95, 2, loc=0.61, scale=stats.sem([0.60, 0.61, 0.62]))
    assert (found.n, found.mean) == (3, pytest.approx(0.61))
    assert (found.low, found.high) == pytest.approx(expected)


def test_differences_are_of_the_pairs_that_both_have(frames):
    found = sm.models(frames, "heldout")
    ticket, dense = of(found, "ticket", "0.02", "rand"), of(found, "dense", "0.02", "rand")
    assert (sm.difference(ticket, dense).n, sm.difference(ticket, dense).mean) == (3, pytest.approx(0.10))
    assert sm.difference(ticket, dense[dense.seed < 2]).n == 2


def test_names_are_the_study_s(frames, restudied):
    axes = {"data.fraction": [1, 0.5], "data.augment": ["basic", "none"]}
    study = restudied(frames, axes=axes, fixed={}, arms={"ticket": {}}).study
    raw = pd.DataFrame({"data.fraction": [1.0, 0.5, 0.25], "data.augment": ["basic", "none", None]})
    found = sm.named(raw, study)
    assert found["data.fraction"].tolist() == ["1", "0.5", "0.25"]
    assert found["data.augment"].tolist() == ["basic", "none", "None"]
    assert sm.places(study) == [("1",), ("0.5",)]
