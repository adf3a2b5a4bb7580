from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

import numpy as np
import pytest

from tf_dlth.errors import Stopped, UserError
from tf_dlth.runs.checkpoint import Checkpoint
from tf_dlth.training import loop
from tf_dlth.training import session as module
from tf_dlth.training.loop import EpochResult
from tf_dlth.training.schedule import Position, Schedule
from tf_dlth.training.session import Session
from tf_dlth.training.signals import StopRequest

Arrays = Mapping[str, np.ndarray]
IMAGES, BATCH = 11, 2
STEPS = 6
MASKS = {"w": np.array([True, True, False])}
INITIAL = {"w": np.array([3.0, -2.0, 0.0])}


class Descent:
    """A weight of three entries that follows the images with momentum: whatever is not resumed shows in its bits."""

    def __init__(self) -> None:
        self.w, self.velocity, self.totals = np.zeros(3), np.zeros(3), np.zeros(3)
        self.rate, self.mask = 0.0, np.ones(3, bool)
        self.fails_at: float | None = None

    def set_address(self, iteration: int, epoch: int, step: int) -> None:
        """It has no layer that draws."""

    def load(self, weights: Arrays, masks: Arrays) -> None:
        self.w, self.velocity, self.mask = weights["w"].copy(), np.zeros(3), masks["w"]
        self.reset_totals()

    def weights(self) -> dict[str, np.ndarray]:
        return {"w": self.w.copy()}

    def momentum(self) -> dict[str, np.ndarray]:
        return {"w": self.velocity.copy()}

    def set_momentum(self, momentum: Arrays) -> None:
        self.velocity = momentum["w"].copy()

    def set_learning_rate(self, rate: float) -> None:
        self.rate = rate

    def reset_totals(self, totals: np.ndarray | None = None) -> None:
        self.totals = np.zeros(3) if totals is None else totals.copy()

    def batches(self, dataset: Any) -> Iterator[np.ndarray]:
        return iter(dataset)

    def run(self, batches: Iterator[np.ndarray], steps: int) -> np.ndarray:
        for _ in range(steps):
            images = next(batches)
            self.velocity = (0.9 * self.velocity + self.w - images.mean()) * self.mask
            self.w = self.w - self.rate * self.velocity
            loss = float(np.abs(self.w).sum())
            if self.fails_at is not None and images[0] >= self.fails_at:
                loss = np.nan
            self.totals = self.totals + np.array([loss, (self.w > 0).sum() * len(images) / 3, len(images)])
        return self.totals


def batches(position: Position) -> Iterator[np.ndarray]:
    """Every image of every epoch is another number."""
    for epoch in range(position.epoch, 10):
        numbers = np.arange(IMAGES) / 17 + epoch
        steps = [numbers[start : start + BATCH] for start in range(0, IMAGES, BATCH)]
        yield from steps[position.step if epoch == position.epoch else 0 :]


class Log:
    def __init__(self) -> None:
        self.saved: list[Checkpoint] = []

    def append_metrics(self, line: Mapping[str, Any]) -> None: ...

    def save(self, checkpoint: Checkpoint) -> None:
        self.saved.append(checkpoint)


class Machine:
    """A session with all it needs; a signal comes at a position that the training reports."""

    def __init__(self, signal_at: Position | None = None, every: float = 1e9, section: str = "training") -> None:
        self.network, self.log, self.stop = Descent(), Log(), StopRequest()
        self.heard: list[tuple[Position, float]] = []
        self._signal_at = signal_at
        schedule = Schedule(images=IMAGES, batch_size=BATCH, epochs=4, learning_rate=0.5, evaluate_every=1)
        self.session = Session(
            self.network,  # pyright: ignore[reportArgumentType]
            schedule,
            section,
            self.log,
            self.stop,
            self._hear,
            every,
        )

    def _hear(self, position: Position, images_per_second: float) -> None:
        self.heard.append((position, images_per_second))
        if position == self._signal_at:
            self.stop.received = 15

    def epochs(self, iteration: int | None = None) -> list[EpochResult]:
        return list(self.session.epochs(batches, lambda: Checkpoint({"iteration": 7}), iteration))  # pyright: ignore[reportArgumentType]

    def begun(self) -> Machine:
        self.session.begin(INITIAL, MASKS, first_epoch=2)
        return self

    def state(self) -> list[np.ndarray]:
        return [self.network.w, self.network.velocity, self.network.totals]


@pytest.fixture(autouse=True)
def clock(monkeypatch: pytest.MonkeyPatch) -> dict[str, float]:
    """Both clocks show ``now``; a call of the network takes two seconds a step."""
    state = {"now": 0.0}
    run = Descent.run

    def slow(self: Descent, batches: Iterator[np.ndarray], steps: int) -> np.ndarray:
        state["now"] += 2.0 * steps
        return run(self, batches, steps)

    monkeypatch.setattr(Descent, "run", slow)
    for time in (loop.time, module.time):
        monkeypatch.setattr(time, "perf_counter", lambda: state["now"])
        monkeypatch.setattr(time, "monotonic", lambda: state["now"])
    return state


def test_it_trains_from_its_first_epoch_to_the_last():
    machine = Machine().begun()
    assert [result.epoch for result in machine.epochs()] == [2, 3, 4]
    assert machine.session.position == Position(4, STEPS)
    assert machine.network.w[2] == 0
    assert machine.log.saved == []


