"""What a study says of its claims, as tables: the verdict, and what it was decided on."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from tf_dlth.analysis.significance import Interval
from tf_dlth.reporting.page.content import Table
from tf_dlth.reporting.paper import doubts
from tf_dlth.reporting.study_text import NOTHING, limits

if TYPE_CHECKING:
    from tf_dlth.studies.results import Results
    from tf_dlth.studies.verdicts.judging import Judged

WORDS = ("confirmed", "contradicted", "inconclusive", "not tested")
DECISION = (
    "The unit is a pair of a seed and a choice of training images, which all arms share. A claim is tested by a paired "
    "t-test on networks chosen by the held-out rule; p is corrected by Holm over the whole fixed list of claims. "
    "confirmed: p below .05 and the claimed sign; contradicted: p below .05 and the other sign; inconclusive: "
    "neither, which is no proof of equality; not tested: fewer than 3 pairs."
)


def claims(judged: Sequence[Judged]) -> Table:
    """One row a claim: its verdict, the difference with its 95 % interval in the claim's unit, pairs, p, rule."""
    rows = [
        [one.name, str(one.verdict), _difference(one.difference, one.claim.unit), str(one.pairs),
         _p(one.p), one.rule, one.claim.source]
        for one in judged
    ]  # fmt: skip
    headers = ["claim", "verdict", "difference [95 % interval]", "pairs", "p (Holm)", "rule", "source"]
    caption = "The claims of this study and what it says of them; below in words."
    return Table("claims", caption, headers, rows, [_record(one) for one in judged])


def in_words(judged: Sequence[Judged]) -> list[str]:
    """What each claim says."""
    return [f"{one.name}: {one.claim.text}" for one in judged]


def beside(judged: Sequence[Judged]) -> Table | None:
    """The same differences without the control of choosing and as the paper chose: shown, never judged."""
    rows = [
        [one.name, f"{other.labels[0]} - {other.labels[1]}", other.rule, _difference(other.difference, one.claim.unit),
         str(other.difference.n)]
        for one in judged for other in one.beside
    ]  # fmt: skip
    caption = (
        "The same differences under other rules and against other networks. They decide nothing: test_best chooses on "
        "the test set, as the paper did, and a ticket that is the best of many trainings is set against a single one."
    )
    return Table("beside", caption, ["claim", "difference of", "rule", "difference", "pairs"], rows) if rows else None


def not_tested(judged: Sequence[Judged]) -> list[str]:
    """A sentence for each claim without a verdict: which, and why."""
    return [
        f"{one.name} is not tested: {one.note or f'{one.pairs} pairs are too few; 3 are needed'}."
        for one in judged
        if one.verdict.word == "not tested"
    ]


def tally(judged: Sequence[Judged]) -> str:
    """``Of 5 claims, 3 are confirmed, 1 is contradicted and 1 is not tested.``"""
    counts = {word: sum(one.verdict.word == word for one in judged) for word in WORDS}
    parts = [f"{n} {'is' if n == 1 else 'are'} {word}" for word, n in counts.items() if n]
    listed = " and ".join(filter(None, (", ".join(parts[:-1]), parts[-1])))
    return f"Of {len(judged)} claim{'s' if len(judged) != 1 else ''}, {listed}."


def doubtful(results: Results) -> list[str]:
    """What makes a number doubtful that the study is set against, by its path."""
    paths = dict.fromkeys(path for places in results.study.published.values() for path in places.values())
    return [f"The paper's number at {path} is doubtful: {why}." for path in paths for why in doubts(path)]


def _difference(found: Interval, unit: str) -> str:
    if not found.n:
        return NOTHING
    digits = 1 if unit.startswith("points") else 2
    reach = "" if math.isnan(found.low) else f" {limits(found.low, found.high, digits)}"
    return f"{found.mean:+.{digits}f}{reach} {unit}"


def _p(p: float | None) -> str:
    if p is None:
        return NOTHING
    return "< .001" if p < 0.001 else f"{p:.3f}"


def _record(one: Judged) -> dict[str, Any]:
    return {
        "claim": one.name,
        "text": one.claim.text,
        "source": one.claim.source,
        "verdict": one.verdict.word,
        "higher": one.labels[0],
        "lower": one.labels[1],
        "mean_higher": one.means[0],
        "mean_lower": one.means[1],
        "difference": one.difference.mean,
        "low": one.difference.low,
        "high": one.difference.high,
        "unit": one.claim.unit,
        "pairs": one.pairs,
        "p_holm": one.p,
        "rule": one.rule,
        "note": one.note,
    }
