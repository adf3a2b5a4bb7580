"""Whether an export says what its ticket says."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from tf_dlth.errors import UserError

ROUNDING = 1e-5
"""Of the largest logit: nearer ones are a tie to float32, which may go either way."""


class Differs(UserError):
    """No mistake of the user's."""

    exit_code = 1


@dataclass(frozen=True)
class Parity:
    """``difference`` is the largest of two logits, ``relative`` the same over the largest logit of the ticket.

    ``changed`` counts images whose class is another, ties left out.
    """

    images: int
    difference: float
    relative: float
    changed: int


def parity(logits: np.ndarray, expected: np.ndarray) -> Parity:
    """Compares float [N, classes] with what the ticket gives."""
    difference, largest = float(np.abs(logits - expected).max()), float(np.abs(expected).max())
    rows = np.arange(len(expected))
    gap = expected.max(-1) - expected[rows, logits.argmax(-1)]
    changed = int(np.count_nonzero(gap > ROUNDING * largest))
    return Parity(len(expected), difference, difference / largest if largest else difference, changed)


def require_same(found: Parity, form: str) -> None:
    """Raises Differs where an image has another class, or any logit is no number."""
    if found.changed or not np.isfinite(found.difference):
        raise Differs(
            f"--format {form}: the export differs from the ticket on {found.changed} of {found.images} images (largest "
            f"difference of a logit {found.difference:.2g}), nothing was written; export savedmodel instead"
        )
