"""From the tables of a study to two numbers a pair, whose difference a claim is about."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

import numpy as np

from tf_dlth.analysis.significance import Pair, PairedTest, Record, paired, paired_test
from tf_dlth.lottery.selection import Rule
from tf_dlth.studies.choosing import Chosen, Network, Run, Setting, choose, runs_by_arm
from tf_dlth.studies.verdicts.claims import Claim, Over, Term
from tf_dlth.studies.verdicts.measures import Findings, findings_of

if TYPE_CHECKING:
    from tf_dlth.studies.results import Results


@dataclass(frozen=True, eq=False)
class Evidence:
    """A study's tables as claims read them; what was chosen is kept."""

    runs: Mapping[str, Sequence[Run]]
    findings: Findings
    _chosen: dict[tuple[Network, Rule], list[Chosen]] = field(default_factory=dict)

    def chosen(self, network: Network, rule: Rule) -> list[Chosen]:
        if (network, rule) not in self._chosen:
            self._chosen[network, rule] = choose(self.runs, network, rule)
        return self._chosen[network, rule]


@dataclass(frozen=True, eq=False)
class Compared:
    """Two sides, float64 [pairs] each, of the pairs that have all that is compared; ``missing`` says why there is none.

    ``incomplete`` pairs were left out. ``settings`` are those that both sides were taken from.
    """

    higher: np.ndarray
    lower: np.ndarray
    incomplete: tuple[Pair, ...] = ()
    settings: tuple[Setting, ...] = ()
    missing: str = ""

    @property
    def test(self) -> PairedTest:
        return paired_test(self.higher, self.lower)


class Missing(Exception):
    """What a claim needs and the study does not have."""


Numbers = dict[Setting, list[tuple[Pair, int, float]]]
"""By setting: pair, mask seed, value."""


def evidence_of(results: Results) -> Evidence:
    return Evidence(runs_by_arm(results.study, results.networks), findings_of(results.analyses))


def compare(
    claim: Claim, evidence: Evidence, rule: Rule = "heldout", *, plain: bool = False, only: Setting | None = None
) -> Compared:
    """The claim's two sides by pair, networks chosen by ``rule``, at all its settings or ``only`` one."""
    lower = claim.plain if plain else claim.lower
    terms = (*claim.higher, *lower)
    try:
        numbers = [_numbers(term, evidence, rule, claim.most_labels, only) for term in terms]
        numbers = _at_common_settings(terms, numbers)
        weights = [_weights(term, found, evidence, rule) for term, found in zip(terms, numbers, strict=True)]
    except Missing as missing:
        return Compared(np.array([]), np.array([]), missing=str(missing))
    columns = [(i, setting) for i, of_term in enumerate(weights) for setting in of_term]
    records = [
        Record(pair, str(column), value, mask_seed)
        for column in columns
        for pair, mask_seed, value in numbers[column[0]][column[1]]
    ]
    together = paired(records, [str(column) for column in columns])
    totals = np.zeros((len(terms), len(together.pairs)))
    for i, setting in columns:
        totals[i] += terms[i].sign * weights[i][setting] * together.values[str((i, setting))]
    n = len(claim.higher)
    settings = tuple(dict.fromkeys(setting for _, setting in columns))
    return Compared(totals[:n].sum(0), claim.constant + totals[n:].sum(0), together.incomplete, settings)


def _numbers(term: Term, evidence: Evidence, rule: Rule, most: int | None, only: Setting | None) -> Numbers:
    chosen = evidence.chosen(term.network, rule)
    if not chosen:
        known = term.network.arm in evidence.runs
        raise Missing(f"{rule} can choose nothing in arm {term.network.arm}" if known else f"no arm {term.network.arm}")
    found: defaultdict[Setting, list[tuple[Pair, int, float]]] = defaultdict(list)
    for one in chosen:
        if (most is None or one.row["labels_train"] <= most) and only in (None, one.setting):
            value = term.measure.value(one.row, evidence.findings, rule)
            if value is not None:
                found[one.setting].append((one.pair, one.mask_seed, value))
    if not found:
        limit = f" with at most {most:,} labels" if most is not None else ""
        raise Missing(f"no {term.measure} of {term.network}{limit}")
    return dict(found)


def _at_common_settings(terms: Sequence[Term], numbers: Sequence[Numbers]) -> list[Numbers]:
    """Terms that take their settings in the same way take the same settings."""
    found = []
    for term, own in zip(terms, numbers, strict=True):
        alike = [others for other, others in zip(terms, numbers, strict=True) if other.over == term.over]
        found.append({setting: values for setting, values in own.items() if all(setting in o for o in alike)})
    if not all(found):
        raise Missing("no setting has all that is compared")
    return found


def _weights(term: Term, found: Numbers, evidence: Evidence, rule: Rule) -> dict[Setting, float]:
    """What each setting counts in a pair's number."""
    labels = {one.setting: one.row["labels_train"] for one in evidence.chosen(term.network, rule)}
    return weights_over(term.over, {setting: labels[setting] for setting in found})


def weights_over(over: Over, labels: Mapping[Setting, float]) -> dict[Setting, float]:
    """By setting, from its training labels: a pair's number is the sum of its settings' values by these weights."""
    if over in ("fewest", "most"):
        end = (min if over == "fewest" else max)(labels.values())
        labels = {setting: n for setting, n in labels.items() if n == end}
    if over in ("fewer labels", "more labels"):
        x = np.log10(list(labels.values()))
        centred = x - x.mean()
        if np.ptp(x) == 0:
            raise Missing("only one size of data")
        slopes = centred / np.sum(centred**2) * (1 if over == "more labels" else -1)
        return dict(zip(labels, slopes.tolist(), strict=True))
    return dict.fromkeys(labels, 1 / len(labels))
