"""What no trained network's variables are: other types, astronomic values, negative variances. NumPy only."""

from __future__ import annotations

import numpy as np

from tf_dlth.errors import UserError, printable
from tf_dlth.files import Tensors

LARGEST = 2.0**60
"""Magnitudes beyond overflow float32 as soon as two are multiplied."""
NOT_NEGATIVE = "moving_variance"


def require_sane(tensors: Tensors, where: str) -> None:
    """Raises UserError, after ``where``, for the first variable that would give NaN or another number.

    Floating-point variables must be float32, finite, of magnitudes up to 2^60, and variances not negative.
    """
    for name, values in tensors.items():
        if fault := _fault(name, values):
            raise UserError(f"{where} is damaged: variable {printable(name)} {fault}")


def _fault(name: str, values: np.ndarray) -> str | None:
    if not np.issubdtype(values.dtype, np.floating):
        return None
    if values.dtype != np.float32:
        return f"is {values.dtype}, not float32"
    if not np.all(np.abs(values) <= LARGEST):  # NaN compares with nothing
        return "holds numbers that are not finite or beyond 2^60"
    if name.rpartition("/")[2] == NOT_NEGATIVE and np.any(values < 0):
        return "holds a negative variance"
    return None
