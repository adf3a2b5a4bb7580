from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from typing import Any

import numpy as np
import pytest

from tf_dlth.errors import Stopped, UserError
from tf_dlth.runs.checkpoint import Checkpoint
from tf_dlth.training.schedule import Position, Schedule
from tf_dlth.training.signals import StopRequest
from tf_dlth.training.trainer import Trainer

Arrays = Mapping[str, np.ndarray]
STEPS = 2
INITIAL = {"w": np.array([1.0, 0.0])}
MASKS = {"w": np.array([True, False])}


class Doubling:
    """A network whose weight doubles with every step, so that it tells for how long it trained."""

    def __init__(self) -> None:
        self.w, self.totals, self.mask = np.zeros(2), np.zeros(3), np.ones(2, bool)

    def set_address(self, iteration: int, epoch: int, step: int) -> None:
        """It has no layer that draws."""

    def load(self, weights: Arrays, masks: Arrays) -> None:
        self.w, self.mask, self.totals = weights["w"].copy(), masks["w"], np.zeros(3)

    def weights(self) -> dict[str, np.ndarray]:
        return {"w": self.w.copy()}

    def momentum(self) -> dict[str, np.ndarray]:
        return {"w": np.zeros(2)}

    def set_momentum(self, momentum: Arrays) -> None: ...
    def set_learning_rate(self, rate: float) -> None: ...

    def reset_totals(self, totals: np.ndarray | None = None) -> None:
        self.totals = np.zeros(3) if totals is None else totals.copy()

    def batches(self, dataset: Any) -> Any:
        return dataset

    def run(self, batches: Any, steps: int) -> np.ndarray:
        self.w = self.w * 2**steps
        self.totals = self.totals + np.array([3.0, 1.0, 2.0]) * steps
        return self.totals


class Watched:
    """The log and the observer of a trainer; a signal comes when the observer hears of a position."""

    def __init__(self, signal_at: tuple[int, Position] | None = None) -> None:
        self.lines: list[Mapping[str, Any]] = []
        self.shown: list[Mapping[str, Any]] = []
        self.positions: list[tuple[int, Position]] = []
        self.saved: list[Checkpoint] = []
        self.stop, self._signal_at = StopRequest(), signal_at

    def append_metrics(self, line: Mapping[str, Any]) -> None:
        self.lines.append(line)

    def save(self, checkpoint: Checkpoint) -> None:
        self.saved.append(checkpoint)

    def progress(self, iteration: int, position: Position, images_per_second: float) -> None:
        self.positions.append((iteration, position))
        if (iteration, position) == self._signal_at:
            self.stop.received = 15

    def epoch_ended(self, metrics: Mapping[str, Any]) -> None:
        self.shown.append(metrics)


TEST = {1: 0.1, 2: 0.6, 3: 0.6, 4: 0.2}
HELDOUT = {1: 0.9, 2: 0.3, 3: 0.9, 4: 0.1}


def scores(weights: Arrays, between: Callable[[], None]) -> Iterator[tuple[str, float]]:
    """By the epochs that the weights have trained."""
    epoch = round(np.log2(weights["w"][0])) // STEPS
    yield "test", TEST[epoch]
    between()
    yield "heldout", HELDOUT[epoch]


def trainer(watched: Watched, evaluate: Any = scores, every: int = 1) -> Trainer:
    return Trainer(
        network=Doubling(),  # pyright: ignore[reportArgumentType]
        schedule=Schedule(images=4, batch_size=2, epochs=4, learning_rate=0.1, evaluate_every=every),
        batches=lambda iteration, position: (iteration, position),  # pyright: ignore[reportArgumentType]
        evaluate=evaluate,
        log=watched,
        observer=watched,
        stop=watched.stop,
        checkpoint_seconds=1e9,
    )


def test_what_is_kept_of_a_training():
    watched = Watched()
    trained = trainer(watched).train(3, INITIAL, MASKS, 1, {}, None)
    assert {kind: kept.epoch for kind, kept in trained.kept.items()} == {"last": 4, "test_best": 2, "heldout": 1}
    for kept in trained.kept.values():
        np.testing.assert_array_equal(kept.weights["w"], [4**kept.epoch, 0])
        assert (kept.scores.test, kept.scores.heldout) == (TEST[kept.epoch], HELDOUT[kept.epoch])
    assert (trained.epochs, trained.train_loss, trained.train_accuracy) == (4, 1.5, 0.5)


