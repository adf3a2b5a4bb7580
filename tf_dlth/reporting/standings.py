"""What a run chose beside what it has to beat, for whoever shows it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from tf_dlth.analysis.accuracies import error_of_difference, standard_error
from tf_dlth.config import TrainingConfig
from tf_dlth.lottery.rows import Row
from tf_dlth.lottery.selection import Rule, score, summary, test_accuracy
from tf_dlth.reporting.rules import heldout
from tf_dlth.reporting.run_record import RunRecord, read_control
from tf_dlth.runs.regressions import NAMES, Regressions

MEANING = (
    "vs dense: points on the test set above iteration 0 of this run, its epoch chosen by the same rule",
    "error: one standard error, of a difference at most",
    "logistic regression: on simple colour and edge features of the same training images; regression on init: on the "
    "features that pre-trained first weights give of them; nothing is tuned",
)


def columns(training: TrainingConfig) -> tuple[str, ...]:
    """Of a standing's cells."""
    return ("classifier", "density", heldout(training), "test", "error", "vs dense", "error")


@dataclass(frozen=True)
class Standing:
    """A classifier with its accuracies as fractions; ``density`` is None where there is no mask."""

    name: str
    test: float
    heldout: float | None = None
    density: float | None = None


def standings(record: RunRecord) -> list[Standing]:
    """What the run chose, and all that it has to beat as far as it was measured."""
    return [*networks(record.rows, record.rule), *beside(record)]


def beside(record: RunRecord) -> list[Standing]:
    """The best of as many trainings without pruning, and the logistic regressions."""
    control = read_control(record)
    unpruned = [_network(f"best of {len(control.rows)} unpruned", control.chosen, record.rule)] if control else []
    return [*unpruned, *simple(record.regressions)]


def simple(found: Regressions | None) -> list[Standing]:
    """The logistic regressions."""
    regressions = found.regressions if found else {}
    return [Standing(NAMES[name], r.test_accuracy, r.heldout_accuracy) for name, r in regressions.items()]


def better(found: Sequence[Standing]) -> list[str]:
    """A sentence for each other classifier that is right on more test images than the first, which was chosen."""
    chosen, *others = found
    return [
        f"what was chosen is right on {chosen.test:.1%} of the test images, {other.name} on {other.test:.1%}: see When "
        "not to use this in README.md"
        for other in others
        if other.density is None and other.test > chosen.test
    ]


def networks(rows: Sequence[Row], rule: Rule) -> list[Standing]:
    """The winner first, then the dense network, or where that won the best sparse one."""
    if len(rows) == 1:
        return [_network("the network", rows[0], rule)]
    found = summary(rows, rule)
    winner, sparse = found["winner"], found["best_sparse"]
    if rows[-1].density == 1:  # trained again and again without pruning
        return [_network(f"best: iteration {winner}", rows[winner], rule)]
    if winner:
        return [
            _network(f"winner: iteration {winner}", rows[winner], rule),
            _network("dense: iteration 0", rows[0], rule),
        ]
    return [
        _network("winner: dense", rows[0], rule),
        _network(f"sparse: iteration {sparse}", rows[sparse], rule),
    ]


def cells(standing: Standing, dense: float, images: Mapping[str, int] | None) -> list[str]:
    """Under :func:`columns`, in per cent and points; ``images`` by part, None where they are not known."""
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
