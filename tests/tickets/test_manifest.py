from __future__ import annotations

import json
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from pydantic import ValidationError

from tf_dlth.errors import UserError
from tf_dlth.tickets.manifest import Manifest, layer_densities, read_manifest, write_manifest

Change = Callable[[dict[str, Any]], Any]


@pytest.fixture
def path(finished: Any, tmp_path: Path) -> Path:
    """A ticket.json that is whole, alone in its folder."""
    return Path(shutil.copy(finished.path / "iteration_01" / "ticket.json", tmp_path))


def test_it_reads_what_was_written(path: Path):
    manifest = read_manifest(path)
    tree = json.loads(path.read_text())
    assert tree.pop("manifest_sha256") == manifest.sha256
    assert manifest.model_dump(mode="json") == tree
    assert Manifest.model_validate(manifest.model_dump()) == manifest


def test_accuracies_classes_and_model_come_first_and_layers_last(tmp_path: Path, path: Path):
    write_manifest(tmp_path / "ticket.json", read_manifest(path))
    names = list(json.loads((tmp_path / "ticket.json").read_text()))
    assert names[:5] == ["format_version", "weights", "default_weights", "class_names", "model"]
    assert names[-2:] == ["layers", "manifest_sha256"]


def test_it_cannot_be_changed(path: Path):
    with pytest.raises(ValidationError, match="frozen"):
        read_manifest(path).density = 0.5  # pyright: ignore[reportAttributeAccessIssue]


def test_layers_are_counted():
    masks = {"conv/kernel": np.array([[True, False], [False, False]]), "head/kernel": np.ones(3, bool)}
    counted = {name: layer.model_dump() for name, layer in layer_densities(masks).items()}
    assert counted == {
        "conv/kernel": {"remaining": 1, "total": 4, "density": 0.25},
        "head/kernel": {"remaining": 3, "total": 3, "density": 1.0},
    }


HOSTILE: dict[str, tuple[Change, str]] = {
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
    "a std of zero": (lambda t: t["normalisation"].update(std=[0.0]), "normalisation"),
    "a mean beyond all numbers": (lambda t: t["normalisation"].update(mean=[1e30]), "normalisation"),
    "a class without a name": (lambda t: t["class_names"].pop(), "class_names has 9 names for 10 classes"),
    "normalisation of other channels": (
        lambda t: t.update(normalisation={"mean": [0.5] * 3, "std": [0.5] * 3}), "a value for each of 1 channels"
    ),
    "preprocessing to another size": (
        lambda t: t["preprocessing"].update(resize=9, crop=[9, 9]), "does not give images of shape [8, 8, 1]"
    ),
}  # fmt: skip


@pytest.mark.parametrize(("change", "reason"), HOSTILE.values(), ids=HOSTILE)
def test_hostile_manifests(path: Path, edit: Callable[..., None], change: Change, reason: str):
    edit(path, change)
    with pytest.raises(UserError) as refusal:
        read_manifest(path)
    assert reason in str(refusal.value)
    assert "\n" not in str(refusal.value)


def test_an_edited_manifest_is_not_believed(path: Path):
    tree = json.loads(path.read_text())
    path.write_text(json.dumps(tree | {"augment": "auto"}))
    with pytest.raises(UserError, match=r"ticket\.json is damaged: expected SHA-256"):
        read_manifest(path)
    path.write_text(json.dumps({key: value for key, value in tree.items() if key != "manifest_sha256"}))
    with pytest.raises(UserError, match=r"ticket\.json is damaged: expected SHA-256 None"):
        read_manifest(path)


def test_the_order_of_keys_and_the_layout_are_free(path: Path):
    before = read_manifest(path)
    path.write_text(json.dumps(dict(reversed(json.loads(path.read_text()).items()))))
    assert read_manifest(path) == before


@pytest.mark.parametrize(
    "text", ["", "[]", "null", "{", "1" * 5000, '{"format_version": ' + "1" * 5000 + "}", "[" * 10**5]
)
def test_a_manifest_that_is_none(path: Path, text: str):
    path.write_text(text)
    with pytest.raises(UserError, match=r"ticket\.json"):
        read_manifest(path)
