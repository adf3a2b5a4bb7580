from __future__ import annotations

from collections.abc import Mapping
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest

from tf_dlth.config import PruningConfig
from tf_dlth.lottery.imp import find_tickets, prune, rewind
from tf_dlth.lottery.masks import Masks
from tf_dlth.lottery.starts import Start, dense
from tf_dlth.runs.checkpoint import Checkpoint
from tf_dlth.training.keeping import Kept, Scores, Trained

Arrays = Mapping[str, np.ndarray]
PRUNABLE = ("conv/kernel",)
INITIAL = {
    "conv/kernel": np.arange(1, 11, dtype=np.float32).reshape(2, 5),
    "bn/moving_mean": np.array([0.5], np.float32),
    "head/kernel": np.array([7.0], np.float32),
}


class Training:
    """A training that multiplies: every epoch doubles all variables, so that weights tell how long they trained."""

    def __init__(self, log: list[tuple], epochs: int) -> None:
        self.log, self.epochs = log, epochs
        self.started_from: dict[int, dict[str, np.ndarray]] = {}
        self.masks: dict[int, Masks] = {}

    def train(
        self, iteration: int, weights: Arrays, masks: Masks, first_epoch: int, at_epoch: Mapping, resume: Any
    ) -> Trained:
        self.log.append(("train", iteration, first_epoch, resume))
        self.started_from[iteration] = {name: value.copy() for name, value in weights.items()}
        self.masks[iteration] = masks
        for epoch in range(first_epoch, self.epochs + 1):
            weights = {name: 2 * value for name, value in weights.items()}
            if epoch in at_epoch:
                at_epoch[epoch](weights)
        last = Kept(self.epochs, Scores(0.5), weights)
        return Trained({"last": last, "test_best": last}, self.epochs - first_epoch + 1, 1.0, 0.5, 1.0, 1.0)


class Memory:
    """A store in memory."""

    def __init__(self, log: list[tuple]) -> None:
        self.log = log
        self.initial: Arrays | None = None
        self.rewind_weights: Arrays | None = None
        self.kept: dict[int, tuple[Masks, Trained]] = {}
        self.checkpoints: dict[int, Checkpoint] = {}

    def keep_initial(self, weights: Arrays) -> None:
        self.log.append(("initial",))
        self.initial = weights

    def keep_rewind(self, weights: Arrays) -> None:
        self.log.append(("keep theta_r",))
        self.rewind_weights = weights

    def rewind(self) -> Arrays:
        self.log.append(("rewind",))
        assert self.rewind_weights is not None
        return self.rewind_weights

    def has_ticket(self, iteration: int) -> bool:
        return iteration in self.kept

    def keep_ticket(self, iteration: int, masks: Masks, trained: Trained) -> None:
        self.log.append(("ticket", iteration))
        self.kept[iteration] = (masks, trained)

    def ticket(self, iteration: int) -> Any:
        masks, trained = self.kept[iteration]
        return SimpleNamespace(mask=dict(masks), weights=lambda kind: trained.kept[kind].weights)

    def unfinished(self, iteration: int) -> Checkpoint | None:
        return self.checkpoints.get(iteration)


def searched(epochs: int = 4, **pruning: Any) -> tuple[list[tuple], Training, Memory]:
    log: list[tuple] = []
    training, store = Training(log, epochs), Memory(log)
    config = PruningConfig(**{"iterations": 2, "rewind_epochs": 1, **pruning})
    for iteration in find_tickets(training, store, config, dense(INITIAL, PRUNABLE)):  # type: ignore[arg-type]
        log.append(("yield", iteration))
    return log, training, store


def test_the_steps_of_section_3_1_in_order():
    log, _, _ = searched()
    assert log == [
        ("initial",),
        ("train", 0, 1, None),
        ("keep theta_r",),
        ("ticket", 0),
        ("yield", 0),
        ("rewind",),
        ("train", 1, 2, None),
        ("ticket", 1),
        ("yield", 1),
        ("rewind",),
        ("train", 2, 2, None),
        ("ticket", 2),
        ("yield", 2),
    ]


