from __future__ import annotations

from typing import Any

import numpy as np
import pandas as pd
import pytest

from tf_dlth.config.study import StudyConfig
from tf_dlth.lottery import selection
from tf_dlth.lottery.rows import Row as IterationRow
from tf_dlth.lottery.selection import Rule
from tf_dlth.studies.choosing import Chosen, Network, as_text, best_star, choose, number, runs_by_arm

AXES: dict[str, Any] = {"data.fraction": [0.01, 0.1], "data.augment": ["basic", "auto"]}
TICKET, DENSE = Network("ticket", best=True), Network("ticket")
RULES: tuple[Rule, ...] = ("heldout", "test_best", "last")


def study(**more: Any) -> StudyConfig:
    return StudyConfig(name="s", base="b.yaml", axes=AXES, **more)


def row(arm: str, seed: int, iteration: int, heldout: float | None, **more: Any) -> dict[str, Any]:
    given = {"data.fraction": 0.01, "data.augment": "basic", "subset_seed": seed, "mask_seed": 0}
    accuracies = {"test_accuracy_heldout": 0.5, "test_accuracy_best": 0.6, "test_accuracy_last": 0.4}
    place = {"arm": arm, "seed": seed, "iteration": iteration}
    return {**given, **place, "heldout_accuracy": heldout, **accuracies, **more}


def chosen(rows: list[dict[str, Any]], network: Network, rule: Rule = "heldout", **more: Any) -> list[Chosen]:
    return choose(runs_by_arm(study(**more), pd.DataFrame(rows)), network, rule)


def test_places_are_text_and_runs_stay_apart() -> None:
    rows = [row("ticket", 0, 0, 0.2), row("ticket", 0, 1, 0.3), row("ticket", 1, 0, 0.2)]
    rows += [row("random", 0, 0, 0.2, mask_seed=m) for m in (0, 1)]
    runs = runs_by_arm(study(best_of="data.augment"), pd.DataFrame(rows))
    assert [(r.setting, r.star, r.pair, r.mask_seed, len(r.rows)) for r in runs["ticket"]] == [
        ((("data.fraction", "0.01"),), "basic", (0, 0), 0, 2),
        ((("data.fraction", "0.01"),), "basic", (1, 1), 0, 1),
    ]
    assert [r.mask_seed for r in runs["random"]] == [0, 1]
    apart = runs_by_arm(study(), pd.DataFrame(rows))["ticket"][0]
    assert (apart.setting, apart.star) == ((("data.fraction", "0.01"), ("data.augment", "basic")), "")


def test_a_study_without_axes_has_one_setting() -> None:
    runs = runs_by_arm(StudyConfig(name="s", base="b.yaml"), pd.DataFrame([row("ticket", 0, 0, 0.2)]))
    assert [r.setting for r in runs["ticket"]] == [()]


@pytest.mark.parametrize("rule", RULES)
def test_the_ticket_is_the_one_that_a_run_itself_names(rule: Rule) -> None:
    random = np.random.RandomState(0)
    for _ in range(50):
        values = random.randint(0, 6, (17, 3)) / 10  # few values, so ties are many
        rows = [
            row("ticket", 0, k, h, test_accuracy_best=b, test_accuracy_last=last)
            for k, (h, b, last) in enumerate(values)
        ]
        own = [IterationRow(k, 1, 1, 1, 1, 0, 0, b, 1, last, h, 1, h, 0, 0) for k, (h, b, last) in enumerate(values)]
        expected = selection.winner(own, rule, selection.PAPER_LAST_ITERATION)
        assert [one.row["iteration"] for one in chosen(rows, TICKET, rule)] == [expected]
        assert [one.row["iteration"] for one in chosen(rows, DENSE, rule)] == [0]


@pytest.mark.parametrize("empty", [None, float("nan")])
def test_without_held_out_images_only_the_other_rules_choose(empty: float | None) -> None:
    rows = [row("ticket", 0, k, empty) for k in range(3)]
    assert chosen(rows, TICKET) == chosen(rows, DENSE) == []
    assert [one.row["iteration"] for one in chosen(rows, TICKET, "last")] == [1]


def test_each_class_of_models_has_its_own_star() -> None:
    def run(augment: str, seed: int, dense: float, ticket: float) -> list[dict[str, Any]]:
        return [row("ticket", seed, k, h, **{"data.augment": augment}) for k, h in enumerate((dense, ticket))]

    rows = run("basic", 0, 0.5, 0.6) + run("basic", 1, 0.5, 0.6) + run("auto", 0, 0.2, 0.9) + run("auto", 1, 0.6, 0.5)
    best_of: dict[str, Any] = {"best_of": "data.augment"}
    assert [(c.star, c.pair) for c in chosen(rows, DENSE, **best_of)] == [("basic", (0, 0)), ("basic", (1, 1))]
    assert [(c.star, c.pair) for c in chosen(rows, TICKET, **best_of)] == [("auto", (0, 0)), ("auto", (1, 1))]
    parents = chosen(rows, Network("ticket", parent=True), **best_of)
    assert [(c.star, c.row["iteration"], c.row["heldout_accuracy"]) for c in parents] == [
        ("auto", 0, 0.2),
        ("auto", 0, 0.6),
    ]
    assert len(chosen(rows, TICKET)) == 4  # without best_of they are settings of their own


def test_the_star_is_chosen_on_held_out_images_under_every_rule() -> None:
    rows = [row("ticket", 0, 1, 0.6, test_accuracy_best=0.1)]
    rows += [row("ticket", 0, 1, 0.5, test_accuracy_best=0.9, **{"data.augment": "auto"})]
    for rule in RULES:
        assert [c.star for c in chosen(rows, TICKET, rule, best_of="data.augment")] == ["basic"]
    for one in rows:
        one["heldout_accuracy"] = None
    assert [c.star for c in chosen(rows, TICKET, "test_best", best_of="data.augment")] == ["auto"]


def test_of_equal_stars_the_first_and_each_setting_its_own() -> None:
    rows = [row("small", 0, 0, 0.5), row("small", 0, 0, 0.5, **{"data.augment": "auto"})]
    rows += [row("small", 0, 0, 0.4, **{"data.fraction": 0.1})]
    rows += [row("small", 0, 0, 0.6, **{"data.fraction": 0.1, "data.augment": "auto"})]
    assert [c.star for c in chosen(rows, Network("small"), best_of="data.augment")] == ["basic", "auto"]
    assert best_star(chosen(rows, Network("small"), best_of="data.augment")) == {
        (("data.fraction", "0.01"),): "basic",
        (("data.fraction", "0.1"),): "auto",
    }


def test_a_dense_training_of_its_own_serves_where_nothing_is_searched() -> None:
    rows = [row("ticket", 0, 0, 0.3), row("dense", 0, 0, 0.4), row("dense", 0, 0, 0.5, **{"data.fraction": 0.1})]
    found = chosen(rows, DENSE)
    assert [(c.setting[0][1], c.row["arm"]) for c in found] == [("0.01", "ticket"), ("0.1", "dense")]


def test_an_arm_that_is_not_there() -> None:
    assert chosen([row("ticket", 0, 0, 0.3)], Network("matched", best=True)) == []


def test_values_of_axes() -> None:
    assert [as_text(v) for v in (1.0, 0.01, 1, "1%", True, float("nan"))] == ["1", "0.01", "1", "1%", "True", "nan"]


def test_numbers() -> None:
    assert [number(v) for v in (0.5, 1, None, "", float("nan"), float("inf"))] == [0.5, 1.0, *[None] * 4]
