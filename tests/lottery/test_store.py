from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest

from tf_dlth import files
from tf_dlth.errors import UserError
from tf_dlth.lottery import store as module
from tf_dlth.lottery.masks import Masks
from tf_dlth.lottery.store import TicketStore
from tf_dlth.preparation import Prepared
from tf_dlth.runs.checkpoint import Checkpoint
from tf_dlth.runs.folder import RunFolder
from tf_dlth.tickets.saved_model import Serving
from tf_dlth.tickets.ticket import Ticket
from tf_dlth.tickets.writing import Origin
from tf_dlth.training.keeping import Kept, Scores, Trained

NAME = "conv/kernel"
INITIAL = {NAME: np.arange(1, 7, dtype=np.float32)}
MASKS = [Masks({NAME: np.arange(6) >= k}) for k in range(4)]
"""Of iteration k: the first k weights are pruned."""


@pytest.fixture(scope="module")
def prepared(finished: Any) -> Prepared:
    return Prepared(finished.config)


@pytest.fixture
def reopened(prepared: Prepared, tmp_path: Path) -> Any:
    """Opens the store as every process does, from what the folder holds."""

    def opened() -> TicketStore:
        folder = RunFolder(tmp_path, "train", prepared.facts())
        checkpoint = folder.begin(prepared.config, {})
        origin = Origin(**{**vars(prepared.origin()), "default_weights": "last"})
        return TicketStore(
            folder, checkpoint, origin, Serving(prepared.model, (), prepared.data.preprocessing), "winner"
        )

    return opened


def trained(iteration: int, accuracy: float = 0.5) -> Trained:
    weights = MASKS[iteration].apply({NAME: INITIAL[NAME] * 10})
    kept = Kept(3, Scores(accuracy), weights)
    return Trained({"last": kept, "test_best": kept}, 3, 0.1, 0.9, 2.0, 50.0)


def kept(store: TicketStore, *accuracies: float) -> TicketStore:
    store.keep_initial(INITIAL)
    store.keep_rewind({NAME: INITIAL[NAME] * 2})
    for iteration, accuracy in enumerate(accuracies):
        store.keep_ticket(iteration, MASKS[iteration], trained(iteration, accuracy))
    return store


def test_a_kept_ticket_counts_for_the_next_process(reopened: Any, tmp_path: Path):
    before = kept(reopened(), 0.5, 0.6)
    after = reopened()
    assert after.rows == before.rows
    assert [after.has_ticket(k) for k in range(3)] == [True, True, False]
    assert Masks(after.ticket(1).mask) == MASKS[1]
    np.testing.assert_array_equal(after.rewind()[NAME], INITIAL[NAME] * 2)
    np.testing.assert_array_equal(files.read_tensors(tmp_path / "initial.safetensors")[NAME], INITIAL[NAME])
    table = pd.read_csv(tmp_path / "iterations.csv")
    assert table.test_accuracy_best.tolist() == [0.5, 0.6]
    assert table.remaining.tolist() == [6, 5]


def test_a_ticket_whose_checkpoint_was_not_written_does_not_count(
    reopened: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
):
    """The process died between the two: the iteration is trained again, and its ticket replaced."""
    store = kept(reopened(), 0.5)

    def die(checkpoint: Checkpoint) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr(store, "save", die)
    with pytest.raises(KeyboardInterrupt):
        store.keep_ticket(1, MASKS[1], trained(1, 0.9))
    assert (tmp_path / "iteration_01" / "ticket.json").exists()
    again = reopened()
    assert not again.has_ticket(1)
    again.keep_ticket(1, MASKS[1], trained(1, 0.7))
    assert again.ticket(1).entry("last").test_accuracy == 0.7
    assert len(pd.read_csv(tmp_path / "iterations.csv")) == 2


def test_theta_0_is_written_once(reopened: Any, tmp_path: Path):
    kept(reopened(), 0.5)
    reopened().keep_initial({NAME: INITIAL[NAME] * 99})
    np.testing.assert_array_equal(files.read_tensors(tmp_path / "initial.safetensors")[NAME], INITIAL[NAME])


def test_a_mask_that_revives_a_weight_is_never_kept(reopened: Any, tmp_path: Path):
    store = kept(reopened(), 0.5, 0.5)
    revived = Masks({NAME: np.array([1, 0, 0, 0, 0, 0])})
    with pytest.raises(AssertionError, match="iteration 2 revive"):
        store.keep_ticket(2, revived, trained(2))
    assert not (tmp_path / "iteration_02").exists()


def test_only_the_training_that_was_stopped_goes_on(reopened: Any):
    store = kept(reopened(), 0.5)
    assert store.unfinished(1) is None
    assert reopened().unfinished(1) is None, "between two iterations there is nothing to go on from"
    store.save(Checkpoint({"iteration": 1}, {"masks": {NAME: np.ones(6, np.uint8)}}))
    again = reopened()
    found = again.unfinished(1)
    assert found is not None
    assert found.groups.keys() == {"masks"}
    assert again.unfinished(0) is None
    assert again.unfinished(2) is None
    assert again.rows == store.rows, "a checkpoint within an iteration knows those before it"


def test_the_winner_is_named_and_gets_a_saved_model(reopened: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    given: list[Ticket] = []
    monkeypatch.setattr(module, "add_saved_model", lambda ticket, serving: given.append(ticket))
    store = kept(reopened(), 0.5, 0.6, 0.9, 0.7)
    store.choose_winner("test_best")
    assert [ticket.iteration for ticket in given] == [2]
    tree = json.loads((tmp_path / "run.json").read_text())
    assert (tree["status"], tree["winner"], tree["winners"]) == ("running", 2, {"test_best": 2, "last": 2})
    store.finish()
    tree = json.loads((tmp_path / "run.json").read_text())
    assert (tree["status"], tree["winner"], tree["seconds"]) == ("finished", 2, 8.0)
    assert not (tmp_path / "checkpoints").exists()


def test_a_ticket_that_is_damaged_is_not_pruned_further(reopened: Any, tmp_path: Path):
    store = kept(reopened(), 0.5)
    (tmp_path / "iteration_00" / "mask.safetensors").write_bytes(b"")
    with pytest.raises(UserError, match=r"mask\.safetensors is damaged"):
        store.keep_ticket(1, MASKS[1], trained(1))


@pytest.mark.parametrize("iteration", [0, 1])
@pytest.mark.parametrize("name", ["mask.safetensors", "weights.safetensors", "ticket.json"])
def test_r05_a_run_goes_on_only_from_whole_tickets(reopened: Any, tmp_path: Path, iteration: int, name: str):
    kept(reopened(), 0.5, 0.6)
    path = tmp_path / f"iteration_{iteration:02d}" / name
    path.write_bytes(path.read_bytes()[:-9])
    with pytest.raises(UserError, match=f"iteration_{iteration:02d}/{name}"):
        reopened()


def test_r05_a_run_goes_on_only_from_its_own_tickets(reopened: Any, edit: Any, tmp_path: Path):
    kept(reopened(), 0.5, 0.6)
    edit(tmp_path / "iteration_01" / "ticket.json", lambda tree: tree.update(augment="randaugment"))
    with pytest.raises(UserError, match="iteration_01 is no ticket of the run beside it"):
        reopened()


def test_r05_a_damaged_theta_0_is_found(reopened: Any, tmp_path: Path):
    kept(reopened(), 0.5)
    (tmp_path / "initial.safetensors").write_bytes(b"")
    with pytest.raises(UserError, match=r"initial\.safetensors"):
        reopened().keep_initial(INITIAL)
