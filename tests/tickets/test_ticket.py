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
from tf_dlth import files
from tf_dlth.data import load_data
from tf_dlth.errors import UserError
from tf_dlth.evaluation.accuracy import accuracy, predict, predictor
from tf_dlth.files import read_tensors, write_tensors
from tf_dlth.tickets.ticket import Ticket, load_ticket
from tf_dlth.tickets.writing import add_saved_model

KINDS = ("last", "test_best", "heldout")


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


def edit(folder: Path, change: Callable[[dict[str, Any]], None]) -> None:
    tree = json.loads((folder / "ticket.json").read_text())
    change(tree)
    (folder / "ticket.json").write_text(json.dumps(tree))


def rewrite(folder: Path, name: str, change: Callable[[dict[str, np.ndarray]], None]) -> None:
    """Replaces a tensor file and its digest, as an attacker would."""
    tensors = {key: value.copy() for key, value in read_tensors(folder / name).items()}
    change(tensors)
    sha256 = write_tensors(folder / name, tensors)
    edit(folder, lambda tree: tree["files"].update({name: sha256}))


@pytest.mark.parametrize("iteration", [0, 1, 2])
@pytest.mark.parametrize("kind", KINDS)
def test_the_model_scores_exactly_what_the_manifest_says(finished, iteration: int, kind: str):
    ticket = load_ticket(finished.path / f"iteration_{iteration:02d}")
    test = load_data(finished.config.data).test
    logits = predict(predictor(ticket.model(kind)), test)  # type: ignore[arg-type]
    assert accuracy(logits, test.labels) == ticket.entry(kind).test_accuracy  # type: ignore[arg-type]


def test_a_run_opens_as_its_winner(finished):
    winner = json.loads((finished.path / "run.json").read_text())["winner"]
    ticket = tf_dlth.load_ticket(str(finished.path))
    assert ticket.iteration == winner
    assert ticket.path == finished.path / f"iteration_{winner:02d}"
    assert ticket.class_names == tuple("0123456789")


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


def test_equal_weights_are_written_once(finished):
    for iteration in range(3):
        ticket = load_ticket(finished.path / f"iteration_{iteration:02d}")
        entries = ticket.manifest.weights
        assert set(entries) == set(KINDS)
        assert entries["last"].file == "weights.safetensors"
        named = {entry.file for entry in entries.values()}
        assert {p.name for p in ticket.path.glob("weights*")} == named
        assert len(named) == len({entry.epoch for entry in entries.values()})


def test_it_loads_after_it_was_moved_alone(ticket_folder: Path, tmp_path: Path):
    moved = Path(shutil.move(ticket_folder, tmp_path / "elsewhere"))
    ticket = load_ticket(moved)
    assert ticket.mask and ticket.weights()
    assert ticket.model().name == "resnet18"
    with pytest.raises(UserError, match=r"elsewhere needs rewind\.safetensors .*copy it from the run"):
        _ = ticket.rewind
    shutil.copy(tmp_path / "copied" / "tiny" / "rewind.safetensors", moved)
    assert ticket.rewind.keys() == ticket.weights().keys()


def test_a_kind_that_it_has_not(ticket_folder: Path):
    edit(ticket_folder, lambda tree: (tree["weights"].pop("test_best"), tree.update(default_weights="last")))
    with pytest.raises(UserError, match="has no test_best weights; it has last, heldout"):
        load_ticket(ticket_folder).weights("test_best")


# Damage: every file that a ticket reads


