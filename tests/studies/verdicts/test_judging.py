"""Every claim on tables by hand: the sides that it should compare differ by known amounts, everything else misleads."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np
import pytest
from scipy import stats

from tf_dlth.errors import UserError
from tf_dlth.studies.verdicts.claims import CLAIMS
from tf_dlth.studies.verdicts.judging import Judged, judge_study

Row = dict[str, Any]
SIZES = (0.01, 0.1)


@dataclass(frozen=True)
class Maker:
    """Builds the rows of a pair in which the claim's sides are ``a`` and ``b``."""

    network: Callable[..., Row]
    search: Callable[..., list[Row]]
    finding: Callable[..., Row]

    def matched(self, s: int, a: float, b: float) -> tuple[list[Row], list[Row]]:
        return [*self.search("ticket", s, 0.2, a), *self.search("matched", s, 0.1, b)], []

    def gap(self, s: int, a: float, b: float) -> tuple[list[Row], list[Row]]:
        large = [*self.search("ticket", s, 0.2, 0.7, fraction=0.1), *self.search("matched", s, 0.1, 0.7, fraction=0.1)]
        return self.matched(s, a, b)[0] + large, []

    def densities(self, s: int, a: float, b: float) -> tuple[list[Row], list[Row]]:
        small, large = (self.search("ticket", s, 0.2, 0.7, fraction=f, of_ticket={"density": d})
                        for f, d in ((0.01, 0.1 * 10**b), (0.1, 0.1 * 10**a)))  # fmt: skip
        return small + large, []

    def against(self, arm: str) -> Callable[..., tuple[list[Row], list[Row]]]:
        """Choosing gains dense networks .05, so a ticket of a + .05 is as good as a."""

        def rows(s: int, a: float, b: float) -> tuple[list[Row], list[Row]]:
            searches = [*self.search("ticket", s, 0.9, a + 0.05), *self.search("matched", s, 0.3, 0.35)]
            masks = [self.network(arm, s, 0, b + x, mask_seed=m) for m, x in enumerate((-0.01, 0.01))]
            return searches + masks, []

        return rows

    def above(self, arm: str) -> Callable[..., tuple[list[Row], list[Row]]]:
        return lambda s, a, b: ([*self.search("ticket", s, b, 0.9), self.network(arm, s, 0, a)], [])

    def column(self, name: str, higher: str) -> Callable[..., tuple[list[Row], list[Row]]]:
        def rows(s: int, a: float, b: float) -> tuple[list[Row], list[Row]]:
            made = []
            for arm in ("ticket", "matched"):
                value = {name: a if arm == higher else b}
                made += self.search(arm, s, 0.2, 0.5, of_ticket=value, of_dense={name: 0.99})
                if name != "fgsm":  # the claim is of small data: with all of it the ticket is worse
                    made += self.search(arm, s, 0.2, 0.5, of_ticket={name: arm != "ticket"}, fraction=1.0)
            return made, []

        return rows

    def density(self, part: str) -> Callable[..., tuple[list[Row], list[Row]]]:
        layers = {"stem": "early", "a_conv": "early", "b_shortcut": "shortcut", "b_conv": "late", "c_conv": "late"}

        def rows(s: int, a: float, b: float) -> tuple[list[Row], list[Row]]:
            networks = [row for f in SIZES for row in self.search("ticket", s, 0.2, 0.5, fraction=f)]
            sparsest = {"density": a, "null_theta_r": b}
            findings = [
                self.finding(row, "density", q, x if row["iteration"] == 8 and layers[layer] == part else 0.5, layer)
                for row in networks if row["iteration"] in (5, 8) and row["data.fraction"] == 0.01
                for q, x in sparsest.items() for layer in layers
            ]  # fmt: skip
            return networks, findings

        return rows

    def probe(self, s: int, a: float, b: float) -> tuple[list[Row], list[Row]]:
        """At the smallest size choosing gains dense networks .05."""

        def values(dense: float, ticket: float) -> dict[str, Row]:
            return {"of_dense": {"probe_cifar100": dense}, "of_ticket": {"probe_cifar100": ticket}}

        made = self.search("ticket", s, 0.2, 0.5, **values(0.9, a + 0.05))
        made += self.search("matched", s, 0.2, 0.5, **values(0.3, 0.35))
        return [*made, self.network("dense", s, fraction=1.0, probe_cifar100=b)], []

    def overall(
        self, kind: str, quantity: str, ticket_first: bool = True, constant: float = 0.0
    ) -> Callable[..., tuple[list[Row], list[Row]]]:
        def rows(s: int, a: float, b: float) -> tuple[list[Row], list[Row]]:
            networks = self.search("ticket", s, 0.2, 0.5)
            ticket, dense = (a, b) if ticket_first else (b, a)
            values = {0: dense, 5: ticket - b + constant if constant else ticket, 7: 99.0, 8: -99.0}
            layer = None if kind == "cka" else "a"
            return networks, [
                self.finding(row, kind, quantity, values[row["iteration"]], layer)
                for row in networks if row["iteration"] in values
            ]  # fmt: skip

        return rows

    def losses(self, s: int, a: float, b: float) -> tuple[list[Row], list[Row]]:
        return self.search("ticket", s, 0.2, 0.5, of_ticket={"train_loss": a}, of_dense={"train_loss": b}), []

    def mixing(self, arm: str) -> Callable[..., tuple[list[Row], list[Row]]]:
        def rows(s: int, a: float, b: float) -> tuple[list[Row], list[Row]]:
            plain = [*self.search("ticket", s, 0.9, 0.99), *self.search("matched", s, 0.3, 0.35)]
            return [*plain, *self.search(arm, s, b, a + 0.05)], []

        return rows

    def of(self, claim: str) -> Callable[..., tuple[list[Row], list[Row]]]:
        return {
            "ticket-beats-matched": self.matched,
            "gap-grows": self.gap,
            "density-falls": self.densities,
            "ticket-beats-small": self.against("small"),
            "ticket-beats-random": self.against("random"),
            "ticket-beats-layerwise": self.against("layerwise"),
            "small-beats-dense": self.above("small"),
            "random-beats-dense": self.above("random"),
            "layerwise-beats-dense": self.above("layerwise"),
            "gap-on-corruptions": self.column("cifar10_c", "ticket"),
            "gap-on-new-images": self.column("cifar10_2", "ticket"),
            "fgsm-is-worse": self.column("fgsm", "matched"),
            "early-layers-denser": self.density("early"),
            "shortcuts-denser": self.density("shortcut"),
            "probe-beats-dense": self.probe,
            "search-needs-augmentation": self.against("base_then_aug"),
            "weights-are-larger": self.overall("weight-norms", "masked", constant=1.0),
            "similar-layers-span-wider": self.overall("cka", "widest_block"),
            "shortcuts-carry-less": self.overall("branch-norms", "ratio", ticket_first=False),
            "long-tail-gain": self.matched,
            "method-gain": self.matched,
            "real-data-gain": self.matched,
            "gain-survives-equal-compute": self.against("equal"),
            "gain-is-generalisation": self.losses,
            "gain-survives-mixup": self.mixing("mixup"),
            "gain-survives-cutmix": self.mixing("cutmix"),
            "gain-survives-augmix": self.mixing("augmix"),
        }[claim]