def test_r13_kept_entries_and_all_else_go_back_to_theta_r():
    """Bit-equal, BatchNorm statistics and the head included; removed weights start at zero."""
    _, training, store = searched()
    theta_r = store.rewind_weights
    assert theta_r is not None
    for iteration in (1, 2):
        start, mask = training.started_from[iteration], training.masks[iteration]["conv/kernel"]
        assert np.array_equal(start["conv/kernel"][mask], 2 * INITIAL["conv/kernel"][mask])
        assert not start["conv/kernel"][~mask].any()
        for name in ("bn/moving_mean", "head/kernel"):
            assert np.array_equal(start[name], 2 * INITIAL[name])


def test_masks_nest_and_have_exact_counts():
    _, training, _ = searched(iterations=3, rate=0.3)
    assert [training.masks[k].remaining for k in range(4)] == [10, 7, 5, 3]
    assert all(training.masks[k + 1].within(training.masks[k]) for k in range(3))
    assert np.array_equal(np.flatnonzero(training.masks[1]["conv/kernel"]), range(3, 10))


def test_the_ranking_uses_the_last_epoch():
    log: list[tuple] = []
    store = Memory(log)
    backwards = {**INITIAL, "conv/kernel": INITIAL["conv/kernel"][::-1, ::-1]}

    class WithBest(Training):
        def train(self, *arguments: Any) -> Trained:
            trained = super().train(*arguments)
            best = Kept(1, Scores(0.9), backwards)
            return Trained({**trained.kept, "test_best": best}, 4, 1.0, 0.5, 1.0, 1.0)

    training = WithBest(log, 4)
    config = PruningConfig(iterations=1, rewind_epochs=1)
    assert list(find_tickets(training, store, config, dense(INITIAL, PRUNABLE))) == [0, 1]  # type: ignore[arg-type]
    assert np.flatnonzero(~training.masks[1]["conv/kernel"].ravel()).tolist() == [0, 1]


def test_learning_rate_rewinding_keeps_the_weights():
    log, training, store = searched(rewind="rate")
    assert ("rewind",) not in log
    mask, last = training.masks[1]["conv/kernel"], store.kept[0][1].kept["last"].weights
    assert np.array_equal(training.started_from[1]["conv/kernel"], np.where(mask, last["conv/kernel"], 0))
    assert np.array_equal(training.started_from[1]["bn/moving_mean"], last["bn/moving_mean"])
    assert ("train", 1, 2, None) in log


def test_method_none_trains_the_same_iterations_dense():
    log, training, _ = searched(method="none")
    assert [entry for entry in log if entry[0] == "train"] == [
        ("train", 0, 1, None),
        ("train", 1, 2, None),
        ("train", 2, 2, None),
    ]
    assert all(training.masks[k].density == 1 for k in range(3))
    assert np.array_equal(training.started_from[2]["conv/kernel"], 2 * INITIAL["conv/kernel"])


def test_rewinding_to_the_initialisation():
    log, training, store = searched(rewind_epochs=0)
    assert log[:3] == [("initial",), ("keep theta_r",), ("train", 0, 1, None)]
    assert store.rewind_weights is INITIAL
    assert ("train", 1, 1, None) in log
    assert np.array_equal(training.started_from[1]["head/kernel"], INITIAL["head/kernel"])


def test_iterations_0_is_the_dense_network_alone():
    log, _, store = searched(iterations=0)
    assert ("yield", 0) in log and len(store.kept) == 1
    assert ("rewind",) not in log


