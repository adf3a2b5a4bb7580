from __future__ import annotations

import math

import numpy as np
import pytest
from scipy import stats

from tf_dlth.analysis.significance import Interval, PairedTest, Record, holm, judge, paired, paired_test, t_interval


def result_of(p: float | None, mean: float = 0.1, n: int = 5) -> PairedTest:
    return PairedTest(Interval(n, mean, mean, mean), p, "not tested" if p is None else "t-test")


# Intervals and tests


@pytest.mark.parametrize("n", [2, 3, 10])
def test_the_interval_against_scipy(n: int):
    values = np.random.RandomState(n).randn(n)
    interval = t_interval(values, 0.9)
    expected = stats.t.interval(0.9, n - 1, values.mean(), stats.sem(values))
    assert (interval.n, interval.mean) == (n, pytest.approx(values.mean()))
    assert (interval.low, interval.high) == pytest.approx(expected)


def test_one_value_has_no_interval():
    one, none = t_interval(np.array([0.3])), t_interval(np.array([]))
    assert (one.n, one.mean) == (1, 0.3) and math.isnan(one.low) and math.isnan(one.high)
    assert none.n == 0 and math.isnan(none.mean)


@pytest.mark.parametrize("n", [3, 5, 30])
@pytest.mark.parametrize("effect", [-1, 0, 0.3])
def test_the_paired_t_test_against_scipy(n: int, effect: float):
    random = np.random.RandomState(n)
    a, b = random.randn(n) + effect, random.randn(n)
    result, expected = paired_test(a, b), stats.ttest_rel(a, b)
    limits = expected.confidence_interval(0.95)
    assert result.method == "t-test"
    assert result.p == pytest.approx(expected.pvalue, rel=1e-9)
    assert (result.differences.low, result.differences.high) == pytest.approx((limits.low, limits.high))
    assert result.differences.mean == pytest.approx((a - b).mean())


def test_a_tiny_p_keeps_its_digits():
    a = np.array([1.0, 1.1, 0.9, 1.05] * 5)
    result = paired_test(a, np.zeros(20))
    assert result.p == pytest.approx(stats.ttest_1samp(a, 0).pvalue, rel=1e-6)
    assert result.p is not None and 0 < result.p < 1e-15


def test_two_pairs_are_described_and_not_tested():
    result = paired_test(np.array([0.5, 0.7]), np.array([0.4, 0.4]))
    assert result.p is None and result.method == "not tested"
    assert result.differences.mean == pytest.approx(0.2)
    assert str(judge({"claim": result})["claim"]) == "not tested (2)"
    assert str(judge({"claim": paired_test(np.array([]), np.array([]))})["claim"]) == "not tested (0)"


def test_equal_arms_are_no_evidence():
    result = paired_test(np.array([0.5, 0.6, 0.7]), np.array([0.5, 0.6, 0.7]))
    assert (result.p, result.method, result.differences.mean) == (1, "sign test", 0)
    assert judge({"claim": result})["claim"].word == "inconclusive"


@pytest.mark.parametrize("n", [3, 5, 6, 9])
def test_equal_differences_are_no_certainty(n: int):
    """A t-test would call p = 0; the exact sign test knows how few they are. Rounding makes them differ a little."""
    lower = np.linspace(0.1, 0.9, n)
    higher = lower + 0.01
    result = paired_test(higher, lower)
    assert result.method == "sign test"
    assert result.p == pytest.approx(stats.binomtest(n, n, 0.5).pvalue)
    assert judge({"claim": result})["claim"].word == ("confirmed" if n >= 6 else "inconclusive")
    assert judge({"claim": paired_test(lower, higher)})["claim"].word == ("contradicted" if n >= 6 else "inconclusive")


# Holm and verdicts


def test_holm_by_hand():
    # ascending .005 .01 .03 .04, times 4 3 2 1: .02 .03 .06 .04; the last is raised to .06
    assert holm([0.01, 0.04, 0.03, 0.005]) == pytest.approx([0.03, 0.06, 0.06, 0.02])
    assert holm([0.5, 0.9]) == [1, 1]
    assert holm([0.01, 0.01]) == [0.02, 0.02]
    assert holm([]) == []