DAMAGE: dict[str, Callable[[Path], None]] = {
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
def test_damage_is_an_error_that_names_the_file(ticket_folder: Path, name: str, damage: Callable[[Path], None]):
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


# Hostile manifests, with digests that hold

HOSTILE: dict[str, tuple[Callable[[dict[str, Any]], Any], str]] = {
    "an absolute file name": (lambda t: t["files"].update({"/etc/passwd": "0" * 64}), "leaves the ticket's folder"),
    "a file name with ..": (lambda t: t["files"].update({"../x": "0" * 64}), "leaves the ticket's folder"),
    "a hidden ..": (lambda t: t["files"].update({"a/../../x": "0" * 64}), "leaves the ticket's folder"),
    "a backslash": (lambda t: t["files"].update({"..\\x": "0" * 64}), "leaves the ticket's folder"),
    "no digest of the weights": (lambda t: t["files"].pop("weights.safetensors"), "no digest for weights"),
    "no digest of the mask": (lambda t: t["files"].pop("mask.safetensors"), "no digest for mask"),
    "weights in another folder": (
        lambda t: t["weights"]["last"].update(file="../iteration_00/weights.safetensors"),
        "no digest for",
    ),
    "rewind in another folder": (lambda t: t["rewind"].update(file="../../rewind.safetensors"), "bare name"),
    "rewind is the folder": (lambda t: t["rewind"].update(file=".."), "bare name"),
    "an unknown key": (lambda t: t.update(comment="hello"), "comment"),
    "an unknown key inside": (lambda t: t["rewind"].update(url="http://example.org"), "rewind.url"),
    "a missing key": (lambda t: t.pop("density"), "density"),
    "another version": (lambda t: t.update(format_version=2), "format_version 2 is not known; this version reads 1"),
    "no version": (lambda t: t.pop("format_version"), "format_version None"),
    "a short digest": (lambda t: t["rewind"].update(sha256="abc"), "rewind.sha256"),
    "a negative count": (lambda t: t.update(remaining=-1), "remaining"),
    "a density above 1": (lambda t: t.update(density=1.5), "density"),
    "a density that is no number": (lambda t: t.update(density=float("nan")), "density"),
    "a density that does not fit": (lambda t: t.update(density=0.5), "density is not remaining / prunable"),
    "remaining that does not fit": (lambda t: t.update(remaining=1), "do not add up"),
    "prunable that does not fit": (lambda t: t.update(prunable=1), "do not add up"),
    "text for a number": (lambda t: t.update(iteration="1"), "iteration"),
    "true for a number": (lambda t: t.update(iteration=True), "iteration"),
    "no default weights": (lambda t: t.update(default_weights="best"), "default_weights"),
    "a width for a whole machine": (lambda t: t["model"].update(width=10**9), "model.width"),
    "a shape for a whole machine": (lambda t: t["model"].update(input_shape=[10**6, 10**6, 3]), "input_shape"),
    "an unknown architecture": (lambda t: t["model"].update(architecture="resnet81"), "resnet81"),
    "code as an architecture": (lambda t: t["model"].update(architecture="os:getcwd"), "pass --trust"),
    "a std of zero": (lambda t: t["normalisation"].update(std=[0.0]), "normalisation"),
    "a layer that does not fit": (
        lambda t: t["layers"].update({"stem/kernel": {"remaining": 36, "total": 36, "density": 0.1}}),
        "",
    ),
}  # fmt: skip


@pytest.mark.parametrize(("change", "reason"), HOSTILE.values(), ids=HOSTILE)
def test_hostile_manifests(ticket_folder: Path, change: Callable[[dict[str, Any]], Any], reason: str):
    edit(ticket_folder, change)
    with pytest.raises(UserError) as refusal:
        use_everything(ticket_folder)
    assert reason in str(refusal.value)
    assert "\n" not in str(refusal.value)


@pytest.mark.parametrize(
    "text", ["", "[]", "null", "{", "1" * 5000, '{"format_version": ' + "1" * 5000 + "}", "[" * 10**5]
)
def test_a_manifest_that_is_none(ticket_folder: Path, text: str):
    (ticket_folder / "ticket.json").write_text(text)
    with pytest.raises(UserError, match=r"ticket\.json"):
        load_ticket(ticket_folder)


def test_trust_admits_an_own_architecture(ticket_folder: Path):
    edit(ticket_folder, lambda tree: tree["model"].update(architecture="no_such_module_here:network"))
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
def test_hostile_masks(ticket_folder: Path, change: Callable[[dict[str, np.ndarray]], None], reason: str):
    rewrite(ticket_folder, "mask.safetensors", change)
    with pytest.raises(UserError, match=reason):
        use_everything(ticket_folder)


def test_weights_that_are_not_masked(ticket_folder: Path):
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
def test_weights_of_another_network(ticket_folder: Path, change: Callable, reason: str):
    rewrite(ticket_folder, "weights.safetensors", change)
    with pytest.raises(UserError, match=reason):
        load_ticket(ticket_folder).model("last")


@pytest.mark.parametrize("name", ["mask.safetensors", "weights.safetensors"])
def test_symbolic_links_are_refused(ticket_folder: Path, tmp_path: Path, name: str):
    shutil.move(ticket_folder / name, tmp_path / "outside")
    (ticket_folder / name).symlink_to(tmp_path / "outside")
    with pytest.raises(UserError, match=f"{name} is a symbolic link"):
        load_ticket(ticket_folder).weights("last")


def test_a_linked_folder_is_refused(ticket_folder: Path, tmp_path: Path):
    (tmp_path / "outside").mkdir()
    shutil.move(ticket_folder / "weights.safetensors", tmp_path / "outside")
    (ticket_folder / "sub").symlink_to(tmp_path / "outside")

    def redirect(tree: dict[str, Any]) -> None:
        for entry in tree["weights"].values():
            entry["file"] = entry["file"].replace("weights.safetensors", "sub/weights.safetensors")
        tree["files"]["sub/weights.safetensors"] = tree["files"].pop("weights.safetensors")

    edit(ticket_folder, redirect)
    with pytest.raises(UserError, match="symbolic link"):
        load_ticket(ticket_folder).weights("last")


@pytest.mark.parametrize("winner", [None, "2", 1.5, [], 7, -1])
def test_a_run_without_a_winner(damaged: Path, winner: Any):
    tree = json.loads((damaged / "run.json").read_text())
    (damaged / "run.json").write_text(json.dumps({**tree, "winner": winner}))
    with pytest.raises(UserError, match=r"has no winner yet|does not exist"):
        load_ticket(damaged)


def test_a_folder_that_is_no_ticket(tmp_path: Path):
    for path in (tmp_path, tmp_path / "missing"):
        with pytest.raises(UserError, match=r"is no ticket: it holds neither ticket\.json nor run\.json"):
            load_ticket(path)


def test_adding_a_saved_model_signs_what_it_adds_and_nothing_else(ticket_folder: Path):
    """A file that was damaged since is not given a new digest."""
    shutil.rmtree(ticket_folder / "saved_model")
    edit(
        ticket_folder,
        lambda tree: tree.update(files={n: d for n, d in tree["files"].items() if not n.startswith("saved_model/")}),
    )
    ticket = load_ticket(ticket_folder)
    assert not ticket.has_saved_model
    (ticket_folder / ".partial-1-ticket.json").write_text("left by a killed process")
    ticket.manifest.files["weights_extra.safetensors"] = "0" * 64
    add_saved_model(ticket)
    again = load_ticket(ticket_folder)
    assert again.has_saved_model
    assert again.manifest.files["weights_extra.safetensors"] == "0" * 64
    assert not any(name.startswith(".partial") for name in again.manifest.files)
    on_disk = files.digests(ticket_folder)
    assert all(
        on_disk[name] == digest for name, digest in again.manifest.files.items() if name.startswith("saved_model/")
    )