def test_what_is_kept_already_is_not_trained_again():
    _, complete, store = searched(iterations=3)
    log: list[tuple] = []
    again = Memory(log)
    again.rewind_weights = store.rewind_weights
    again.kept = {k: store.kept[k] for k in (0, 1)}
    training = Training(log, 4)
    config = PruningConfig(iterations=3, rewind_epochs=1)
    assert list(find_tickets(training, again, config, dense(INITIAL, PRUNABLE))) == [0, 1, 2, 3]  # type: ignore[arg-type]
    assert [entry[1] for entry in log if entry[0] == "train"] == [2, 3]
    for k in (2, 3):
        assert np.array_equal(training.masks[k]["conv/kernel"], complete.masks[k]["conv/kernel"])
        for name in INITIAL:
            assert np.array_equal(training.started_from[k][name], complete.started_from[k][name])


def test_prune_and_rewind_alone():
    masks = Masks.ones(INITIAL, PRUNABLE)
    assert prune(PruningConfig(method="none"), INITIAL, masks) is masks
    assert prune(PruningConfig(rate=0.5), INITIAL, masks).remaining == 5
    store = Memory([])
    store.rewind_weights = {"theta_r": np.zeros(1)}
    assert rewind(PruningConfig(), store, INITIAL) is store.rewind_weights  # type: ignore[arg-type]
    assert rewind(PruningConfig(rewind="rate"), store, INITIAL) is INITIAL  # type: ignore[arg-type]


def test_a_training_that_fails_keeps_no_ticket():
    log: list[tuple] = []

    class Failing(Training):
        def train(self, *arguments: Any) -> Trained:
            raise RuntimeError("no")

    store = Memory(log)
    with pytest.raises(RuntimeError):
        list(find_tickets(Failing(log, 4), store, PruningConfig(), dense(INITIAL, PRUNABLE)))  # type: ignore[arg-type]
    assert store.kept == {}


@pytest.mark.parametrize("changed", [{"rate": 0.5}, {"rate": 0.05}, {"method": "none"}])
def test_a_kept_iterations_mask_is_its_tickets_whatever_the_config_says_now(changed: dict[str, Any]):
    _, before, store = searched(iterations=2, rate=0.3)
    log: list[tuple] = []
    training, again = Training(log, 4), Memory(log)
    again.rewind_weights, again.kept = store.rewind_weights, dict(store.kept)
    config = PruningConfig(**{"iterations": 3, "rewind_epochs": 1, "rate": 0.3, **changed})
    list(find_tickets(training, again, config, dense(INITIAL, PRUNABLE)))  # type: ignore[arg-type]
    assert list(training.masks) == [3]
    parent = before.masks[2]
    assert training.masks[3].within(parent)
    removed = 0 if config.method == "none" else round(config.rate * parent.remaining)
    assert training.masks[3].remaining == parent.remaining - removed


def test_an_unfinished_iteration_goes_on_with_the_masks_that_it_began_with():
    _, before, store = searched(iterations=1, rate=0.3)
    log: list[tuple] = []
    training, again = Training(log, 4), Memory(log)
    again.rewind_weights, again.kept = store.rewind_weights, {0: store.kept[0]}
    began = {name: mask.astype(np.uint8) for name, mask in before.masks[1].items()}
    again.checkpoints[1] = Checkpoint({"iteration": 1}, {"masks": began})
    config = PruningConfig(iterations=1, rewind_epochs=1, rate=0.5)
    list(find_tickets(training, again, config, dense(INITIAL, PRUNABLE)))  # type: ignore[arg-type]
    assert training.masks[1] == before.masks[1]
    assert log[-2][:2] == ("train", 1)
    assert log[-2][3] is again.checkpoints[1]


def test_a_start_with_a_known_theta_r_and_no_prunings():
    """What every baseline is: one training from another start."""
    log: list[tuple] = []
    training, store = Training(log, 4), Memory(log)
    masks = Masks({"conv/kernel": np.arange(10).reshape(2, 5) % 2})
    start = Start(masks.apply(INITIAL), masks, first_epoch=3, rewind=INITIAL)
    assert list(find_tickets(training, store, PruningConfig(iterations=0), start)) == [0]  # type: ignore[arg-type]
    assert log == [("initial",), ("keep theta_r",), ("train", 0, 3, None), ("ticket", 0)]
    assert store.rewind_weights is INITIAL
    assert training.masks[0] == masks
