"""What a run chose beside what it has to beat, for whoever shows it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from tf_dlth.analysis.accuracies import error_of_difference, standard_error
from tf_dlth.lottery.rows import Row
from tf_dlth.lottery.selection import Rule, score, summary, test_accuracy

HEADERS = ("classifier", "density %", "held-out %", "test %", "error", "over dense", "error")
MEANING = (
    "over dense: points on the test set above iteration 0 of this run, its epoch chosen by the same rule; error: one "
    "standard error, of a difference at most"
)


@dataclass(frozen=True)
class Standing:
    """A classifier with its accuracies as fractions; ``density`` is None where there is no mask."""

    name: str
    test: float
    heldout: float | None = None
    density: float | None = None


def networks(rows: Sequence[Row], rule: Rule) -> list[Standing]:
    """The winner first, then the dense network, or where that won the best sparse one."""
    if len(rows) == 1:
        return [_network("the network", rows[0], rule)]
    found = summary(rows, rule)
    winner, sparse = found["winner"], found["best_sparse"]
    if winner:
        return [
            _network(f"winner: iteration {winner}", rows[winner], rule),
            _network("dense: iteration 0", rows[0], rule),
        ]
    return [
        _network("winner: dense, iteration 0", rows[0], rule),
        _network(f"best sparse: iteration {sparse}", rows[sparse], rule),
    ]


def cells(standing: Standing, dense: float, images: Mapping[str, int] | None) -> list[str]:
    """Under ``HEADERS``, in per cent and points; ``images`` by part, None where they are not known."""
    tests = images.get("test") if images else None
    error = standard_error(standing.test, tests) if tests else None
    gain = standing.test - dense
    of_gain = error_of_difference(standing.test, dense, tests) if tests else None
    same = standing.density == 1 and gain == 0
    return [
        standing.name,
        _points(standing.density),
        _points(standing.heldout),
        _points(standing.test),
        _points(error),
        "-" if same else f"{100 * gain:+.2f}",
        "-" if same else _points(of_gain),
    ]


def _network(name: str, row: Row, rule: Rule) -> Standing:
    return Standing(name, test_accuracy(row, rule), score(row, rule) if rule == "heldout" else None, row.density)


def _points(value: float | None) -> str:
    return "-" if value is None else f"{100 * value:.2f}"
