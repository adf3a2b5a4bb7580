from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest

from tf_dlth.errors import UserError
from tf_dlth.runs.checkpoint import Checkpoint, CheckpointStore


def checkpoint(number: int) -> Checkpoint:
    weights = {"conv/kernel": np.full((2, 3), number, np.float32), "head/scale": np.float32(number).reshape(())}
    return Checkpoint(
        {"iteration": number, "seconds": 0.1 * number, "best": {"test_best": {"epoch": 1}}},
        {"weights": weights, "masks": {"conv/kernel": np.ones((2, 3), np.uint8)}},
    )


def assert_equal(found: Checkpoint | None, expected: Checkpoint) -> None:
    assert found is not None
    assert found.meta == expected.meta
    assert found.groups.keys() == expected.groups.keys()
    for group, arrays in expected.groups.items():
        assert found.groups[group].keys() == arrays.keys()
        for name, array in arrays.items():
            assert np.array_equal(found.groups[group][name], array)
            assert found.groups[group][name].shape == array.shape
            assert found.groups[group][name].dtype == array.dtype


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """Three checkpoints saved, so two generations are left."""
    store = CheckpointStore(tmp_path / "checkpoints")
    for number in (1, 2, 3):
        store.save(checkpoint(number))
    return tmp_path / "checkpoints"


def test_there_never_was_one(tmp_path: Path):
    store = CheckpointStore(tmp_path / "checkpoints")
    assert store.latest() is None
    store.clear()


def test_the_newest_comes_back_whole(folder: Path):
    store = CheckpointStore(folder)
    assert_equal(store.latest(), checkpoint(3))
    assert store.warnings == []


def test_without_arrays(tmp_path: Path):
    store = CheckpointStore(tmp_path)
    store.save(Checkpoint({"iteration": 4}))
    assert_equal(store.latest(), Checkpoint({"iteration": 4}))


def test_two_generations_stay_on_disk(folder: Path):
    assert sorted(p.name for p in folder.iterdir()) == [
        "000002.json",
        "000002.safetensors",
        "000003.json",
        "000003.safetensors",
    ]


def cut_in_half(path: Path) -> None:
    path.write_bytes(path.read_bytes()[: path.stat().st_size // 2])


def empty(path: Path) -> None:
    path.write_bytes(b"")


def flip(path: Path) -> None:
    content = bytearray(path.read_bytes())
    content[len(content) * 2 // 3] ^= 4
    path.write_bytes(content)


def remove(path: Path) -> None:
    path.unlink()


def replaced(path: Path) -> None:
    """By a JSON or tensor file that is whole, of the generation before."""
    path.write_bytes(path.with_stem("000002").read_bytes())


@pytest.mark.parametrize("damage", [cut_in_half, empty, flip])
@pytest.mark.parametrize("suffix", [".json", ".safetensors"])
def test_a_torn_newest_falls_back_with_a_warning(folder: Path, damage, suffix: str):
    damage(folder / f"000003{suffix}")
    store = CheckpointStore(folder)
    assert_equal(store.latest(), checkpoint(2))
    assert len(store.warnings) == 1
    assert f"000003{suffix}" in store.warnings[0]


@pytest.mark.parametrize("damage", [remove, replaced])
def test_tensors_that_are_not_the_ones_of_the_json(folder: Path, damage):
    damage(folder / "000003.safetensors")
    store = CheckpointStore(folder)
    assert_equal(store.latest(), checkpoint(2))
    assert len(store.warnings) == 1


def test_an_edited_json_is_not_believed(folder: Path):
    tree = json.loads((folder / "000003.json").read_text())
    tree["meta"]["iteration"] = 7
    (folder / "000003.json").write_text(json.dumps(tree))
    assert_equal(CheckpointStore(folder).latest(), checkpoint(2))


def test_all_torn_is_an_error(folder: Path):
    cut_in_half(folder / "000002.json")
    flip(folder / "000003.safetensors")
    with pytest.raises(UserError, match=r"no checkpoint in .*checkpoints is whole.*--overwrite"):
        CheckpointStore(folder).latest()


def test_after_a_fall_back_the_next_save_keeps_the_whole_ones(folder: Path):
    cut_in_half(folder / "000003.json")
    store = CheckpointStore(folder)
    store.latest()
    store.save(checkpoint(4))
    newest = max(folder.glob("*.json"))
    flip(newest)
    assert_equal(CheckpointStore(folder).latest(), checkpoint(2))


def test_what_a_killed_process_left_is_ignored_and_swept(folder: Path):
    (folder / ".partial-77-000004.json").write_text("{")
    (folder / ".partial-77-000004.safetensors").write_bytes(b"\0" * 100)
    (folder / "000004.safetensors").write_bytes(b"tensors whose JSON was never written")
    store = CheckpointStore(folder)
    assert_equal(store.latest(), checkpoint(3))
    assert store.warnings == []
    assert not list(folder.glob(".partial-*"))
    store.save(checkpoint(4))
    assert_equal(store.latest(), checkpoint(4))
    store.clear()
    assert not folder.exists()