@pytest.fixture
def judged(network, search, finding, results):
    maker = Maker(network, search, finding)

    def of(
        name: str, a: np.ndarray, b: np.ndarray, edit: Callable[[list[Row]], Any] | None = None, **more: Any
    ) -> Judged:
        pairs = [maker.of(name)(s, float(x), float(y)) for s, (x, y) in enumerate(zip(a, b, strict=True))]
        rows = [row for networks, _ in pairs for row in networks]
        if edit:
            edit(rows)
        (one,) = judge_study(results([name], rows, [row for _, findings in pairs for row in findings], **more))
        return one

    return of


def draws(n: int, effect: float) -> tuple[np.ndarray, np.ndarray]:
    random = np.random.RandomState(n)
    b = 0.5 + 0.05 * random.randn(n)
    return b + effect + 0.01 * random.randn(n), b


SLOPES = {"gap-grows", "density-falls"}
ABOVE_ONE = {"weights-are-larger"}


@pytest.mark.parametrize("name", CLAIMS)
@pytest.mark.parametrize(("effect", "word"), [(0.05, "confirmed"), (-0.05, "contradicted"), (0.0, "inconclusive")])
def test_every_claim_against_scipy(name: str, effect: float, word: str, judged) -> None:
    a, b = draws(8, effect)
    one = judged(name, a, b)
    expected = stats.ttest_rel(a, b)
    limits = expected.confidence_interval(0.95)
    scale = 100 if CLAIMS[name].unit.startswith("points") else 1
    assert one.verdict.word == word
    assert one.p == pytest.approx(min(1, len(CLAIMS) * expected.pvalue), rel=1e-6)
    difference = one.difference
    shown = np.array([difference.mean, difference.low, difference.high])
    assert shown == pytest.approx(scale * np.array([(a - b).mean(), limits.low, limits.high]), rel=1e-6, abs=1e-9)
    assert (one.name, one.pairs, one.incomplete, one.rule, one.note) == (name, 8, (), "heldout", "")
    assert one.means[0] - one.means[1] == pytest.approx(difference.mean, abs=1e-9)
    assert one.settings


