from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import numpy as np
import pytest

from tf_dlth.training import loop
from tf_dlth.training.loop import train_epochs
from tf_dlth.training.schedule import Position, Schedule

BEGINNING = Position(1)


def schedule(epochs: int, steps: int) -> Schedule:
    """An image a step."""
    return Schedule(images=steps, batch_size=1, epochs=epochs, learning_rate=0.5, evaluate_every=1)


class CountingNetwork:
    """Stands in for a network: every step is an image more, of loss 2 and right every second time."""

    def __init__(self) -> None:
        self.calls: list[int] = []
        self.rates: list[float] = []
        self.totals = np.zeros(3)
        self.started: list[Any] = []
        self.addresses: list[tuple[int, int, int]] = []

    def batches(self, dataset: Any) -> Iterator[int]:
        self.started.append(dataset)
        return iter(range(10**9))

    def set_learning_rate(self, rate: float) -> None:
        self.rates.append(rate)

    def set_address(self, iteration: int, epoch: int, step: int) -> None:
        self.addresses.append((iteration, epoch, step))

    def run(self, batches: Iterator[int], steps: int) -> np.ndarray:
        self.calls.append(steps)
        for _ in range(steps):
            self.totals = self.totals + np.array([2.0, next(batches) % 2, 1.0])
        return self.totals

    def reset_totals(self, totals: np.ndarray | None = None) -> None:
        self.totals = np.zeros(3) if totals is None else totals


@pytest.fixture
def clock(monkeypatch: pytest.MonkeyPatch) -> dict[str, float]:
    """A clock that a test sets: ``step`` seconds a training step."""
    state = {"step": 0.0, "now": 0.0}
    run = CountingNetwork.run

    def slow(self: CountingNetwork, batches: Iterator[int], steps: int) -> np.ndarray:
        state["now"] += steps * state["step"]
        return run(self, batches, steps)

    monkeypatch.setattr(CountingNetwork, "run", slow)
    monkeypatch.setattr(loop.time, "perf_counter", lambda: state["now"])
    return state


def trained(
    network: CountingNetwork, epochs: int, steps: int, start: Position = BEGINNING
) -> tuple[list[loop.EpochResult], list[Position]]:
    positions: list[Position] = []
    results = train_epochs(
        network,  # type: ignore[arg-type]
        schedule(epochs, steps),
        start,
        lambda position: position,  # type: ignore[return-value, arg-type]
        lambda position, seconds: positions.append(position),
    )
    return list(results), positions


def test_every_epoch_has_all_its_steps_and_its_rate():
    network = CountingNetwork()
    results, positions = trained(network, epochs=4, steps=5)
    assert [r.epoch for r in results] == [1, 2, 3, 4]
    assert sum(network.calls) == 20
    assert network.rates == [schedule(4, 5).rate(epoch) for epoch in (1, 2, 3, 4)]
    assert [p for p in positions if p.step == 5] == [Position(epoch, 5) for epoch in (1, 2, 3, 4)]
    assert positions == sorted(positions)
    assert network.started == [Position(1)]


def test_means_are_of_one_epoch():
    results, _ = trained(CountingNetwork(), epochs=2, steps=4)
    assert [(r.loss, r.accuracy) for r in results] == [(2.0, 0.5), (2.0, 0.5)]


def test_going_on_inside_an_epoch_trains_the_rest_of_it():
    network = CountingNetwork()
    network.totals = np.array([6.0, 3.0, 3.0])
    results, positions = trained(network, epochs=3, steps=5, start=Position(2, 3))
    assert network.started == [Position(2, 3)]
    assert network.addresses == [(0, 2, 3), (0, 3, 0)]
    assert [r.epoch for r in results] == [2, 3]
    assert sum(network.calls) == 2 + 5
    assert positions[-1] == Position(3, 5)
    assert results[0].accuracy == (3 + 1) / 5


def test_going_on_at_the_end_of_an_epoch_yields_it_again_untrained():
    network = CountingNetwork()
    network.totals = np.array([10.0, 2.0, 5.0])
    results, positions = trained(network, epochs=2, steps=5, start=Position(1, 5))
    assert [(r.epoch, r.loss, r.accuracy) for r in results] == [(1, 2.0, 0.4), (2, 2.0, 0.4)]
    assert {p.epoch for p in positions} == {2}


def test_calls_grow_while_they_are_short(clock: dict[str, float]):
    clock["step"] = 0.01
    network = CountingNetwork()
    trained(network, epochs=3, steps=100)
    assert network.calls[:7] == [1, 2, 4, 8, 16, 32, 37]
    assert network.calls[-1] == 100


@pytest.mark.parametrize("step", [0.02, 0.3, 1.1, 7.0])
def test_no_call_grows_beyond_five_seconds(clock: dict[str, float], step: float):
    clock["step"] = step
    network = CountingNetwork()
    trained(network, epochs=20, steps=130)
    assert max(network.calls) * step <= max(loop.LONGEST_CALL, step)


def test_calls_shrink_at_once_when_the_machine_becomes_slow(clock: dict[str, float]):
    """However many quick epochs went before: signals are heard only between calls."""
    clock["step"] = 0.0001
    network = CountingNetwork()
    positions: list[Position] = []

    def after_call(position: Position, seconds: float) -> None:
        positions.append(position)
        if position == Position(50, 20):
            clock["step"] = 1.0

    list(
        train_epochs(
            network,  # type: ignore[arg-type]
            schedule(53, 20),
            Position(1),
            lambda position: None,  # type: ignore[return-value, arg-type]
            after_call,
        )
    )
    last_epoch = [p for p in positions if p.epoch == 53]
    assert max(network.calls[-len(last_epoch) :]) <= loop.LONGEST_CALL


def test_a_raise_after_a_call_ends_the_training():
    network = CountingNetwork()

    def stop(position: Position, seconds: float) -> None:
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        list(
            train_epochs(
                network,  # type: ignore[arg-type]
                schedule(2, 4),
                Position(1),
                lambda position: None,  # type: ignore[return-value, arg-type]
                stop,
            )
        )
    assert network.calls == [1]


def test_there_is_no_accuracy_where_nothing_is_counted():
    class Uncounted(CountingNetwork):
        def run(self, batches: Iterator[int], steps: int) -> np.ndarray:
            self.totals = self.totals + steps * np.array([2.0, -1.0, 1.0])
            return self.totals

    (result,), _ = trained(Uncounted(), epochs=1, steps=4)
    assert (result.loss, result.accuracy) == (2.0, None)
