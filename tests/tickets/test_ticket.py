from __future__ import annotations

import json
import shutil
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import tf_dlth
from tf_dlth.config import WeightsKind
from tf_dlth.data import load_data
from tf_dlth.errors import UserError
from tf_dlth.evaluation.accuracy import accuracy, predict
from tf_dlth.files import read_tensors, write_tensors
from tf_dlth.models.inference import predictor
from tf_dlth.tickets.ticket import Ticket, load_ticket

KINDS: tuple[WeightsKind, ...] = ("last", "test_best", "heldout")


@pytest.fixture
def ticket_folder(damaged: Path) -> Path:
    """Iteration 1 of a copied run."""
    return damaged / "iteration_01"


def use_everything(folder: Path) -> None:
    """All that a ticket can be asked for but the SavedModel, which nobody here reads."""
    ticket = load_ticket(folder)
    assert ticket.mask and ticket.rewind
    for kind in ticket.manifest.weights:
        ticket.model(kind)


@pytest.fixture
def rewrite(edit: Callable[..., None]) -> Callable[..., None]:
    """Replaces a tensor file and its digest, as an attacker would."""

    def rewritten(folder: Path, name: str, change: Callable[[dict[str, np.ndarray]], None]) -> None:
        tensors = {key: value.copy() for key, value in read_tensors(folder / name).items()}
        change(tensors)
        sha256 = write_tensors(folder / name, tensors)
        edit(folder / "ticket.json", lambda tree: tree["files"].update({name: sha256}))

    return rewritten


@pytest.mark.parametrize("iteration", [0, 1, 2])
@pytest.mark.parametrize("kind", KINDS)
def test_the_model_scores_exactly_what_the_manifest_says(finished, iteration: int, kind: WeightsKind):
    ticket = load_ticket(finished.path / f"iteration_{iteration:02d}")
    test = load_data(finished.config.data).test
    logits = predict(predictor(ticket.model(kind)), test)
    assert accuracy(logits, test.labels) == ticket.entry(kind).test_accuracy


def test_a_run_opens_as_its_winner(finished):
    winner = json.loads((finished.path / "run.json").read_text())["winner"]
    ticket = tf_dlth.load_ticket(str(finished.path))
    assert ticket.iteration == winner
    assert ticket.path == finished.path / f"iteration_{winner:02d}"
    assert ticket.class_names == tuple("0123456789")


def test_a_run_that_no_ticket_won_opens_as_its_dense_network(damaged: Path, edit):
    edit(damaged / "run.json", lambda tree: tree.update(winner=0))
    ticket = load_ticket(damaged)
    assert (ticket.iteration, ticket.density) == (0, 1.0)


def test_what_it_holds(finished):
    ticket = load_ticket(finished.path / "iteration_02")
    assert all(mask.dtype == bool for mask in ticket.mask.values())
    remaining = sum(int(mask.sum()) for mask in ticket.mask.values())
    assert ticket.density == remaining / sum(mask.size for mask in ticket.mask.values())
    weights = ticket.weights("last")
    assert weights.keys() == ticket.rewind.keys()
    assert {name for name in weights if name not in ticket.mask} >= {"head/kernel", "head/bias", "stem_bn/gamma"}
    default = ticket.manifest.default_weights
    assert all(np.array_equal(value, ticket.weights(default)[name]) for name, value in ticket.weights().items())


def test_theta_r_is_not_masked(finished):
    ticket = load_ticket(finished.path / "iteration_02")
    assert all(np.count_nonzero(ticket.rewind[name]) == mask.size for name, mask in ticket.mask.items())


def test_it_loads_after_it_was_moved_alone(ticket_folder: Path, tmp_path: Path):
    moved = Path(shutil.move(ticket_folder, tmp_path / "elsewhere"))
    ticket = load_ticket(moved)
    assert ticket.mask and ticket.weights()
    assert ticket.model().name == "resnet18"
    with pytest.raises(UserError, match=r"elsewhere needs rewind\.safetensors .*copy it from the run"):
        _ = ticket.rewind
    shutil.copy(tmp_path / "copied" / "tiny" / "rewind.safetensors", moved)
    assert ticket.rewind.keys() == ticket.weights().keys()


