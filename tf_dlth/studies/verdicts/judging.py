"""The verdicts of a study: each of its claims judged on held-out choices, within the fixed list of all claims."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

import numpy as np

from tf_dlth.analysis.significance import Interval, Pair, PairedTest, Verdict, judge, paired_test, t_interval
from tf_dlth.lottery.selection import Rule
from tf_dlth.reporting.paper import published
from tf_dlth.studies.choosing import Setting
from tf_dlth.studies.verdicts.claims import CLAIMS, DENSE, MATCHED, Claim, require_known
from tf_dlth.studies.verdicts.comparing import Compared, Evidence, compare, evidence_of
from tf_dlth.studies.verdicts.measures import Accuracy

if TYPE_CHECKING:
    from tf_dlth.studies.results import Results

DECIDES: Rule = "heldout"
"""The only rule that never looks at the test set."""
NOT_TESTED = paired_test(np.array([]), np.array([]))


@dataclass(frozen=True)
class Beside:
    """The same difference under another rule or against another network, in the claim's unit: shown, never judged."""

    rule: Rule
    labels: tuple[str, str]
    difference: Interval
    test: PairedTest


@dataclass(frozen=True)
class Cell:
    """One setting of a claim. Its verdict stands in the family with the claim's cells in the claim's own place."""

    setting: Setting
    difference: Interval
    verdict: Verdict


@dataclass(frozen=True)
class Judged:
    """A claim and what the study says of it.

    ``means`` of its two sides and ``difference``, with its 95 % interval, are in the claim's unit, where a point is .01
    of an accuracy. ``published`` has the paper's numbers by path: fractions, or ratios. ``note`` says what is missing,
    or that the control was not given the augmentation that suits dense networks best.
    """

    name: str
    claim: Claim
    verdict: Verdict
    means: tuple[float, float]
    difference: Interval
    incomplete: tuple[Pair, ...]
    settings: tuple[Setting, ...]
    beside: tuple[Beside, ...]
    cells: tuple[Cell, ...]
    published: tuple[tuple[str, float | None], ...]
    note: str
    rule: Rule = DECIDES

    @property
    def labels(self) -> tuple[str, str]:
        """Of what should be higher and of what should be lower."""
        return self.claim.labels

    @property
    def pairs(self) -> int:
        return self.difference.n

    @property
    def p(self) -> float | None:
        """Corrected by Holm; None where nothing was tested."""
        return self.verdict.p


def judge_study(results: Results) -> list[Judged]:
    """The study's claims in its own order; raises UserError for one that is not in the list.

    Every claim of the list counts as a test, whatever this study judges.
    """
    names = results.study.claims
    require_known(names)
    evidence = evidence_of(results)
    compared = {name: compare(CLAIMS[name], evidence, DECIDES) for name in names}
    verdicts = judge({name: compared[name].test if name in compared else NOT_TESTED for name in CLAIMS})
    return [_judged(name, evidence, compared[name], verdicts[name]) for name in dict.fromkeys(names)]


def _judged(name: str, evidence: Evidence, compared: Compared, verdict: Verdict) -> Judged:
    claim = CLAIMS[name]
    scale = _scale(claim)
    higher, lower = (scale * t_interval(side).mean for side in (compared.higher, compared.lower))
    return Judged(
        name=name,
        claim=claim,
        verdict=verdict,
        means=(higher, lower),
        difference=_scaled(verdict.test.differences, scale),
        incomplete=compared.incomplete,
        settings=compared.settings,
        beside=tuple(_beside(claim, evidence)),
        cells=_cells(name, claim, evidence, compared),
        published=tuple((path, published(path)) for path in claim.published),
        note=compared.missing or _control_elsewhere(claim, evidence, compared.settings),
    )


def _beside(claim: Claim, evidence: Evidence) -> Iterator[Beside]:
    """Without the control of choosing; and as the paper chose, for what is measured under every rule."""
    by_rule = all(isinstance(term.measure, Accuracy) for term in (*claim.higher, *claim.lower))
    for rule in (DECIDES, "test_best") if by_rule else (DECIDES,):
        for plain in (False, True) if claim.plain else (False,):
            if rule == DECIDES and not plain:
                continue
            compared = compare(claim, evidence, rule, plain=plain)
            if not compared.missing:
                labels = (claim.labels[0], claim.plain_label) if plain else claim.labels
                test = compared.test
                yield Beside(rule, labels, _scaled(test.differences, _scale(claim)), test)


def _cells(name: str, claim: Claim, evidence: Evidence, compared: Compared) -> tuple[Cell, ...]:
    """Where the claim speaks of a mean over settings, each of them."""
    if any(term.over != "mean" for term in (*claim.higher, *claim.lower)):
        return ()
    tests = {str(setting): compare(claim, evidence, DECIDES, only=setting).test for setting in compared.settings}
    verdicts = judge(tests | {other: NOT_TESTED for other in CLAIMS if other != name})
    return tuple(
        Cell(setting, _scaled(tests[str(setting)].differences, _scale(claim)), verdicts[str(setting)])
        for setting in compared.settings
    )


def _control_elsewhere(claim: Claim, evidence: Evidence, settings: tuple[Setting, ...]) -> str:
    """A control that stands where the tickets do best, and dense networks do not, is too easily beaten."""
    if all(term.network != MATCHED for term in (*claim.higher, *claim.lower)):
        return ""
    control, dense = (
        {one.setting: one.star for one in evidence.chosen(network, DECIDES)} for network in (MATCHED, DENSE)
    )
    places = [(control[s], dense[s]) for s in settings if s in control and s in dense and control[s] != dense[s]]
    pairs = ", ".join(dict.fromkeys(f"with {own}, dense networks did best with {best}" for own, best in places))
    return f"the control was trained {pairs}" if places else ""


def _scale(claim: Claim) -> float:
    return 100.0 if claim.unit.startswith("points") else 1.0


def _scaled(interval: Interval, scale: float) -> Interval:
    return replace(interval, mean=interval.mean * scale, low=interval.low * scale, high=interval.high * scale)