def test_every_evaluated_epoch_is_logged_and_shown():
    watched = Watched()
    trainer(watched).train(3, INITIAL, MASKS, 1, {}, None)
    assert watched.lines == watched.shown
    assert watched.lines[1] == {
        "iteration": 3, "epoch": 2, "train_loss": 1.5, "train_accuracy": 0.5, "test_accuracy": 0.6,
        "heldout_accuracy": 0.3,
    }  # fmt: skip
    assert watched.positions[-1] == (3, Position(4, STEPS))


@pytest.mark.parametrize(("every", "evaluated"), [(1, [1, 2, 3, 4]), (2, [2, 4]), (3, [3, 4]), (9, [4])])
def test_only_evaluated_epochs_can_be_kept(every: int, evaluated: list[int]):
    watched = Watched()
    trained = trainer(watched, every=every).train(0, INITIAL, MASKS, 1, {}, None)
    assert [line["epoch"] for line in watched.lines] == evaluated
    assert trained.kept["test_best"].epoch == max(evaluated, key=lambda epoch: (TEST[epoch], -epoch))


def test_weights_are_handed_on_after_the_epochs_that_are_named():
    seen: dict[int, float] = {}
    at_epoch = {epoch: lambda weights, epoch=epoch: seen.update({epoch: weights["w"][0]}) for epoch in (1, 3)}
    trainer(Watched()).train(0, INITIAL, MASKS, 1, at_epoch, None)
    assert seen == {1: 4.0, 3: 64.0}


def test_a_rewound_training_begins_later():
    watched = Watched()
    trained = trainer(watched).train(1, {"w": np.array([16.0, 0.0])}, MASKS, 3, {}, None)
    assert [line["epoch"] for line in watched.lines] == [3, 4]
    assert (trained.epochs, trained.kept["test_best"].epoch) == (2, 3)


def test_without_held_out_images_there_is_no_such_rule():
    watched = Watched()
    trained = trainer(watched, lambda weights, between: [("test", 0.5)]).train(0, INITIAL, MASKS, 1, {}, None)
    assert set(trained.kept) == {"last", "test_best"}
    assert watched.lines[0]["heldout_accuracy"] is None


@pytest.mark.parametrize("where", [Position(1, 1), Position(2, STEPS), Position(3, STEPS), Position(4, STEPS)])
def test_stopped_and_resumed_it_keeps_the_same(where: Position):
    """The best so far comes back, though its epoch is not trained again."""
    whole, watched = Watched(), Watched((2, where))
    expected = trainer(whole).train(2, INITIAL, MASKS, 1, {}, None)
    with pytest.raises(Stopped):
        trainer(watched).train(2, INITIAL, MASKS, 1, {}, None)
    (checkpoint,) = watched.saved
    assert checkpoint.meta["iteration"] == 2
    np.testing.assert_array_equal(checkpoint.groups["masks"]["w"], np.array([1, 0], np.uint8))

    again = Watched()
    found = trainer(again).train(2, {"w": np.full(2, 7.0)}, MASKS, 1, {}, checkpoint)
    assert [*watched.lines, *again.lines] == whole.lines
    assert found.kept.keys() == expected.kept.keys()
    for kind, kept in expected.kept.items():
        assert (found.kept[kind].epoch, found.kept[kind].scores) == (kept.epoch, kept.scores)
        np.testing.assert_array_equal(found.kept[kind].weights["w"], kept.weights["w"])
    assert found.epochs == expected.epochs


def test_a_second_training_starts_without_the_bests_of_the_first():
    shared = trainer(Watched())
    shared.train(0, INITIAL, MASKS, 1, {}, None)
    trained = shared.train(1, {"w": np.array([64.0, 0.0])}, MASKS, 4, {}, None)
    assert {kept.epoch for kept in trained.kept.values()} == {4}


def test_divergence_names_the_iteration():
    with pytest.raises(UserError, match=r"in epoch 1 of iteration 6; lower training\.learning_rate"):
        trainer(Watched()).train(6, {"w": np.array([np.inf, 0.0])}, MASKS, 1, {1: lambda weights: None}, None)