# The run that made it


def test_a_ticket_in_its_run_knows_it(ticket_folder: Path):
    assert load_ticket(ticket_folder).run == ticket_folder.parent


def test_a_ticket_from_before_an_admitted_change_knows_its_run(ticket_folder: Path, edit):
    edit(ticket_folder.parent / "run.json", lambda tree: tree.update(config_sha256="0" * 64))
    assert load_ticket(ticket_folder).run == ticket_folder.parent


def test_a_run_knows_no_ticket_but_those_that_it_lists(ticket_folder: Path, edit):
    edit(ticket_folder.parent / "run.json", lambda tree: tree["manifests"].pop("iteration_01"))
    assert load_ticket(ticket_folder).run is None
    assert load_ticket(ticket_folder.with_name("iteration_02")).run == ticket_folder.parent


def test_a_ticket_in_the_place_of_a_runs_own(ticket_folder: Path, edit):
    edit(ticket_folder / "ticket.json", lambda tree: tree.update(augment="none"))
    with pytest.raises(UserError, match="iteration_01 is no ticket of the run beside it"):
        _ = load_ticket(ticket_folder).run
    edit(ticket_folder.parent / "run.json", lambda tree: tree.update(winner=1))
    with pytest.raises(UserError, match="iteration_01 is no ticket of the run beside it"):
        load_ticket(ticket_folder.parent)


