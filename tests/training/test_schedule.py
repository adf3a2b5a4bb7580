from __future__ import annotations

import dataclasses
from itertools import pairwise

import numpy as np
import pytest

from tf_dlth.config import TrainingConfig
from tf_dlth.training.schedule import Position, Schedule

PAPER = Schedule(images=500, batch_size=100, epochs=200, learning_rate=0.1, evaluate_every=1, rewind_epochs=2)
"""CIFAR-10 1 %."""


def rate(initial: float, epoch: int, epochs: int) -> float:
    return dataclasses.replace(PAPER, learning_rate=initial, epochs=epochs).rate(epoch)


@pytest.mark.parametrize(
    ("epoch", "expected"),
    [(1, 0.1), (2, 0.09999383), (3, 0.09997533), (101, 0.05), (200, 6.168e-06)],
)
def test_literals_over_200_epochs(epoch: int, expected: float):
    """The first rate after a rewind to epoch 2 is 0.099975; the last epoch has 6.2e-6, and none has 0."""
    assert PAPER.rate(epoch) == pytest.approx(expected, rel=1e-4)


def test_the_curve_falls_from_the_initial_rate_and_is_symmetric():
    rates = np.array([rate(0.4, epoch, 20) for epoch in range(1, 21)])
    assert rates[0] == 0.4
    assert np.all(np.diff(rates) < 0)
    np.testing.assert_allclose(rates[1:] + rates[:0:-1], 0.4)


def test_one_epoch():
    assert rate(0.1, 1, 1) == 0.1


def test_the_steps_of_the_paper():
    assert PAPER.steps == 5
    assert PAPER.first_epoch(0) == 1
    assert PAPER.length(0) == 200
    assert {PAPER.first_epoch(k) for k in range(1, 17)} == {3}
    assert {PAPER.length(k) for k in range(1, 17)} == {198}
    assert PAPER.total_steps(0) == 1000
    assert PAPER.total_steps(16) == 5 * (200 + 16 * 198)


def test_a_partial_batch_is_a_step():
    assert [dataclasses.replace(PAPER, images=n).steps for n in (1, 100, 101, 560)] == [1, 1, 2, 6]


def test_counting_every_step_of_a_search():
    """By walking through it."""
    schedule = dataclasses.replace(PAPER, images=45, batch_size=20, epochs=4, rewind_epochs=1)
    walked = [
        (iteration, Position(epoch, step))
        for iteration in range(3)
        for epoch in range(1 if iteration == 0 else 2, 5)
        for step in range(1, 4)
    ]
    assert [schedule.steps_until(*place) for place in walked] == list(range(1, len(walked) + 1))
    assert schedule.total_steps(2) == len(walked)


def test_counting_every_image_of_an_epoch():
    schedule = dataclasses.replace(PAPER, images=45, batch_size=20)
    places = [Position(1, step) for step in range(4)]
    assert [schedule.images_between(a, b) for a, b in pairwise(places)] == [20, 20, 5]
    assert schedule.images_between(Position(1, 3), Position(2, 2)) == 40


def test_which_epochs_are_evaluated():
    schedule = dataclasses.replace(PAPER, epochs=25, evaluate_every=10)
    assert [epoch for epoch in range(1, 26) if schedule.is_evaluated(epoch)] == [10, 20, 25]


@pytest.mark.parametrize("epochs", [1, 3, 10, 25, 30])
@pytest.mark.parametrize("every", [1, 2, 10, 40])
@pytest.mark.parametrize("rewind", [0, 2, 12])
def test_counting_the_evaluations_of_an_iteration(epochs: int, every: int, rewind: int):
    schedule = dataclasses.replace(PAPER, epochs=epochs, evaluate_every=every, rewind_epochs=min(rewind, epochs - 1))
    for iteration in (0, 1):
        walked = range(schedule.first_epoch(iteration), epochs + 1)
        assert schedule.evaluations(iteration) == sum(map(schedule.is_evaluated, walked))


def test_from_the_training_section():
    section = TrainingConfig(epochs=7, batch_size=3, learning_rate=0.2, evaluate_every=5)
    assert Schedule.of(section, 10, 2) == Schedule(10, 3, 7, 0.2, 5, 2)


def test_positions_are_ordered():
    assert Position(1, 5) < Position(2, 0) < Position(2, 1)
