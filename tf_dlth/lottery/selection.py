"""Which iteration wins, under every rule (the paper, sections 3.1 and 3.5, selects on the test set)."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Literal

from tf_dlth.lottery.rows import Row

Rule = Literal["heldout", "test_best", "last"]

COLUMNS: dict[Rule, str] = {
    "heldout": "heldout_accuracy",
    "test_best": "test_accuracy_best",
    "last": "test_accuracy_last",
}
"""The accuracy that each rule maximises. ``test_best`` is the paper's; only ``heldout`` never looks at the test set."""
TEST_ACCURACY: dict[Rule, str] = {
    "heldout": "test_accuracy_heldout",
    "test_best": "test_accuracy_best",
    "last": "test_accuracy_last",
}
"""The test accuracy of the epoch that each rule keeps."""

PAPER_LAST_ITERATION = 15
"""The paper's sparsest trained ticket in its authors' release, density 0.8^15."""


def score(row: Row, rule: Rule) -> float | None:
    """What ``rule`` maximises; None where no images are held out."""
    return getattr(row, COLUMNS[rule])


def test_accuracy(row: Row, rule: Rule) -> float:
    """The test accuracy of the epoch that ``rule`` keeps."""
    value = getattr(row, TEST_ACCURACY[rule])
    assert value is not None, "a rule without held-out images is not listed"
    return value


def winner(rows: Sequence[Row], rule: Rule, last: int | None = None) -> int:
    """The sparse iteration with the highest score, of equal ones the densest; 0 if none was pruned.

    ``last`` bounds the iterations that take part.
    """
    sparse = [row for row in rows if row.iteration >= 1 and (last is None or row.iteration <= last)]
    return max(sparse, key=lambda row: (score(row, rule), -row.iteration)).iteration if sparse else 0


def winners(rows: Sequence[Row], last: int) -> dict[Rule, int]:
    """The winner under each rule that the run can apply."""
    return {rule: winner(rows, rule, last) for rule in rules(rows)}


def rules(rows: Sequence[Row]) -> tuple[Rule, ...]:
    """All three, or without ``heldout`` where no images were held out."""
    return tuple(rule for rule in COLUMNS if score(rows[0], rule) is not None)


def dense_would_win(rows: Sequence[Row]) -> dict[Rule, bool]:
    """Whether iteration 0 is strictly better than the winner, by rule."""
    verdicts: dict[Rule, bool] = {}
    for rule, best in winners(rows, PAPER_LAST_ITERATION).items():
        scores = {row.iteration: score(row, rule) for row in rows}
        verdicts[rule] = (scores[0] or 0.0) > (scores[best] or 0.0)
    return verdicts


def summary(rows: Sequence[Row], select_by: Rule) -> dict[str, Any]:
    """The keys of run.json that speak of winners; ``winner`` is 0 where the dense network is strictly better."""
    best = winner(rows, select_by)
    dense, sparse = (score(rows[k], select_by) or 0.0 for k in (0, best))
    return {
        "winner": 0 if dense > sparse else best,
        "best_sparse": best,
        "winners": winners(rows, PAPER_LAST_ITERATION),
        "winners_16": winners(rows, PAPER_LAST_ITERATION + 1),
        "dense_would_win": dense_would_win(rows),
    }