def test_the_family_does_not_shrink_by_what_was_not_tested():
    assert holm([0.01, None, None]) == [pytest.approx(0.03), None, None]


def test_holm_is_the_step_down_rule():
    """A corrected p is below alpha exactly where Holm's procedure, stepping down, rejects."""
    random = np.random.RandomState(0)
    for _ in range(200):
        p = random.rand(5) ** 3
        rejected, order = np.zeros(5, bool), np.argsort(p)
        for rank, i in enumerate(order):
            if p[i] >= 0.05 / (5 - rank):
                break
            rejected[i] = True
        corrected = holm(p.tolist())
        assert [x is not None and x < 0.05 for x in corrected] == rejected.tolist()


def test_verdicts():
    family = {
        "better": result_of(0.001),
        "worse": result_of(0.002, mean=-0.1),
        "lost to the correction": result_of(0.03),
        "at chance": result_of(0.6, mean=-0.1),
        "too few": result_of(None, n=2),
    }
    verdicts = judge(family)
    assert {claim: str(verdict) for claim, verdict in verdicts.items()} == {
        "better": "confirmed",
        "worse": "contradicted",
        "lost to the correction": "inconclusive",
        "at chance": "inconclusive",
        "too few": "not tested (2)",
    }
    assert verdicts["better"].p == pytest.approx(0.005)
    assert verdicts["better"].test is family["better"]


# From runs to pairs


def test_mask_seeds_are_averaged_inside_a_pair():
    records = [
        *(Record((seed, subset), "ticket", 0.5 + 0.1 * seed + 0.01 * subset) for seed in (1, 0) for subset in (0, 1)),
        *(Record((0, 0), "random", value, mask_seed) for mask_seed, value in enumerate((0.2, 0.3, 0.7))),
        Record((1, 1), "random", 0.6, 0),
        Record((2, 0), "random", 0.1, 0),
        Record((0, 0), "another arm", 0.9),
    ]
    result = paired(records, ("ticket", "random"))
    assert result.pairs == ((0, 0), (1, 1))
    assert result.values["ticket"] == pytest.approx([0.5, 0.61])
    assert result.values["random"] == pytest.approx([0.4, 0.6])
    assert result.incomplete == ((0, 1), (1, 0), (2, 0))


def test_an_arm_without_runs_leaves_no_pairs():
    result = paired([Record((0, 0), "ticket", 0.5)], ("ticket", "dense"))
    assert result.pairs == () and result.values["dense"].shape == (0,)
    assert paired_test(result.values["ticket"], result.values["dense"]).p is None


def test_runs_that_cannot_be_paired_are_errors():
    twice = [Record((3, 4), "ticket", 0.5, 1), Record((3, 4), "ticket", 0.6, 1)]
    with pytest.raises(ValueError, match="seed 3, subset_seed 4, arm ticket, mask_seed 1 is given twice"):
        paired(twice, ("ticket",))
    with pytest.raises(ValueError, match="nan"):
        paired([Record((0, 0), "ticket", math.nan)], ("ticket",))


# Worlds whose truth is known: 500 of each, a family of 3 claims on 6 pairs. In every one the ticket is the best of 15
# iterations; the dense control, but in one test, is the best of as many trainings, chosen in the same way.

WORLDS, CLAIMS, PAIRS, ITERATIONS = 500, 3, 6, 15
PAIR_SPREAD, NOISE = 0.03, 0.01


def words(ticket: np.ndarray, dense: np.ndarray) -> np.ndarray:
    """Verdicts [worlds, claims] from accuracies [worlds, claims, pairs]."""
    worlds = zip(ticket, dense, strict=True)
    families = [{str(i): paired_test(t, d) for i, (t, d) in enumerate(zip(*arms, strict=True))} for arms in worlds]
    return np.array([[verdict.word for verdict in judge(family).values()] for family in families])


