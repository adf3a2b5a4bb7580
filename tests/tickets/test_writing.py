from __future__ import annotations

import shutil
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from tf_dlth import files
from tf_dlth.config import WeightsKind
from tf_dlth.errors import UserError
from tf_dlth.preparation import Prepared
from tf_dlth.tickets.manifest import RewindEntry
from tf_dlth.tickets.saved_model import Serving
from tf_dlth.tickets.ticket import Ticket, load_ticket
from tf_dlth.tickets.writing import Chosen, Origin, add_saved_model, write_ticket

KINDS: tuple[WeightsKind, ...] = ("last", "test_best", "heldout")
MASKS = {"conv/kernel": np.array([[True, False, True]]), "head/kernel": np.array([True, True])}


@pytest.fixture(scope="module")
def origin(finished: Any) -> Origin:
    return Prepared(finished.config).origin()


def chosen(epoch: int) -> Chosen:
    """Weights that tell their epoch, zero where MASKS are."""
    weights = {name: np.where(mask, np.float32(epoch), np.float32(0)) for name, mask in MASKS.items()}
    return Chosen(epoch, epoch / 100, {**weights, "bn/beta": np.full(2, epoch, np.float32)})


def written(folder: Path, origin: Origin, **by_rule: int) -> Ticket:
    """A ticket of which each rule chose the epoch that it is given."""
    kinds: dict[WeightsKind, Chosen] = {kind: chosen(by_rule[kind]) for kind in KINDS if kind in by_rule}
    write_ticket(folder, origin, 3, MASKS, kinds, RewindEntry(file="rewind.safetensors", sha256="a" * 64), None)
    return load_ticket(folder)


def test_what_is_written_is_what_is_read(origin: Origin, tmp_path: Path):
    ticket = written(tmp_path / "iteration_03", origin, last=9, test_best=4, heldout=5)
    assert (ticket.iteration, ticket.density, ticket.manifest.remaining) == (3, 4 / 5, 4)
    for name, mask in MASKS.items():
        np.testing.assert_array_equal(ticket.mask[name], mask)
    for kind, epoch in zip(KINDS, (9, 4, 5), strict=True):
        entry = ticket.entry(kind)
        assert (entry.epoch, entry.test_accuracy) == (epoch, epoch / 100)
        found = ticket.weights(kind)
        assert found.keys() == chosen(epoch).weights.keys()
        for name, weights in chosen(epoch).weights.items():
            np.testing.assert_array_equal(found[name], weights)
            assert found[name].dtype == np.float32
    assert ticket.manifest.config_sha256 == origin.config_sha256
    assert not ticket.has_saved_model


@pytest.mark.parametrize(
    ("by_rule", "names"),
    [
        ({"last": 3, "test_best": 3, "heldout": 3}, {"weights"}),
        ({"last": 3, "test_best": 2, "heldout": 3}, {"weights", "weights_test_best"}),
        ({"last": 3, "test_best": 2, "heldout": 2}, {"weights", "weights_test_best"}),
        ({"last": 3, "test_best": 3, "heldout": 1}, {"weights", "weights_heldout"}),
        ({"last": 3, "test_best": 2}, {"weights", "weights_test_best"}),
    ],
)
def test_an_epoch_that_several_rules_chose_is_written_once(
    origin: Origin, tmp_path: Path, by_rule: dict[str, int], names: set[str]
):
    ticket = written(tmp_path / "iteration_03", Origin(**{**vars(origin), "default_weights": "last"}), **by_rule)
    assert {path.stem for path in ticket.path.glob("weights*")} == names
    for kind in ticket.manifest.weights:
        assert ticket.weights(kind)["bn/beta"][0] == by_rule[kind]


def test_equal_weights_are_written_once(finished):
    for iteration in range(3):
        ticket = load_ticket(finished.path / f"iteration_{iteration:02d}")
        entries = ticket.manifest.weights
        assert set(entries) == set(KINDS)
        assert entries["last"].file == "weights.safetensors"
        named = {entry.file for entry in entries.values()}
        assert {p.name for p in ticket.path.glob("weights*")} == named
        assert len(named) == len({entry.epoch for entry in entries.values()})


def test_an_older_ticket_is_replaced_whole(origin: Origin, tmp_path: Path):
    written(tmp_path / "iteration_03", origin, last=3, test_best=2, heldout=1)
    ticket = written(tmp_path / "iteration_03", origin, last=3, test_best=3, heldout=3)
    assert {path.name for path in ticket.path.iterdir()} == {"ticket.json", "mask.safetensors", "weights.safetensors"}
    assert [path.name for path in tmp_path.iterdir()] == ["iteration_03"]


@pytest.mark.parametrize("name", ["mask.safetensors", "weights_test_best.safetensors", "ticket.json"])
def test_a_ticket_that_cannot_be_written_leaves_the_older_one_whole(
    origin: Origin, tmp_path: Path, name: str, monkeypatch: pytest.MonkeyPatch
):
    written(tmp_path / "iteration_03", origin, last=3, test_best=2, heldout=1)
    before, write = files.digests(tmp_path), files.write_bytes

    def full(path: Path, content: bytes) -> str:
        if path.name == name:
            raise UserError(f"cannot write {path}")
        return write(path, content)

    monkeypatch.setattr(files, "write_bytes", full)
    with pytest.raises(UserError, match=name):
        written(tmp_path / "iteration_03", origin, last=9, test_best=8, heldout=7)
    assert files.digests(tmp_path) == before


def test_a_place_where_no_folder_can_be(origin: Origin, tmp_path: Path):
    (tmp_path / "file").write_text("")
    with pytest.raises(UserError, match=r"cannot write .*iteration_03"):
        written(tmp_path / "file" / "iteration_03", origin, last=3, test_best=2, heldout=1)


def test_adding_a_saved_model_signs_what_it_adds_and_nothing_else(damaged: Path, edit: Any):
    """A file that was damaged since is not given a new digest."""
    ticket_folder = damaged / "iteration_01"
    shutil.rmtree(ticket_folder / "saved_model")

    def forget(tree: dict[str, Any]) -> None:
        tree["files"] = {name: digest for name, digest in tree["files"].items() if not name.startswith("saved_model/")}

    edit(ticket_folder / "ticket.json", forget)
    ticket = load_ticket(ticket_folder)
    assert not ticket.has_saved_model
    (ticket_folder / ".partial-1-ticket.json").write_text("left by a killed process")
    ticket.manifest.files["weights_extra.safetensors"] = "0" * 64
    manifest = ticket.manifest
    add_saved_model(ticket, Serving(ticket.model(), manifest.class_names, manifest.preprocessing))
    again = load_ticket(ticket_folder)
    assert again.has_saved_model
    assert again.manifest.files["weights_extra.safetensors"] == "0" * 64
    assert not any(name.startswith(".partial") for name in again.manifest.files)
    on_disk = files.digests(ticket_folder)
    assert all(
        on_disk[name] == digest for name, digest in again.manifest.files.items() if name.startswith("saved_model/")
    )
