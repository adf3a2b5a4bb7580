"""A ticket's folder from a stranger: nothing in it runs, nothing outside it is read or written, and it is refused."""

from __future__ import annotations

import json
import os
import pickle
import shutil
import struct
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from tf_dlth import evaluate, files
from tf_dlth.tickets.manifest import MANIFEST, MASK

WEIGHTS = "weights.safetensors"
Edit = Callable[..., None]
Attack = Callable[[Path, Path, Edit], Any]


class Touches:
    """Unpickled, it makes a file."""

    def __init__(self, canary: Path) -> None:
        self._canary = canary

    def __reduce__(self) -> tuple[Any, ...]:
        return os.mkdir, (str(self._canary),)


def linked(name: str) -> Attack:
    def attack(folder: Path, canary: Path, edit: Edit) -> None:
        shutil.move(folder / name, canary.with_name("outside"))
        (folder / name).symlink_to(canary.with_name("outside"))

    return attack


def pipe(name: str) -> Attack:
    def attack(folder: Path, canary: Path, edit: Edit) -> None:
        (folder / name).unlink()
        os.mkfifo(folder / name)

    return attack


def huge(name: str) -> Attack:
    """Six gigabytes that take no room on the disk."""
    return lambda folder, canary, edit: os.truncate(folder / name, 6 * 2**30)


def pickled(folder: Path, canary: Path, edit: Edit) -> None:
    signed(WEIGHTS, lambda content: pickle.dumps(Touches(canary)))(folder, canary, edit)


def signed(name: str, change: Callable[[bytes], bytes]) -> Attack:
    """Other bytes under a digest of their own."""

    def attack(folder: Path, canary: Path, edit: Edit) -> None:
        sha256 = files.write_bytes(folder / name, change((folder / name).read_bytes()))
        edit(folder / MANIFEST, lambda tree: tree["files"].update({name: sha256}))

    return attack


def header(name: str, change: Callable[[dict[str, Any]], str]) -> Attack:
    """Another header before the same tensors."""

    def changed(content: bytes) -> bytes:
        (length,) = struct.unpack("<Q", content[:8])
        text = change(json.loads(content[8 : 8 + length])).encode()
        return struct.pack("<Q", len(text)) + text + content[8 + length :]

    return signed(name, changed)


def tensors(name: str, change: Callable[[dict[str, np.ndarray]], Any]) -> Attack:
    def attack(folder: Path, canary: Path, edit: Edit) -> None:
        found = {key: value.copy() for key, value in files.read_tensors(folder / name).items()}
        change(found)
        sha256 = files.write_tensors(folder / name, found)
        edit(folder / MANIFEST, lambda tree: tree["files"].update({name: sha256}))

    return attack


def manifest(change: Callable[[dict[str, Any]], Any]) -> Attack:
    return lambda folder, canary, edit: edit(folder / MANIFEST, change)


def twice(tree: dict[str, Any]) -> str:
    """The first tensor's name once more."""
    name = next(iter(tree))
    return json.dumps(tree)[:-1] + f", {json.dumps(name)}: {json.dumps(tree[name])}}}"


def overlapping(tree: dict[str, Any]) -> str:
    first, second, *_ = (name for name in tree if name != "__metadata__")
    tree[second]["data_offsets"] = tree[first]["data_offsets"]
    return json.dumps(tree)


def bomb(tree: dict[str, Any]) -> str:
    tree[next(iter(tree))]["shape"] = [2**40, 2**20]
    return json.dumps(tree)


def set_first(value: float) -> Callable[[dict[str, np.ndarray]], Any]:
    return lambda found: found["head/kernel"].flat.__setitem__(0, value)


ATTACKS: dict[str, tuple[Attack, str]] = {
    "a linked manifest": (linked(MANIFEST), "ticket.json is a symbolic link"),
    "a linked mask": (linked(MASK), "mask.safetensors is a symbolic link"),
    "linked weights": (linked(WEIGHTS), "weights.safetensors is a symbolic link"),
    "a pipe as the manifest": (pipe(MANIFEST), "neither ticket.json"),
    "a pipe as the mask": (pipe(MASK), "mask.safetensors is no ordinary file"),
    "a pipe as weights": (pipe(WEIGHTS), "weights.safetensors is no ordinary file"),
    "a huge manifest": (huge(MANIFEST), "ticket.json is damaged: 6,442,450,944 bytes"),
    "a huge mask": (huge(MASK), "mask.safetensors is damaged: 6,442,450,944 bytes"),
    "huge weights": (huge(WEIGHTS), "weights.safetensors is damaged: 6,442,450,944 bytes"),
    "a pickle": (pickled, "not a valid safetensors file"),
    "an absolute name": (
        manifest(lambda t: t["files"].update({"/etc/passwd": "0" * 64})), "leaves the ticket's folder"
    ),
    "a name with ..": (
        manifest(lambda t: t["files"].update({"../iteration_010/x": "0" * 64})), "leaves the ticket's folder"
    ),
    "code as an architecture": (manifest(lambda t: t["model"].update(architecture="os:mkdir")), "pass --trust"),
    "an unknown layer": (
        manifest(lambda t: t["layers"].update({"lambda/kernel": t["layers"].pop("stem/kernel")})),
        "does not hold the counts",
    ),
    "a name twice": (header(WEIGHTS, twice), "a name stands twice"),
    "overlapping tensors": (header(WEIGHTS, overlapping), "not a valid safetensors file"),
    "a shape bomb": (header(WEIGHTS, bomb), "not a valid safetensors file"),
    "a bomb as the network": (
        manifest(lambda t: t["model"].update(input_shape=[10**6, 10**6, 1])), "model.input_shape"
    ),
    "NaN": (tensors(WEIGHTS, set_first(float("nan"))), "holds NaN or infinity"),
    "infinity": (tensors(WEIGHTS, set_first(float("inf"))), "holds NaN or infinity"),
    "numbers beyond all networks": (tensors(WEIGHTS, set_first(1e30)), "beyond 2^60"),
    "a negative variance": (
        tensors(WEIGHTS, lambda t: t["stem_bn/moving_variance"].fill(-1)), "stem_bn/moving_variance holds a negative"
    ),
    "double precision": (
        tensors(WEIGHTS, lambda t: t.update({"head/bias": t["head/bias"].astype(np.float64)})), "is float64"
    ),
    "a variable of no layer": (
        tensors(WEIGHTS, lambda t: t.update({"\x1b[2J/kernel": np.ones(3, np.float32)})), "no variable"
    ),
}  # fmt: skip


@pytest.mark.parametrize(("attack", "said"), ATTACKS.values(), ids=ATTACKS)
def test_r10_a_hostile_ticket_is_refused(
    damaged: Path, edit: Edit, attack: Attack, said: str, capfd: pytest.CaptureFixture[str]
) -> None:
    folder, canary = Path(shutil.move(damaged / "iteration_01", damaged.parent / "stranger")), damaged / "canary"
    attack(folder, canary, edit)
    before = sorted(damaged.parent.rglob("*"))
    assert evaluate.main([str(folder), "--weights", "last"]) == 2
    error = capfd.readouterr().err
    assert said in error
    assert error.count("\n") == 1 and len(error) <= 1001 and "\x1b" not in error
    assert sorted(damaged.parent.rglob("*")) == before and not canary.exists()
