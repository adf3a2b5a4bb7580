from __future__ import annotations

import pytest

from tf_dlth.lottery.selection import Rule
from tf_dlth.reporting.rules import curve, explained, ordinal, shown

RULES: tuple[Rule, ...] = ("heldout", "test_best", "last")


@pytest.mark.parametrize("every", [1, 2, 10])
def test_the_papers_way_is_said_of_test_best_alone_and_only_where_every_epoch_is_evaluated(every: int):
    for rule in RULES:
        papers = rule == "test_best" and every == 1
        assert ("the paper's way" in explained(rule, every)) == papers
        assert ("the paper's way" in curve(rule, every)) == papers


def test_a_best_epoch_among_some_carries_its_distance():
    assert [shown(rule, 1) for rule in RULES] == ["heldout", "test_best", "last"]
    assert [shown(rule, 5) for rule in RULES] == ["heldout", "test_best@5", "last"]
    assert curve("test_best", 5) == "best epoch on the test set (of every 5th)"
    assert "one epoch in 5, not every one as the paper" in explained("test_best", 5)


def test_ordinals():
    """As they are spoken, teens included."""
    told = [
        "1st",
        "2nd",
        "3rd",
        "4th",
        "10th",
        "11th",
        "12th",
        "13th",
        "20th",
        "21st",
        "22nd",
        "23rd",
        "101st",
        "111th",
        "112th",
        "122nd",
    ]
    assert [ordinal(int(word[:-2])) for word in told] == told
    assert "(of every 2nd)" in curve("test_best", 2)


@pytest.mark.parametrize("every", [1, 10])
def test_what_chooses_on_the_test_set_says_so(every: int):
    """And only what does not is called honest."""
    for rule in RULES:
        assert ("honest" in explained(rule, every)) == (rule == "heldout")
        assert ("chosen on the test set" in explained(rule, every)) == (rule != "heldout")
