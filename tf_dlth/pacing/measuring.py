"""The pace of a network on its own images: some real steps and a scoring, of which nothing is kept."""

from __future__ import annotations

import time
from collections.abc import Callable

import tensorflow as tf

from tf_dlth.evaluation.scoring import Scorer
from tf_dlth.lottery.starts import Start
from tf_dlth.pacing.pace import Pace
from tf_dlth.training.keeping import Arrays
from tf_dlth.training.network import Network
from tf_dlth.training.schedule import Position, Schedule

Batches = Callable[[int, Position], tf.data.Dataset]

SECONDS_OF_TRIAL = 1.0
"""For how long training is timed, once it is compiled."""
IMAGES_OF_TRIAL = 250
"""Images that are scored, unless all of them take less than :data:`SHORT_SCORING`."""
SHORT_SCORING = 1.0
TRACINGS_OF_A_TICKET = 3
"""Keeping a ticket took about three times as long as tracing the network for its evaluation: two signatures, the files,
their digests, the figure. It is not done for trial, since a rehearsal writes nothing."""


def measured(network: Network, scorer: Scorer, start: Start, schedule: Schedule, batches: Batches) -> Pace:
    """The pace of a search that begins with ``start``; the network is left in use, and to be loaded before it trains.

    The first steps and the first scoring compile, so that a run that goes on with both has that behind it.
    """
    first, image = _training(network, start, schedule, batches)
    tracing, scored = _scoring(scorer, network.weights())
    return Pace(
        compiling=first + tracing,
        epoch=image * schedule.images,
        evaluation=scored * scorer.images,
        ticket=TRACINGS_OF_A_TICKET * tracing,
    )


def _training(network: Network, start: Start, schedule: Schedule, batches: Batches) -> tuple[float, float]:
    """Seconds of the first step, and of an image after it; of a run of one step they are the same step's."""
    epoch, left = start.first_epoch, schedule.length(0) * schedule.steps - 1
    begin = time.perf_counter()
    network.load(start.weights, start.masks)
    network.set_learning_rate(schedule.rate(epoch))
    network.set_address(0, epoch, 0)
    iterator = network.batches(batches(0, Position(epoch)))
    network.run(iterator, 1)
    first, images = time.perf_counter() - begin, network.totals[2]
    if not left:
        return first, first / images
    begin, steps = time.perf_counter(), 1
    while left and time.perf_counter() - begin < SECONDS_OF_TRIAL:
        network.run(iterator, steps)
        left -= steps
        steps = min(2 * steps, left)
    return first, (time.perf_counter() - begin) / (network.totals[2] - images)


def _scoring(scorer: Scorer, weights: Arrays) -> tuple[float, float]:
    """Seconds of tracing the network, and of an image after it."""
    some = scorer.of_some(IMAGES_OF_TRIAL)
    first, again = (_seconds(some, weights) for _ in range(2))
    if again / some.images * scorer.images < SHORT_SCORING:
        return max(0.0, first - again), _seconds(scorer, weights) / scorer.images
    return max(0.0, first - again), again / some.images


def _seconds(scorer: Scorer, weights: Arrays) -> float:
    begin = time.perf_counter()
    dict(scorer(weights, lambda: None))
    return time.perf_counter() - begin
