"""Choices under a budget against closed forms and a search of everything."""

from __future__ import annotations

from dataclasses import replace

import pytest

from tf_dlth.pacing.choosing import Choice, Limits, choose, least, measure_while_it_fits
from tf_dlth.pacing.pace import Pace
from tf_dlth.training.schedule import Schedule

SCHEDULE = Schedule(images=320, batch_size=32, epochs=200, learning_rate=0.1, evaluate_every=10, rewind_epochs=2)
LIMITS = Limits(epochs=(30, 200), iterations=(8, 16))


def of_epochs(seconds: float) -> Pace:
    """Nothing but training takes time, so that a search takes ``epochs + iterations * (epochs - 2)`` times this."""
    return Pace(compiling=0.0, epoch=seconds, evaluation=0.0, ticket=0.0)


PACES = {8: of_epochs(1.0), 16: of_epochs(2.0), 32: of_epochs(8.0)}
LEAST = 30 + 8 * 28


@pytest.mark.parametrize(
    ("budget", "expected"),
    [
        (LEAST - 1, None),
        (LEAST, (8, 30, 8)),
        (2 * LEAST - 1, (8, 58, 8)),  # 58 + 8 * 56 = 506; 59 + 8 * 57 = 515
        (2 * LEAST, (16, 30, 8)),
        (8 * LEAST, (32, 30, 8)),
        (8 * (200 + 8 * 198), (32, 200, 8)),
        (8 * (200 + 9 * 198), (32, 200, 9)),
        (8 * (200 + 16 * 198) - 1, (32, 200, 15)),
        (1e9, (32, 200, 16)),
    ],
)
def test_iterations_are_given_up_first_then_epochs_then_width(
    budget: float, expected: tuple[int, int, int] | None
) -> None:
    choice = choose(PACES, LIMITS, SCHEDULE, budget)
    assert (choice and (choice.width, choice.epochs, choice.iterations)) == expected
    if choice:
        epochs, iterations = choice.epochs, choice.iterations
        assert choice.seconds == PACES[choice.width].epoch * (epochs + iterations * (epochs - 2)) <= budget


@pytest.mark.parametrize("budget", [900.0, 2000.0, 4000.0, 12_000.0, 40_000.0])
@pytest.mark.parametrize("kept", [(), ("epochs",), ("iterations",), ("epochs", "iterations")])
def test_no_other_search_is_preferred(budget: float, kept: tuple[str, ...]) -> None:
    """All combinations, each timed on its own, in the order of preference."""
    paces = {8: Pace(9.0, 0.7, 0.9, 2.0), 16: Pace(11.0, 2.1, 2.0, 2.5), 32: Pace(14.0, 7.7, 6.0, 3.0)}
    schedule = replace(SCHEDULE, epochs=60)
    limits = Limits.of(schedule, 12, "epochs" in kept, "iterations" in kept)
    everything = [
        Choice(width, epochs, k, paces[width].seconds(replace(schedule, epochs=epochs), range(k + 1)))
        for width in paces
        for epochs in range(limits.epochs[0], limits.epochs[1] + 1)
        for k in range(limits.iterations[0], limits.iterations[1] + 1)
    ]
    fitting = [choice for choice in everything if choice.seconds <= budget]
    expected = max(fitting, key=lambda c: (c.width, c.epochs, c.iterations), default=None)
    assert choose(paces, limits, schedule, budget) == expected


@pytest.mark.parametrize(
    ("changes", "iterations", "kept", "expected"),
    [
        ({}, 16, (False, False), ((30, 200), (8, 16))),
        ({}, 16, (True, True), ((200, 200), (16, 16))),
        ({"epochs": 20}, 3, (False, False), ((20, 20), (3, 3))),  # no more than the default
        ({"images": 50}, 16, (False, False), ((125, 200), (8, 16))),  # two steps an epoch
        ({"rewind_epochs": 40}, 0, (False, False), ((41, 200), (0, 0))),
    ],
)
def test_the_least_of_a_search(
    changes: dict[str, int], iterations: int, kept: tuple[bool, bool], expected: tuple[tuple[int, int], ...]
) -> None:
    limits = Limits.of(replace(SCHEDULE, **changes), iterations, *kept)
    assert (limits.epochs, limits.iterations) == expected


@pytest.mark.parametrize(
    ("budget", "measured"),
    [
        (LEAST / 2, [8]),  # not even the first fits; it tells how long is needed
        (LEAST * 1.5, [8, 16]),
        (LEAST * 3.9, [8, 16]),  # 16 took twice as long as 8, so that 32 takes at least four times
        (LEAST * 4, [8, 16, 32]),
        (1e9, [8, 16, 32, 64]),
    ],
)
def test_widths_that_cannot_fit_are_not_measured(budget: float, measured: list[int]) -> None:
    paces = {**PACES, 64: of_epochs(32.0)}
    found = measure_while_it_fits((8, 16, 32, 64), paces.__getitem__, LIMITS, SCHEDULE, budget)
    assert list(found) == measured
    assert choose(found, LIMITS, SCHEDULE, budget) == choose(paces, LIMITS, SCHEDULE, budget)


def test_the_shortest_search_of_a_width() -> None:
    assert least(16, PACES[16], LIMITS, SCHEDULE) == Choice(16, 30, 8, 2.0 * LEAST)
