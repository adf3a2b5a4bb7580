from __future__ import annotations

from dataclasses import replace
from typing import Any

import numpy as np
import pytest
from scipy import stats

from tf_dlth.studies.choosing import Network
from tf_dlth.studies.verdicts.claims import CLAIMS, Claim, Over, Term
from tf_dlth.studies.verdicts.comparing import Compared, Missing, compare, evidence_of, weights_over
from tf_dlth.studies.verdicts.measures import Column

SINGLE = Claim(
    "Text.", "ours", ("a", "b"), (Term(Network("a"), Column("fgsm")),), (Term(Network("b"), Column("fgsm")),)
)
"""Arm a above arm b, single trainings, the mean over settings."""


@pytest.fixture
def compared(results):
    def of(rows: list[dict[str, Any]], claim: Claim = SINGLE, **more: Any) -> Compared:
        return compare(claim, evidence_of(results([], rows)), **more)

    return of


def over(claim: Claim, places: Over) -> Claim:
    def moved(terms: tuple[Term, ...]) -> tuple[Term, ...]:
        return tuple(replace(term, over=places) for term in terms)

    return replace(claim, higher=moved(claim.higher), lower=moved(claim.lower))


def test_settings_of_a_pair_are_averaged(network, compared) -> None:
    rows = [network(arm, seed, fraction=f, fgsm=x + seed) for seed in (2, 0, 1)
            for arm, f, x in (("a", 0.01, 0.5), ("a", 0.1, 0.3), ("b", 0.01, 0.2), ("b", 0.1, 0.1))]  # fmt: skip
    found = compared(rows)
    assert found.higher == pytest.approx([0.4, 1.4, 2.4])
    assert found.lower == pytest.approx([0.15, 1.15, 2.15])
    assert [dict(setting)["data.fraction"] for setting in found.settings] == ["0.01", "0.1"]
    assert (found.incomplete, found.missing) == ((), "")
    only = compared(rows, only=found.settings[1])
    assert only.higher == pytest.approx([0.3, 1.3, 2.3])
    assert only.settings == found.settings[1:]


def test_mask_seeds_are_averaged_inside_a_pair(network, compared) -> None:
    rows = [network("a", seed, fgsm=0.5) for seed in range(3)]
    rows += [network("b", seed, fgsm=0.1 * m + 0.01 * seed, mask_seed=m) for seed in range(3) for m in range(3)]
    found = compared(rows)
    assert found.lower == pytest.approx([0.1, 0.11, 0.12])
    assert found.test.differences.n == 3


def test_a_pair_that_lacks_a_setting_or_a_number_is_incomplete(network, compared) -> None:
    rows = [network(arm, seed, fraction=f, fgsm=0.5) for seed in range(4) for arm in "ab" for f in (0.01, 0.1)]
    rows[3]["fgsm"] = float("nan")
    del rows[4]
    found = compared(rows)
    assert found.incomplete == ((0, 100), (1, 101))
    assert len(found.higher) == 2


def test_only_settings_that_both_sides_have(network, compared) -> None:
    rows = [network("a", 0, fraction=f, fgsm=f) for f in (0.01, 0.1, 1.0)]
    rows += [network("b", 0, fraction=f, fgsm=0) for f in (0.1, 1.0)]
    assert compared(rows).higher == pytest.approx([0.55])
    assert compared(rows, over(SINGLE, "fewest")).higher == pytest.approx([0.1])
    assert compared(rows, over(SINGLE, "most")).higher == pytest.approx([1.0])


def test_ends_that_differ_are_each_side_s_own(network, compared) -> None:
    rows = [network("a", 0, fraction=0.01, fgsm=0.7), network("b", 0, fraction=1.0, fgsm=0.4)]
    claim = replace(SINGLE, higher=over(SINGLE, "fewest").higher, lower=over(SINGLE, "most").lower)
    found = compared(rows, claim)
    assert (found.higher, found.lower) == (pytest.approx([0.7]), pytest.approx([0.4]))