@pytest.mark.parametrize("name", CLAIMS)
def test_two_pairs_are_not_tested_and_none_says_what_is_missing(name: str, judged, results, network) -> None:
    one = judged(name, *draws(2, 0.1))
    assert (str(one.verdict), one.p, one.pairs) == ("not tested (2)", None, 2)
    (none,) = judge_study(results([name], [network("other", 0)]))
    assert str(none.verdict) == "not tested (0)"
    assert none.note.startswith("no arm ")
    assert np.isnan([none.difference.mean, *none.means]).all()
    assert none.settings == none.cells == none.beside == ()


@pytest.mark.parametrize("name", CLAIMS)
def test_a_pair_that_lacks_a_side_is_left_out(name: str, judged) -> None:
    """Nothing of the last pair's higher side is held out, so nothing of it can be chosen."""

    def edit(rows: list[Row]) -> None:
        for row in rows:
            if row["seed"] == 5 and row["arm"] == CLAIMS[name].higher[0].network.arm:
                row["heldout_accuracy"] = float("nan")

    a, b = draws(6, 0.05)
    one = judged(name, a, b, edit=edit)
    assert one.pairs == 5
    assert one.difference.mean == pytest.approx((a - b)[:5].mean() * (100 if one.claim.unit[:6] == "points" else 1))
    has_another_side = len({term.network.arm for term in (*one.claim.higher, *one.claim.lower)}) > 1
    assert one.incomplete == (((5, 105),) if has_another_side else ())


def test_without_held_out_images_nothing_is_decided(judged) -> None:
    def edit(rows: list[Row]) -> None:
        for row in rows:
            row["heldout_accuracy"] = row["test_accuracy_heldout"] = float("nan")

    one = judged("long-tail-gain", *draws(5, 0.1), edit=edit)
    assert str(one.verdict) == "not tested (0)"
    assert one.note == "heldout can choose nothing in arm ticket"
    assert [beside.rule for beside in one.beside] == ["test_best", "test_best"]


def test_mask_seeds_do_not_make_pairs(judged) -> None:
    a, b = draws(4, 0.05)
    assert judged("ticket-beats-random", a, b).pairs == 4


def test_what_stands_beside(judged) -> None:
    """Iteration 7 is the best on the test set, in ticket and control; the dense network is .2."""
    a, b = draws(5, 0.05)
    one = judged("ticket-beats-matched", a, b)
    beside = {(x.rule, x.labels[1]): x.difference for x in one.beside}
    assert list(beside) == [("heldout", "dense"), ("test_best", "dense, chosen alike"), ("test_best", "dense")]
    assert beside["heldout", "dense"].mean == pytest.approx(100 * (a.mean() - 0.2))
    assert beside["test_best", "dense, chosen alike"].mean == 0
    assert beside["test_best", "dense"].mean == pytest.approx(77)
    assert dict(one.published) == {"fig1_claims/rows/max_gain_absolute_pct": 0.16}


def test_a_single_training_stands_beside_as_it_is(judged) -> None:
    a, b = draws(5, 0.0)
    one = judged("ticket-beats-random", a, b)
    assert one.labels == ("ticket", "random masks + what choosing gains")
    assert (one.beside[0].rule, one.beside[0].labels[1]) == ("heldout", "random masks")
    assert one.beside[0].difference.mean == pytest.approx(one.difference.mean + 5)


def test_claims_of_one_family(results, search) -> None:
    """Holm by hand: of 27 the smaller p counts 27 times, the larger 26 times."""
    a, b = draws(6, 0.03)
    rows = [r for s in range(6) for r in (*search("ticket", s, b[s] - 0.02, a[s]), *search("matched", s, 0.1, b[s]))]
    for row in rows:
        row["train_loss"] = row["test_accuracy_heldout"] if row["arm"] == "ticket" else 0.0
    names = ["gain-is-generalisation", "long-tail-gain", "ticket-beats-random", "long-tail-gain"]
    loss, gain, absent = judge_study(results(names, rows))
    raw = sorted([stats.ttest_rel(a, b - 0.02).pvalue, stats.ttest_rel(a, b).pvalue])
    assert sorted(one.p for one in (loss, gain) if one.p is not None) == pytest.approx(
        [27 * raw[0], max(27 * raw[0], 26 * raw[1])]
    )
    assert absent.note == "no arm random" and absent.p is None