def test_a_ticket_knows_its_run_from_within(ticket_folder: Path, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.chdir(ticket_folder)
    assert load_ticket(".").run == ticket_folder.parent


def test_a_saved_model_that_is_not_listed_yet(ticket_folder: Path, edit):
    """As a process leaves it that dies between the two."""
    bare = load_ticket(ticket_folder).manifest.without_saved_model()
    assert not any("saved_model" in name for name in bare.files)
    edit(ticket_folder.parent / "run.json", lambda tree: tree["manifests"].update(iteration_01=bare.sha256))
    assert load_ticket(ticket_folder).run == ticket_folder.parent


def test_a_moved_ticket_takes_no_other_runs_configuration(ticket_folder: Path, edit, tmp_path: Path):
    """Its own images are named by its run's config.yaml alone, whatever lies beside it."""
    (tmp_path / "elsewhere").mkdir()
    moved = Path(shutil.move(ticket_folder, tmp_path / "elsewhere"))
    assert load_ticket(moved).run is None
    for name in ("config.yaml", "run.json"):
        shutil.copy(ticket_folder.parent / name, moved.parent)
    edit(moved.parent / "run.json", lambda tree: tree["manifests"].pop("iteration_01"))
    assert load_ticket(moved).run is None
    (moved.parent / "run.json").unlink()
    assert load_ticket(moved).run is None


def test_a_kind_that_it_has_not(ticket_folder: Path, edit):
    def drop(tree: dict[str, Any]) -> None:
        del tree["weights"]["test_best"]
        tree["default_weights"] = "last"

    edit(ticket_folder / "ticket.json", drop)
    with pytest.raises(UserError, match="has no test_best weights; it has last, heldout"):
        load_ticket(ticket_folder).weights("test_best")


# Damage: every file that a ticket reads


DAMAGE: dict[str, Callable[[Path], Any]] = {
    "emptied": lambda path: path.write_bytes(b""),
    "cut to a byte": lambda path: path.write_bytes(path.read_bytes()[:1]),
    "cut in half": lambda path: path.write_bytes(path.read_bytes()[: path.stat().st_size // 2]),
    "cut at its end": lambda path: path.write_bytes(path.read_bytes().rstrip(b"\n")[:-1]),
    "longer": lambda path: path.write_bytes(path.read_bytes() + b"\0"),
    "removed": lambda path: path.unlink(),
    "a folder": lambda path: (path.unlink(), path.mkdir()),
}


@pytest.mark.parametrize("name", ["ticket.json", "mask.safetensors", "weights.safetensors", "../rewind.safetensors"])
@pytest.mark.parametrize("damage", DAMAGE.values(), ids=DAMAGE)
def test_damage_is_an_error_that_names_the_file(ticket_folder: Path, name: str, damage: Callable[[Path], Any]):
    damage(ticket_folder / name)
    with pytest.raises(UserError, match=Path(name).name.replace(".", r"\.")):
        use_everything(ticket_folder)


@pytest.mark.parametrize("name", ["mask.safetensors", "weights.safetensors", "../rewind.safetensors"])
def test_a_flipped_bit_anywhere(ticket_folder: Path, name: str):
    path, random = ticket_folder / name, np.random.RandomState(0)
    content = path.read_bytes()
    ticket = load_ticket(ticket_folder)
    for position, bit in zip(random.randint(0, len(content), 25), random.randint(0, 8, 25), strict=True):
        flipped = bytearray(content)
        flipped[position] ^= 1 << int(bit)
        path.write_bytes(flipped)
        with pytest.raises(UserError, match="expected SHA-256"):
            _ = ticket.rewind if "rewind" in name else Ticket(ticket_folder, ticket.manifest).weights("last")


@pytest.mark.parametrize("name", ["mask.safetensors", "weights.safetensors"])
def test_another_iterations_file(ticket_folder: Path, name: str):
    shutil.copy(ticket_folder.parent / "iteration_02" / name, ticket_folder / name)
    with pytest.raises(UserError, match=f"{name} is damaged: expected SHA-256"):
        use_everything(ticket_folder)


def test_another_iterations_manifest(ticket_folder: Path):
    shutil.copy(ticket_folder.parent / "iteration_02" / "ticket.json", ticket_folder)
    with pytest.raises(UserError, match=r"is damaged: expected SHA-256|does not exist"):
        use_everything(ticket_folder)


def test_flipped_bits_in_the_manifest_never_escape_as_another_error(ticket_folder: Path):
    path, random = ticket_folder / "ticket.json", np.random.RandomState(1)
    content = path.read_bytes()
    for position, bit in zip(random.randint(0, len(content), 200), random.randint(0, 8, 200), strict=True):
        flipped = bytearray(content)
        flipped[position] ^= 1 << int(bit)
        path.write_bytes(flipped)
        with suppress(UserError):
            ticket = load_ticket(ticket_folder)
            assert ticket.mask and ticket.weights("last")


@pytest.mark.parametrize(
    ("change", "reason"),
    [
        (lambda tree: tree["model"].update(architecture="resnet81"), "resnet81"),
        (lambda tree: tree["model"].update(architecture="os:getcwd"), "pass --trust"),
        (
            lambda tree: tree["layers"].update({"stem/kernel": {"remaining": 36, "total": 36, "density": 0.1}}),
            "does not hold the counts|do not add up",
        ),
    ],
    ids=["an unknown architecture", "code as an architecture", "a layer that does not fit"],
)
def test_hostile_manifests_that_are_well_formed(ticket_folder: Path, edit, change: Callable[[Any], Any], reason: str):
    edit(ticket_folder / "ticket.json", change)
    with pytest.raises(UserError, match=reason) as refusal:
        use_everything(ticket_folder)
    assert "\n" not in str(refusal.value)


def test_trust_admits_an_own_architecture(ticket_folder: Path, edit):
    edit(ticket_folder / "ticket.json", lambda tree: tree["model"].update(architecture="no_such_module_here:network"))
    ticket = load_ticket(ticket_folder, trust=True)
    with pytest.raises(UserError, match="no_such_module_here cannot be imported"):
        ticket.model()


def set_two(tensors: dict[str, np.ndarray]) -> None:
    tensors["stem/kernel"].flat[0] = 2


def as_float(tensors: dict[str, np.ndarray]) -> None:
    tensors["stem/kernel"] = tensors["stem/kernel"].astype(np.float32)


def flip_one(tensors: dict[str, np.ndarray]) -> None:
    tensors["stem/kernel"].flat[0] ^= 1


@pytest.mark.parametrize(
    ("change", "reason"),
    [
        (set_two, "stem/kernel is not a uint8 mask of 0 and 1"),
        (as_float, "stem/kernel is not a uint8 mask"),
        (flip_one, "does not hold the counts"),
        (lambda tensors: tensors.pop("stem/kernel"), "does not hold the counts"),
        (lambda tensors: tensors.update(extra=np.ones(3, np.uint8)), "does not hold the counts"),
    ],
)
def test_hostile_masks(ticket_folder: Path, rewrite, change: Callable[[dict[str, np.ndarray]], None], reason: str):
    rewrite(ticket_folder, "mask.safetensors", change)
    with pytest.raises(UserError, match=reason):
        use_everything(ticket_folder)


def test_weights_that_are_not_masked(ticket_folder: Path, rewrite):
    mask = load_ticket(ticket_folder).mask
    name = next(name for name in mask if not mask[name].all())

    def revive(tensors: dict[str, np.ndarray]) -> None:
        tensors[name][~mask[name]] = 1e-3

    rewrite(ticket_folder, "weights.safetensors", revive)
    with pytest.raises(UserError, match=f"weights.safetensors does not fit mask.safetensors: {name}"):
        load_ticket(ticket_folder).weights("last")


@pytest.mark.parametrize(
    ("change", "reason"),
    [
        (lambda tensors: tensors.pop("head/bias"), "head/bias"),
        (lambda tensors: tensors.update(extra=np.ones(3, np.float32)), "extra"),
        (lambda tensors: tensors.update({"head/bias": np.ones((10, 1), np.float32)}), "head/bias"),
        (lambda tensors: tensors.pop("stem/kernel"), "stem/kernel"),
        (lambda tensors: tensors.update({"stem/kernel": np.zeros(36, np.float32)}), "stem/kernel"),
    ],
)
def test_weights_of_another_network(ticket_folder: Path, rewrite, change: Callable, reason: str):
    rewrite(ticket_folder, "weights.safetensors", change)
    with pytest.raises(UserError, match=reason):
        load_ticket(ticket_folder).model("last")


@pytest.mark.parametrize("name", ["mask.safetensors", "weights.safetensors"])
def test_symbolic_links_are_refused(ticket_folder: Path, tmp_path: Path, name: str):
    shutil.move(ticket_folder / name, tmp_path / "outside")
    (ticket_folder / name).symlink_to(tmp_path / "outside")
    with pytest.raises(UserError, match=f"{name} is a symbolic link"):
        load_ticket(ticket_folder).weights("last")


def test_a_linked_folder_is_refused(ticket_folder: Path, edit, tmp_path: Path):
    (tmp_path / "outside").mkdir()
    shutil.move(ticket_folder / "weights.safetensors", tmp_path / "outside")
    (ticket_folder / "sub").symlink_to(tmp_path / "outside")

    def redirect(tree: dict[str, Any]) -> None:
        for entry in tree["weights"].values():
            entry["file"] = entry["file"].replace("weights.safetensors", "sub/weights.safetensors")
        tree["files"]["sub/weights.safetensors"] = tree["files"].pop("weights.safetensors")

    edit(ticket_folder / "ticket.json", redirect)
    with pytest.raises(UserError, match="symbolic link"):
        load_ticket(ticket_folder).weights("last")


@pytest.mark.parametrize(
    ("winner", "reason"),
    [
        (None, "has no winner yet"),
        ("2", "run.json is damaged: winner"),
        (1.5, "run.json is damaged: winner"),
        ([], "run.json is damaged: winner"),
        (-1, "run.json is damaged: winner"),
        (7, "iteration_07/ticket.json does not exist"),
    ],
)
def test_a_run_without_a_winner(damaged: Path, edit, winner: Any, reason: str):
    edit(damaged / "run.json", lambda tree: tree.update(winner=winner))
    with pytest.raises(UserError, match=reason):
        load_ticket(damaged)


def test_a_pre_training_holds_no_tickets(damaged: Path, edit):
    edit(damaged / "run.json", lambda tree: tree.update(pretraining={"method": "simclr"}))
    with pytest.raises(
        UserError, match=rf"{damaged} holds a pre-trained encoder and no tickets; .*model\.init={damaged}$"
    ):
        load_ticket(damaged)


def test_a_folder_that_is_no_ticket(tmp_path: Path):
    for path in (tmp_path, tmp_path / "missing"):
        with pytest.raises(UserError, match=r"is no ticket: it holds neither ticket\.json nor run\.json"):
            load_ticket(path)
