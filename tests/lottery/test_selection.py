from __future__ import annotations

from collections.abc import Sequence

import pytest

from tf_dlth.lottery import selection
from tf_dlth.lottery.rows import Row


def rows(
    best: Sequence[float], last: Sequence[float] | None = None, heldout: Sequence[float | None] | None = None
) -> list[Row]:
    """Rows of iterations 0, 1, ... by what each rule maximises."""
    last, heldout = last or best, heldout or best
    return [
        Row(k, 0.8**k, 10, 20, 3, 1.0, 0.5, b, 1, last[k], h, None if h is None else 2, h, 1.0, 1.0)
        for k, (b, h) in enumerate(zip(best, heldout, strict=True))
    ]


def test_each_rule_has_its_own_winner():
    found = selection.summary(rows([0.1, 0.9, 0.2, 0.3], [0.1, 0.2, 0.9, 0.3], [0.1, 0.2, 0.3, 0.9]), "last")
    assert found["winners"] == {"heldout": 3, "test_best": 1, "last": 2}
    assert found["winner"] == 2
    assert found["dense_would_win"] == {"heldout": False, "test_best": False, "last": False}


@pytest.mark.parametrize("rule", ["heldout", "test_best", "last"])
def test_of_equal_iterations_the_densest_wins(rule: selection.Rule):
    assert selection.winner(rows([0.0, 0.4, 0.7, 0.7, 0.7]), rule) == 2


def test_the_winner_is_the_dense_network_where_that_is_strictly_better():
    """The best sparse one is named all the same, and each rule's winner stays a sparse one."""
    found = selection.summary(rows([0.9, 0.1, 0.2]), "test_best")
    assert (found["winner"], found["best_sparse"], found["winners"]["test_best"]) == (0, 2, 2)
    found = selection.summary(rows([0.2, 0.1, 0.2]), "test_best")
    assert (found["winner"], found["best_sparse"]) == (2, 2)
    found = selection.summary(rows([0.9, 0.1, 0.2], heldout=[0.3, 0.4, 0.1]), "heldout")
    assert (found["winner"], found["best_sparse"]) == (1, 1), "by the run's own rule"


def test_dense_wins_only_if_strictly_better():
    verdict = selection.dense_would_win(rows([0.7, 0.7, 0.6], [0.71, 0.7, 0.6], [0.5, 0.4, 0.6]))
    assert verdict == {"heldout": False, "test_best": False, "last": True}


def test_the_sixteenth_iteration_stands_beside():
    """``winners`` over 1..15 as in the paper's release, ``winners_16`` over 1..16, ``winner`` over all."""
    accuracies = [0.0] * 18
    accuracies[15], accuracies[16], accuracies[17] = 0.5, 0.6, 0.7
    found = selection.summary(rows(accuracies), "heldout")
    assert set(found["winners"].values()) == {15}
    assert set(found["winners_16"].values()) == {16}
    assert found["winner"] == 17


def test_dense_is_compared_with_the_winner_up_to_15():
    accuracies = [0.5] + [0.4] * 15 + [0.9]
    assert selection.dense_would_win(rows(accuracies))["test_best"]


def test_without_held_out_images():
    without = rows([0.1, 0.2, 0.3], heldout=[None, None, None])
    found = selection.summary(without, "test_best")
    assert found["winners"] == {"test_best": 2, "last": 2}
    assert found["dense_would_win"] == {"test_best": False, "last": False}


def test_the_dense_network_alone():
    found = selection.summary(rows([0.6]), "heldout")
    assert found["winner"] == 0
    assert set(found["winners"].values()) == set(found["winners_16"].values()) == {0}
    assert not any(found["dense_would_win"].values())


def test_accuracies_of_zero():
    assert selection.summary(rows([0.0, 0.0, 0.0]), "heldout")["winner"] == 1