def test_signs_and_constants(network, compared) -> None:
    rows = [network(arm, 0, fgsm=x) for arm, x in (("a", 0.9), ("b", 0.2), ("c", 0.05))]
    taken_off = (*SINGLE.lower, Term(Network("c"), Column("fgsm"), sign=-1))
    assert compared(rows, replace(SINGLE, lower=taken_off, constant=1.0)).lower == pytest.approx([1.15])
    assert compared(rows, replace(SINGLE, higher=taken_off, lower=(), constant=1.0)).lower == pytest.approx([1.0])
    assert compared(rows, replace(SINGLE, higher=taken_off)).higher == pytest.approx([0.15])


def test_no_more_labels_than_the_claim_speaks_of(network, compared) -> None:
    rows = [network(arm, 0, fraction=f, fgsm=f) for arm in "ab" for f in (0.01, 0.1, 1.0)]
    assert len(compared(rows, replace(SINGLE, most_labels=5000)).settings) == 2
    assert compared(rows[2::3], replace(SINGLE, most_labels=5000)).missing == (
        "no fgsm of arm a with at most 5,000 labels"
    )


@pytest.mark.parametrize(
    ("rows", "places", "said"),
    [
        ([], "mean", "no arm a"),
        ([("a", {})], "mean", "no arm b"),
        ([("a", {}), ("b", {"heldout_accuracy": float("nan")})], "mean", "heldout can choose nothing in arm b"),
        ([("a", {}), ("b", {"fgsm": float("nan")})], "mean", "no fgsm of arm b"),
        ([("a", {}), ("b", {"fraction": 1.0})], "mean", "no setting has all that is compared"),
        ([("a", {}), ("b", {})], "more labels", "only one size of data"),
    ],
)
def test_what_is_missing_is_named(network, compared, rows, places: Over, said: str) -> None:
    made = [network(arm, 0, **{"fgsm": 0.5, **more}) for arm, more in rows] or [network("c", 0)]
    found = compared(made, over(SINGLE, places))
    assert found.missing == said
    assert found.test.differences.n == 0 and found.test.method == "not tested"


def test_slopes_against_scipy() -> None:
    labels = {(("d", str(n)),): float(n) for n in (500, 1000, 5000, 50000)}
    y = np.array([0.3, 0.35, 0.1, 0.05])
    slope = float(stats.linregress(np.log10(list(labels.values())), y).slope)
    assert np.dot(list(weights_over("more labels", labels).values()), y) == pytest.approx(slope)
    assert np.dot(list(weights_over("fewer labels", labels).values()), y) == pytest.approx(-slope)


def test_weights_of_the_ends() -> None:
    a, b, c = ((("d", name),) for name in "abc")
    labels = {a: 50.0, b: 500.0, c: 50.0}
    assert weights_over("fewest", labels) == {a: 0.5, c: 0.5}
    assert weights_over("most", labels) == {b: 1.0}
    assert weights_over("mean", labels) == {a: 1 / 3, b: 1 / 3, c: 1 / 3}
    with pytest.raises(Missing, match="one size"):
        weights_over("fewer labels", {a: 50.0, c: 50.0})


def test_the_rule_decides_which_ticket_and_which_number(search, network, compared) -> None:
    rows = [row for seed in range(3) for arm, x in (("ticket", 0.6), ("matched", 0.5))
            for row in search(arm, seed, 0.4, x)]  # fmt: skip
    claim = CLAIMS["ticket-beats-matched"]
    found = compared(rows, claim)
    assert (found.higher.tolist(), found.lower.tolist()) == ([0.6] * 3, [0.5] * 3)
    assert compared(rows, claim, plain=True).lower.tolist() == [0.4] * 3
    assert compared(rows, claim, rule="test_best").higher.tolist() == [0.97] * 3
