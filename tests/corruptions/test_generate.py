from __future__ import annotations

import errno
import hashlib
import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import numpy as np
import PIL.Image
import pytest

from tf_dlth.corruptions import generate as module
from tf_dlth.corruptions.corruption import corrupt, generator
from tf_dlth.corruptions.generate import Progress, generate
from tf_dlth.errors import UserError
from tf_dlth.runs.lock import locked

KINDS = ["shot_noise", "fog", "jpeg_compression"]
LABELS = np.arange(12) % 10


def _made(out: Path, images: np.ndarray, **changes: Any) -> list[Progress]:
    options: dict[str, Any] = {"source": "tiles", "kinds": KINDS, "severities": [1, 5], "seed": 3}
    labels = changes.pop("labels", LABELS[: len(images)])
    return list(generate(images, labels, out, **{**options, **changes}))


def _contents(out: Path) -> dict[str, bytes]:
    return {path.name: path.read_bytes() for path in sorted(out.iterdir())}


@pytest.fixture
def images(tiles: np.ndarray) -> np.ndarray:
    return np.ascontiguousarray(tiles[:12])


def test_arrays_are_severity_major_and_every_image_has_its_own_draws(tmp_path: Path, images: np.ndarray) -> None:
    _made(tmp_path, images, severities=[2, 1, 5])
    for kind in KINDS:
        array = np.load(tmp_path / f"{kind}.npy", mmap_mode="r", allow_pickle=False)
        assert (array.shape, array.dtype) == ((36, 32, 32, 3), np.uint8)
        for block, severity in enumerate([1, 2, 5]):
            for index in (0, 7, 11):
                expected = corrupt(images[index], kind, severity, generator(3, kind, severity, index))
                np.testing.assert_array_equal(array[12 * block + index], expected)


def test_labels_are_repeated_for_each_severity(tmp_path: Path, images: np.ndarray) -> None:
    _made(tmp_path, images)
    labels = np.load(tmp_path / "labels.npy", allow_pickle=False)
    assert labels.dtype == np.uint8
    np.testing.assert_array_equal(labels, [*LABELS, *LABELS])


def test_labels_above_255_are_kept(tmp_path: Path, images: np.ndarray) -> None:
    _made(tmp_path, images, labels=LABELS + 990, kinds=["contrast"])
    np.testing.assert_array_equal(np.load(tmp_path / "labels.npy")[:12], LABELS + 990)


def test_the_manifest_says_that_the_set_is_not_the_published_one(tmp_path: Path, images: np.ndarray) -> None:
    _made(tmp_path, images)
    manifest = json.loads((tmp_path / "corruptions.json").read_text())
    assert manifest["regenerated"] is True
    assert "not the published arrays" in manifest["note"]
    assert (manifest["source"], manifest["images"], manifest["seed"]) == ("tiles", 12, 3)
    assert manifest["severities"] == [1, 5]
    assert manifest["kinds"] == KINDS
    assert "frost" not in manifest
    assert set(manifest["versions"]) == {"numpy", "scipy", "skimage", "cv2", "PIL"}
    assert manifest["files"] == {
        name: hashlib.sha256((tmp_path / name).read_bytes()).hexdigest()
        for name in (*(f"{kind}.npy" for kind in KINDS), "labels.npy")
    }
    assert str(tmp_path) not in json.dumps(manifest)


def test_one_channel_is_kept_through(tmp_path: Path, images: np.ndarray) -> None:
    _made(tmp_path, images[..., :1], kinds=["snow"])
    assert np.load(tmp_path / "snow.npy").shape == (24, 32, 32, 1)


