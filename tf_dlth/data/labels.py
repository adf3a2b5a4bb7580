"""What a label is: a whole number from 0, one an image, without gaps among the training images. NumPy only."""

from __future__ import annotations

from typing import Any

import numpy as np

from tf_dlth.errors import UserError

LARGEST = 999_999
"""No set has more classes; a larger label is a mistake that would otherwise ask for as many counts."""


def whole_labels(labels: Any, origin: object, count: int | None = None) -> np.ndarray:
    """int32 [N] of N (or ``count``) numbers [N] or [N, 1]; raises UserError for another form, before a bit is lost."""
    found = np.asarray(labels)
    column = found[:, 0] if found.ndim == 2 and found.shape[1] == 1 else found
    expected = len(column) if count is None and column.ndim else count
    if column.shape != (expected,) or column.dtype.kind not in "iu":
        many = "" if count is None else f"{count} "
        raise UserError(
            f"{origin} must hold {many}whole numbers from 0, one an image, not {found.dtype} {list(found.shape)}"
        )
    if (wrong := np.flatnonzero((column < 0) | (column > LARGEST))).size:
        first = int(wrong[0])
        raise UserError(
            f"{origin} must hold whole numbers from 0 to {LARGEST:,}, but number {first} is {column[first]}"
        )
    return column.astype(np.int32)


def parse_label(digits: str) -> int | None:
    """The label that decimal digits write, else None."""
    significant = digits.lstrip("0") or digits[-1:]
    return int(significant) if significant.isdecimal() and len(significant) <= len(str(LARGEST)) else None


def refuse_gaps(labels: np.ndarray, classes: int, origin: object) -> None:
    """Raises UserError unless every label (int [N]) from 0 to ``classes`` - 1 occurs."""
    missing = np.setdiff1d(np.arange(classes), labels)
    if missing.size:
        raise UserError(
            f"{origin}: labels must run from 0 to {classes - 1} without gaps, and {missing[0]} has no image"
        )


def refuse_unknown(labels: np.ndarray, classes: int, origin: object) -> None:
    """Raises UserError for a label that training does not know."""
    if len(labels) and labels.max() >= classes:
        raise UserError(f"{origin}: label {labels.max()} is not among the {classes} classes of the training images")