@pytest.mark.parametrize(
    ("epoch", "step"), [(2, 1), (2, 3), (2, STEPS), (3, 2), (3, 4), (3, STEPS), (4, 2), (4, STEPS)]
)
def test_stopped_and_resumed_it_ends_with_the_same_bits(epoch: int, step: int):
    whole = Machine().begun()
    results = whole.epochs()

    stopped = Machine(Position(epoch, step)).begun()
    with pytest.raises(Stopped) as stop:
        stopped.epochs()
    assert stop.value.exit_code == 128 + 15
    (checkpoint,) = stopped.log.saved
    assert checkpoint.meta["iteration"] == 7
    assert checkpoint.meta["position"] == {"epoch": epoch, "step": step}

    again = Machine()
    again.session.begin({"w": np.full(3, 9.0)}, MASKS, 1)
    again.session.resume(checkpoint, MASKS)
    assert again.epochs() == results[epoch - 2 :]
    for found, expected in zip(again.state(), whole.state(), strict=True):
        np.testing.assert_array_equal(found, expected)
    assert again.session.seconds == whole.session.seconds == 3 * STEPS * 2.0


def test_a_stop_before_the_first_epoch_saves_nothing():
    """As while a pre-training asks its untrained encoder's neighbours: beginning again costs nothing."""
    machine = Machine().begun()
    machine.stop.received = 2
    with pytest.raises(Stopped) as stop:
        machine.session.stop_if_asked()
    assert stop.value.exit_code == 130
    assert machine.log.saved == []


def test_a_training_that_begins_does_not_save_the_one_before():
    machine = Machine().begun()
    machine.epochs()
    machine.begun()
    machine.stop.received = 2
    with pytest.raises(Stopped):
        machine.session.stop_if_asked()
    assert machine.log.saved == []


def test_without_a_signal_nothing_stops():
    Machine().begun().session.stop_if_asked()


def test_a_stop_after_an_epochs_end_keeps_its_sums_for_the_evaluation_to_come():
    """Evaluating asks too: the epoch is yielded again on resume, with the same means."""
    machine = Machine().begun()
    result = next(machine.session.epochs(batches, lambda: Checkpoint({})))  # pyright: ignore[reportArgumentType]
    machine.stop.received = 15
    with pytest.raises(Stopped):
        machine.session.stop_if_asked()
    again = Machine()
    again.session.resume(machine.log.saved[0], MASKS)
    assert again.epochs()[0] == result


@pytest.mark.parametrize(("every", "saved"), [(0, [3, 4]), (12, [3, 4]), (13, [4]), (25, [])])
def test_it_saves_at_the_ends_of_epochs_far_enough_apart(every: float, saved: list[int]):
    """An epoch takes 12 seconds here; after the last one there is a ticket to keep instead."""
    machine = Machine(every=every).begun()
    results = machine.epochs()
    assert [checkpoint.meta["position"] for checkpoint in machine.log.saved] == [
        {"epoch": epoch, "step": 0} for epoch in saved
    ]
    for checkpoint in machine.log.saved:
        again = Machine()
        again.session.resume(checkpoint, MASKS)
        assert again.epochs() == results[checkpoint.meta["position"]["epoch"] - 2 :]


def test_what_the_caller_owns_is_in_the_checkpoint():
    machine = Machine(Position(2, 1)).begun()
    owned = Checkpoint({"best": {}}, {"masks": {"w": np.ones(3, np.uint8)}})
    with pytest.raises(Stopped):
        list(machine.session.epochs(batches, lambda: owned))  # pyright: ignore[reportArgumentType]
    (checkpoint,) = machine.log.saved
    assert checkpoint.meta.keys() == {"best", "position", "seconds", "timed"}
    assert checkpoint.groups.keys() == {"weights", "momentum", "totals", "masks"}


def test_the_first_call_does_not_count_as_speed():
    """It also compiles. After it a call of two steps takes four seconds for four images."""
    machine = Machine().begun()
    machine.epochs()
    (position, first), (_, second), *_ = machine.heard
    assert (position, first) == (Position(2, 1), 0.0)
    assert second == 1.0
    assert machine.session.images_per_second == (3 * IMAGES - BATCH) / (2.0 * (3 * STEPS - 1))


def test_timed_blocks_count_as_training():
    machine = Machine().begun()
    with machine.session.timed():
        machine.network.run(batches(Position(1)), 3)
    assert machine.session.seconds == 6.0


@pytest.mark.parametrize("section", ["training", "pretrain"])
def test_a_loss_that_is_no_number_names_the_sections_learning_rate(section: str):
    machine = Machine(section=section).begun()
    machine.network.fails_at = 3.0
    with pytest.raises(
        UserError,
        match=rf"^the training diverged \(the loss is no finite number\) in epoch 3 of iteration 5; "
        rf"lower {section}\.learning_rate \(now 0\.5\)$",
    ):
        machine.epochs(5)


@pytest.mark.parametrize("value", [np.nan, np.inf])
def test_a_weight_that_is_no_number_is_named(value: float):
    machine = Machine().begun()
    machine.epochs()
    machine.network.w[1] = value
    with pytest.raises(UserError, match=r"diverged \(w is no finite number\) in epoch 4"):
        machine.session.weights()