def test_cells_of_a_claim(results, search) -> None:
    """Each setting beside the mean, corrected with the claim's two cells in its own place: 28 tests."""
    (a, b), (c, d) = draws(6, 0.05), draws(7, 0.0)
    rows = [row for s in range(6) for arm, x, y in (("ticket", a, c), ("matched", b, d))
            for f, v in ((0.01, x), (0.1, y)) for row in search(arm, s, 0.2, float(v[s]), fraction=f)]  # fmt: skip
    (one,) = judge_study(results(["ticket-beats-matched"], rows))
    small, large = one.cells
    assert [dict(cell.setting)["data.fraction"] for cell in one.cells] == ["0.01", "0.1"]
    assert small.difference.mean == pytest.approx(100 * (a - b).mean())
    assert small.verdict.p == pytest.approx(28 * stats.ttest_rel(a, b).pvalue)
    assert (small.verdict.word, large.verdict.word) == ("confirmed", "inconclusive")
    halved = ((a - b)[:6] + (c - d)[:6]) / 2
    assert one.difference.mean == pytest.approx(100 * halved.mean())
    assert one.p == pytest.approx(min(1, 27 * stats.ttest_1samp(halved, 0).pvalue))


def test_ends_and_slopes_have_no_cells(judged) -> None:
    for name in ("gap-grows", "density-falls", "early-layers-denser", "probe-beats-dense"):
        assert judged(name, *draws(5, 0.05)).cells == ()


def test_the_best_augmentation_of_each_class_is_compared(results, search) -> None:
    """Held-out images prefer auto for tickets and basic for the control."""
    a, b = draws(5, 0.05)
    rows = []
    for s in range(5):
        for arm, better in (("ticket", "auto"), ("matched", "basic")):
            for augment in ("basic", "auto"):
                value = float((a if arm == "ticket" else b)[s])
                run = search(arm, s, 0.2, value if augment == better else 0.98, augment=augment)
                for row in run:
                    row["heldout_accuracy"] -= 0.1 * (augment != (better if row["iteration"] else "basic"))
                rows += run
    (one,) = judge_study(results(["ticket-beats-matched"], rows, best_of="data.augment"))
    assert one.difference.mean == pytest.approx(100 * (a - b).mean())
    assert one.settings == ((("data.fraction", "0.01"),),)
    assert one.note == ""


def test_a_control_with_the_tickets_augmentation_is_told(results, search) -> None:
    """Dense networks do best with basic, tickets with auto, where alone the control was trained."""
    rows = []
    for s in range(3):
        for augment in ("basic", "auto"):
            run = search("ticket", s, 0.2, 0.5, augment=augment)
            run[0]["heldout_accuracy"] += 0.1 * (augment == "basic")
            run[1]["heldout_accuracy"] += 0.05 * (augment == "auto")
            rows += run
        rows += search("matched", s, 0.2, 0.4, augment="auto")
    (one,) = judge_study(results(["ticket-beats-matched"], rows, best_of="data.augment"))
    assert one.note == "the control was trained with auto, dense networks did best with basic"
    (loss,) = judge_study(results(["gain-is-generalisation"], rows, best_of="data.augment"))
    assert loss.note == ""


@pytest.mark.parametrize(
    "name", ["gain-is-generalisation", "ticket-beats-random", "probe-beats-dense", "gain-survives-mixup"]
)
def test_a_ticket_and_its_parent_share_their_augmentation(name: str, judged) -> None:
    """Everything again with auto, where tickets do worse and dense networks better, and look much better."""

    def edit(rows: list[Row]) -> None:
        again = [{**row, "data.augment": "auto", "run": row["run"] + "-auto"} for row in rows]
        for row in again:
            row["heldout_accuracy"] += -0.1 if row["iteration"] else 0.1
            row["test_accuracy_heldout"] += 0.2
            row["train_loss"] += 0.2
            row["probe_cifar100"] += 0.2
        rows += [row for row in again if row["arm"] in ("ticket", "matched", "mixup")]

    a, b = draws(6, 0.05)
    assert judged(name, a, b, edit=edit, best_of="data.augment").difference.mean == pytest.approx(
        (a - b).mean() * (1 if name == "gain-is-generalisation" else 100)
    )


def test_an_unknown_claim_is_one_line(results, network) -> None:
    with pytest.raises(UserError, match="no claim gap-grow; did you mean gap-grows"):
        judge_study(results(["gap-grow"], [network("ticket", 0)]))