def world(seed: int, effects: tuple[float, ...], dense_trainings: int = ITERATIONS) -> np.ndarray:
    """Verdicts [worlds, claims] where claim i's ticket is truly better by ``effects[i]`` at every iteration."""
    random = np.random.RandomState(seed)
    shape = (WORLDS, CLAIMS, PAIRS)
    shared = 0.5 + PAIR_SPREAD * random.randn(*shape)
    ticket = shared + NOISE * random.randn(ITERATIONS, *shape).max(0) + np.array(effects)[:, None]
    dense = shared + NOISE * random.randn(dense_trainings, *shape).max(0)
    return words(ticket, dense)


def at_most(rate: float) -> int:
    """Of 500 worlds, what a true rate exceeds once in a thousand times."""
    return int(stats.binom.ppf(0.999, WORLDS, rate))


def power(effect: float, alpha: float) -> float:
    """Of one two-sided t-test on PAIRS pairs, in the direction of the effect, by the noncentral t."""
    spread = math.sqrt(2) * NOISE * np.random.RandomState(0).randn(ITERATIONS, 20000).max(0).std()
    critical = stats.t.ppf(1 - alpha / 2, PAIRS - 1)
    return float(stats.nct.sf(critical, PAIRS - 1, effect / spread * math.sqrt(PAIRS)))


def test_equal_arms_are_confirmed_no_more_often_than_the_nominal_rate():
    verdicts = world(0, (0.0, 0.0, 0.0))
    # Both signs together have 5 % of the worlds, each half of it; a rate of nothing would be no test at all.
    assert (verdicts == "confirmed").any(1).sum() <= at_most(0.025)
    assert (verdicts == "contradicted").any(1).sum() <= at_most(0.025)
    assert (verdicts != "inconclusive").any(1).sum() >= stats.binom.ppf(0.001, WORLDS, 0.04)


def test_the_best_of_many_against_one_training_would_confirm_nothing_but_luck():
    """Why the control must choose as often as the ticket: equal arms, and almost every world confirms a claim."""
    verdicts = world(0, (0.0, 0.0, 0.0), dense_trainings=1)
    assert (verdicts == "confirmed").any(1).mean() > 0.8


def test_a_true_claim_in_the_family_does_not_confirm_the_others():
    verdicts = world(1, (0.1, 0.0, 0.0))
    assert (verdicts[:, 0] == "confirmed").mean() > 0.99
    assert (verdicts[:, 1:] == "confirmed").any(1).sum() <= at_most(0.025)


@pytest.mark.parametrize(("effect", "bound"), [(0.01, 0.4), (0.015, 0.8), (0.02, 0.95)])
def test_a_better_ticket_is_found(effect: float, bound: float):
    """Effects of 1.3, 1.9 and 2.6 spreads of a pair's difference; Holm is at least as strong as Bonferroni."""
    verdicts = world(2, (effect,) * CLAIMS)
    found = (verdicts == "confirmed").mean()
    assert found > bound
    assert found > power(effect, 0.05 / CLAIMS) - 3 * math.sqrt(0.25 / verdicts.size)
    assert not (verdicts == "contradicted").any()


def test_a_worse_ticket_is_contradicted():
    verdicts = world(3, (-0.015,) * CLAIMS)
    assert not (verdicts == "confirmed").any()
    assert (verdicts == "contradicted").mean() > 0.8


def test_mask_seeds_as_units_would_deceive():
    """Three masks in each of 3 pairs: taken for 9 pairs, equal arms are confirmed too often; averaged, they are not."""
    random = np.random.RandomState(4)
    ticket = NOISE * random.randn(WORLDS, 3)
    masks = NOISE * random.randn(WORLDS, 3)[..., None] + 0.1 * NOISE * random.randn(WORLDS, 3, 3)
    averaged, naive = 0, 0
    for t, m in zip(ticket, masks, strict=True):
        records = [Record((i, 0), "ticket", x) for i, x in enumerate(t)]
        records += [Record((i, 0), "random", x, j) for i, row in enumerate(m) for j, x in enumerate(row)]
        values = paired(records, ("ticket", "random")).values
        averaged += judge({"claim": paired_test(values["ticket"], values["random"])})["claim"].word == "confirmed"
        naive += judge({"claim": paired_test(np.repeat(t, 3), m.ravel())})["claim"].word == "confirmed"
    assert averaged <= at_most(0.025)
    assert naive > 2 * at_most(0.025)
