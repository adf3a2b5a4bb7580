"""Studies drawn from worlds whose truth is known, from their tables to their verdicts, where chance decides on it."""

from __future__ import annotations

import importlib.util
import sys
from pathlib import Path
from types import ModuleType

import pytest
from scipy import stats

CLAIMS = ("ticket-beats-matched", "ticket-beats-random")
COUNTS = [120, pytest.param(500, marks=pytest.mark.slow)]
"""Worlds: what the default suite has time for, and what is promised."""


@pytest.fixture(scope="module")
def power() -> ModuleType:
    """The script that makes the table of docs/verdicts.md; its worlds are these."""
    path = Path(__file__).parents[3] / "benchmarks" / "verdict_power.py"
    spec = importlib.util.spec_from_file_location("verdict_power", path)
    assert spec and spec.loader
    module = sys.modules[spec.name] = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def at_most(rate: float, worlds: int) -> float:
    """A share of the worlds that a true rate exceeds once in a thousand times."""
    return float(stats.binom.ppf(0.999, worlds, rate)) / worlds


@pytest.mark.parametrize("worlds", COUNTS)
def test_equal_tickets(power, worlds: int) -> None:
    """Ticket and control are each the best of 15: neither sign is found more often than chance allows."""
    for claim, found in power.rates(power.World(5), worlds, 0, CLAIMS).items():
        assert max(found.confirmed, found.contradicted) <= at_most(0.025 / 27, worlds), claim
        assert max(found.confirmed_alone, found.contradicted_alone) <= at_most(0.025, worlds), claim
    # A test that never speaks would pass all this: alone, it does so in about one world of twenty.
    both = found.confirmed_alone + found.contradicted_alone
    assert both >= stats.binom.ppf(0.001, worlds, 0.04) / worlds


@pytest.mark.parametrize("worlds", COUNTS)
def test_why_the_rule_is_there(power, worlds: int) -> None:
    """The same worlds, the best ticket on test images against one dense network: nearly all of them are deceived."""
    found = power.rates(power.World(10), worlds, 1, CLAIMS[:1])[CLAIMS[0]]
    assert found.naive > 0.8 and found.naive_alone > 0.95
    assert found.confirmed <= at_most(0.025 / 27, worlds)


@pytest.mark.parametrize("worlds", COUNTS)
def test_better_tickets(power, worlds: int) -> None:
    """By 3 points, 10 pairs find it nearly always; 5 pairs do when the claim is the only one."""
    many = power.rates(power.World(10, (0.03, 0.03)), worlds, 2, CLAIMS)
    few = power.rates(power.World(5, (0.03, 0.03)), worlds, 3, CLAIMS)
    for claim in CLAIMS:
        assert many[claim].confirmed > 0.9, claim
        assert few[claim].confirmed_alone > 0.9, claim
        assert many[claim].contradicted_alone == few[claim].contradicted_alone == 0, claim


@pytest.mark.parametrize("worlds", COUNTS)
def test_worse_tickets(power, worlds: int) -> None:
    for claim, found in power.rates(power.World(10, (-0.03, -0.03)), worlds, 4, CLAIMS).items():
        assert found.confirmed_alone == 0, claim
        assert found.contradicted > 0.9, claim


@pytest.mark.parametrize("worlds", COUNTS)
def test_a_gain_that_does_not_grow(power, worlds: int) -> None:
    """A true gain at both sizes is no growth; one at the smaller size alone is."""
    same = power.rates(power.World(10, (0.03, 0.03)), worlds, 5, ("gap-grows",))["gap-grows"]
    grown = power.rates(power.World(10, (0.05, 0.0)), worlds, 6, ("gap-grows",))["gap-grows"]
    assert max(same.confirmed_alone, same.contradicted_alone) <= at_most(0.025, worlds)
    assert same.confirmed_alone + same.contradicted_alone > 0
    assert grown.confirmed > 0.9 and grown.contradicted_alone == 0