def test_progress_counts_the_images_of_each_kind(
    tmp_path: Path, images: np.ndarray, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(module, "CHUNK", 8)
    steps = _made(tmp_path, images, kinds=["contrast"])
    assert steps == [Progress("contrast", done, 24) for done in (8, 12, 20, 24)]


def test_workers_and_chunks_change_nothing(tmp_path: Path, images: np.ndarray, monkeypatch: pytest.MonkeyPatch) -> None:
    _made(tmp_path / "one", images, kinds=["glass_blur", "frost"])
    monkeypatch.setattr(module, "CHUNK", 5)
    _made(tmp_path / "two", images, kinds=["glass_blur", "frost"], workers=2)
    assert _contents(tmp_path / "one") == _contents(tmp_path / "two")


def test_workers_import_no_tensorflow() -> None:
    code = (
        "import sys, tf_dlth.corrupt, tf_dlth.corruptions.generate; "
        "sys.exit('tensorflow' in sys.modules or 'tf_keras' in sys.modules)"
    )
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0


def test_seeds_differ(tmp_path: Path, images: np.ndarray) -> None:
    _made(tmp_path / "a", images)
    _made(tmp_path / "b", images, seed=4)
    a, b = _contents(tmp_path / "a"), _contents(tmp_path / "b")
    assert a["shot_noise.npy"] != b["shot_noise.npy"]
    assert a["jpeg_compression.npy"] == b["jpeg_compression.npy"]


def test_finished_kinds_are_kept_and_new_ones_added(tmp_path: Path, images: np.ndarray) -> None:
    _made(tmp_path, images, kinds=["fog"])
    written = (tmp_path / "fog.npy").stat().st_mtime_ns
    steps = _made(tmp_path, images)
    assert [step for step in steps if step.kept] == [Progress("fog", 24, 24, kept=True)]
    assert (tmp_path / "fog.npy").stat().st_mtime_ns == written
    assert json.loads((tmp_path / "corruptions.json").read_text())["kinds"] == KINDS


def test_what_a_killed_process_left_is_swept_and_made_anew(tmp_path: Path, images: np.ndarray) -> None:
    _made(tmp_path / "whole", images)
    out = tmp_path / "killed"
    _made(out, images, kinds=["fog"])
    (out / ".partial-999-shot_noise.npy").write_bytes((tmp_path / "whole" / "shot_noise.npy").read_bytes()[:5000])
    # Killed between the renaming and the manifest: the array is there, but nothing vouches for it.
    (out / "jpeg_compression.npy").write_bytes(b"half")
    _made(out, images)
    assert _contents(out) == _contents(tmp_path / "whole")


def test_a_damaged_file_is_made_anew(tmp_path: Path, images: np.ndarray) -> None:
    _made(tmp_path, images)
    before = _contents(tmp_path)
    damaged = bytearray(before["fog.npy"])
    damaged[9000] ^= 1
    (tmp_path / "fog.npy").write_bytes(damaged)
    steps = _made(tmp_path, images)
    assert {step.kind for step in steps if not step.kept} == {"fog"}
    assert _contents(tmp_path) == before


def test_a_stop_leaves_no_half_file(tmp_path: Path, images: np.ndarray, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "CHUNK", 4)
    progress = generate(images, LABELS, tmp_path, source="tiles", kinds=KINDS, severities=[1, 5], seed=3)
    assert next(progress).done == 4
    progress.close()
    assert sorted(_contents(tmp_path)) == ["corruptions.json", "labels.npy"]
    _made(tmp_path, images)
    _made(tmp_path / "whole", images)
    assert (tmp_path / "fog.npy").read_bytes() == (tmp_path / "whole" / "fog.npy").read_bytes()


def test_a_full_disk_is_one_line_and_leaves_no_half_file(
    tmp_path: Path, images: np.ndarray, monkeypatch: pytest.MonkeyPatch
) -> None:
    def full(*_: Any) -> None:
        raise OSError(errno.ENOSPC, "No space left on device")

    progress = generate(images, LABELS, tmp_path, source="tiles", kinds=KINDS, severities=[1, 5], seed=3)
    next(progress)
    monkeypatch.setattr(os, "fsync", full)
    with pytest.raises(UserError, match=r"cannot write .*shot_noise\.npy: No space left"):
        list(progress)
    assert sorted(_contents(tmp_path)) == ["corruptions.json", "labels.npy"]


@pytest.mark.parametrize(
    ("changes", "named"),
    [
        ({"seed": 4}, "another seed"),
        ({"severities": [1]}, "another severities"),
        ({"source": "other"}, "another source"),
        ({"labels": LABELS[::-1]}, "another source_sha256"),
    ],
)
def test_a_folder_with_another_set_is_refused_and_left_alone(
    changes: dict[str, Any], named: str, tmp_path: Path, images: np.ndarray
) -> None:
    _made(tmp_path, images)
    before = _contents(tmp_path)
    with pytest.raises(UserError, match=named):
        _made(tmp_path, images, **changes)
    assert _contents(tmp_path) == before


@pytest.fixture
def white_photographs(tmp_path: Path) -> Path:
    folder = tmp_path / "photographs"
    folder.mkdir()
    PIL.Image.new("RGB", (200, 200), "white").save(folder / "frost1.png")
    return folder


def _textures_of(out: Path) -> str:
    return json.loads((out / "corruptions.json").read_text())["frost"]["textures"]


def test_frost_is_made_of_the_photographs_that_are_given(
    tmp_path: Path, images: np.ndarray, white_photographs: Path
) -> None:
    _made(tmp_path / "set", images, kinds=["frost"], frost=white_photographs)
    frosty = np.load(tmp_path / "set" / "frost.npy")[:12]
    np.testing.assert_array_equal(frosty, np.floor(np.minimum(images + 0.2 * 255, 255) + 1e-9))
    assert _textures_of(tmp_path / "set") == "photographs"


def test_other_frost_is_another_set_once_frost_is_made(
    tmp_path: Path, images: np.ndarray, white_photographs: Path
) -> None:
    out = tmp_path / "set"
    _made(out, images, kinds=["fog"])
    _made(out, images, kinds=["frost"])
    assert _textures_of(out) == "drawn crystals"
    _made(out, images, kinds=["contrast"])
    assert _textures_of(out) == "drawn crystals"
    with pytest.raises(UserError, match="another frost"):
        _made(out, images, kinds=["frost"], frost=white_photographs)


def test_photographs_without_frost_are_refused(tmp_path: Path, images: np.ndarray, white_photographs: Path) -> None:
    with pytest.raises(UserError, match="frost is not among the kinds"):
        _made(tmp_path / "set", images, frost=white_photographs)


def test_the_published_arrays_are_never_written_over(tmp_path: Path, images: np.ndarray) -> None:
    np.save(tmp_path / "fog.npy", images)
    before = _contents(tmp_path)
    with pytest.raises(UserError, match=r"holds fog\.npy but no corruptions\.json"):
        _made(tmp_path, images)
    assert _contents(tmp_path) == before


def test_a_file_in_place_of_the_folder_is_refused(tmp_path: Path, images: np.ndarray) -> None:
    (tmp_path / "out").write_text("a file")
    with pytest.raises(UserError, match="is a file"):
        _made(tmp_path / "out", images)


def test_a_second_process_is_refused(tmp_path: Path, images: np.ndarray) -> None:
    with locked(tmp_path):
        with pytest.raises(UserError, match=f"in use by process {os.getpid()}"):
            _made(tmp_path, images)
        assert list(_contents(tmp_path)) == [".lock"]


@pytest.mark.parametrize("shape", [(4, 64, 64, 3), (4, 8, 8, 1), (4, 32, 32, 4)])
def test_other_sizes_are_refused_before_anything_is_written(shape: tuple[int, ...], tmp_path: Path) -> None:
    with pytest.raises(UserError, match="defined for 32 x 32 px"):
        generate(np.zeros(shape, np.uint8), LABELS[:4], tmp_path / "out", source="large")
    assert not (tmp_path / "out").exists()


def test_a_negative_seed_is_refused(tmp_path: Path, images: np.ndarray) -> None:
    with pytest.raises(UserError, match="seed: a whole number from 0 on, not -1"):
        _made(tmp_path, images, seed=-1)


def test_a_label_for_each_image_is_needed(tmp_path: Path, images: np.ndarray) -> None:
    with pytest.raises(ValueError, match="12 images have labels of shape"):
        _made(tmp_path, images, labels=LABELS[:5])
