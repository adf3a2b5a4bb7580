"""Numbers as tables show them."""

from __future__ import annotations

import math

import pytest

from tf_dlth.evaluation.analyses.findings import decimal, percent


@pytest.mark.parametrize(
    ("value", "shown"), [(0.12345, "12.35"), (1.0, "100.00"), (-0.05, "-5.00"), (None, "-"), (math.nan, "-")]
)
def test_percent(value: float | None, shown: str):
    assert percent(value) == shown


@pytest.mark.parametrize(("value", "shown"), [(1.2345, "1.234"), (0.0, "0.000"), (math.nan, "-")])
def test_decimal(value: float, shown: str):
    assert decimal(value) == shown
