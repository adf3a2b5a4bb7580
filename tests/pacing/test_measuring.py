"""What is done for a measurement; how long it takes is the clock's, which the tests set."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest

from tf_dlth.pacing import measuring
from tf_dlth.training.schedule import Position, Schedule


class Clock:
    """Goes on only when something is done."""

    def __init__(self) -> None:
        self.now = 0.0

    def perf_counter(self) -> float:
        return self.now


class Steps:
    """A network whose first step takes 7 seconds and every later one ``seconds``."""

    def __init__(self, clock: Clock, seconds: float) -> None:
        self.clock, self.seconds, self.taken, self.totals = clock, seconds, 0, np.zeros(3)
        self.loaded: tuple[Any, Any] | None = None

    def load(self, weights: Any, masks: Any) -> None:
        self.loaded = (weights, masks)

    def set_learning_rate(self, rate: float) -> None:
        self.rate = rate

    def set_address(self, iteration: int, epoch: int, step: int) -> None:
        self.address = (iteration, epoch, step)

    def batches(self, dataset: Any) -> Any:
        return dataset

    def weights(self) -> dict[str, np.ndarray]:
        return {"w": np.ones(1)}

    def run(self, batches: Any, steps: int) -> None:
        assert batches == (0, Position(3))
        for _ in range(steps):
            self.clock.now += 7.0 if not self.taken else self.seconds
            self.taken += 1
            self.totals[2] += 10


class Scoring:
    """A scorer that takes half a second to be traced, and 2 ms an image."""

    def __init__(self, clock: Clock, images: int) -> None:
        self.clock, self.images, self.traced, self.scored = clock, images, False, 0

    def of_some(self, images: int) -> Scoring:
        fewer = Scoring(self.clock, min(images, self.images))
        fewer.whole = self  # type: ignore[attr-defined]
        return fewer

    def __call__(self, weights: Any, between: Callable[[], None]) -> Iterator[tuple[str, float]]:
        self.clock.now += 0.002 * self.images + (0.5 if not (self.traced or not hasattr(self, "whole")) else 0)
        self.traced = True
        yield "test", 0.5


START: Any = SimpleNamespace(weights={"w": 1}, masks={"w": 0}, first_epoch=3)


def measured(monkeypatch: pytest.MonkeyPatch, images: int, seconds: float, judged: int, epochs: int = 50) -> Any:
    clock = Clock()
    monkeypatch.setattr(measuring, "time", clock)
    schedule = Schedule(images, 10, epochs, 0.1, 10, rewind_epochs=2, rewound=True)
    network, scorer = Steps(clock, seconds), Scoring(clock, judged)
    batches: Any = lambda iteration, position: (iteration, position)  # noqa: E731
    pace = measuring.measured(network, scorer, START, schedule, batches)  # type: ignore[arg-type]
    return pace, network, clock


@pytest.mark.parametrize(("seconds", "steps"), [(0.05, 32), (3.0, 2), (0.5, 4)])
@pytest.mark.parametrize("judged", [100, 2000, 100_000])
def test_parts_are_told_apart(monkeypatch: pytest.MonkeyPatch, seconds: float, steps: int, judged: int) -> None:
    pace, network, _ = measured(monkeypatch, 400, seconds, judged)
    assert pace.compiling == pytest.approx(7.5)
    assert pace.epoch == pytest.approx(40 * seconds)
    assert pace.evaluation == pytest.approx(0.002 * judged)
    assert pace.ticket == pytest.approx(1.5)
    assert network.taken == steps
    assert (network.loaded, network.address, network.rate) == (
        ({"w": 1}, {"w": 0}),
        (0, 3, 0),
        pytest.approx(0.0996, 1e-3),
    )


def test_many_images_are_not_all_scored(monkeypatch: pytest.MonkeyPatch) -> None:
    _, _, clock = measured(monkeypatch, 400, 3.0, 100_000)
    assert clock.now == pytest.approx(7 + 3 + 2 * 0.5 + 0.5)


@pytest.mark.parametrize(("images", "epochs", "steps"), [(20, 4, 4), (10, 3, 1)])
def test_no_more_steps_than_the_training_has(
    monkeypatch: pytest.MonkeyPatch, images: int, epochs: int, steps: int
) -> None:
    pace, network, _ = measured(monkeypatch, images, 0.01, 10, epochs)
    assert network.taken == steps
    assert pace.epoch == pytest.approx(7.0 if steps == 1 else images / 10 * 0.01)
