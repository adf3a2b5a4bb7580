from __future__ import annotations

import hashlib
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from tf_dlth.data.examples import ArrayExamples, FileExamples, ResizedExamples
from tf_dlth.data.images import Preprocessing
from tf_dlth.errors import UserError


@pytest.fixture
def files(paint: Callable[..., Path]) -> FileExamples:
    paths = [paint(f"{i}.png", i, size=(20 + i, 30)) for i in range(5)]
    labels = np.array([0, 1, 2, 1, 0])
    return FileExamples(paths, labels, [p.name for p in paths], Preprocessing(channels=3, resize=18, crop=(16, 16)))


def arrays(n: int = 5) -> ArrayExamples:
    images = np.random.RandomState(0).randint(0, 256, (n, 4, 6, 3), np.uint8)
    return ArrayExamples(images, np.arange(n) % 3, map(str, range(n)))


def test_arrays_know_their_shape_and_counts() -> None:
    examples = arrays()
    assert (len(examples), examples.image_shape) == (5, (4, 6, 3))
    assert examples.labels.dtype == np.int32
    assert examples.class_counts(4).tolist() == [2, 2, 1, 0]


def test_taken_examples_keep_image_label_and_name_together() -> None:
    examples = arrays()
    taken = examples.take(np.array([3, 1]))
    assert (taken.images == examples.images[[3, 1]]).all()
    assert taken.labels.tolist() == [0, 1]
    assert taken.names == ("3", "1")


def test_wrong_images_are_refused() -> None:
    with pytest.raises(ValueError, match="must be uint8"):
        ArrayExamples(np.zeros((2, 4, 4, 3), np.float32), np.arange(2), "ab")
    with pytest.raises(ValueError, match="3 names for 2 labels"):
        ArrayExamples(np.zeros((2, 4, 4, 3), np.uint8), np.arange(2), "abc")


def test_array_digests_are_those_of_the_pixels() -> None:
    examples = arrays()
    assert examples.digests()[2] == hashlib.sha256(examples.images[2].tobytes()).digest()


def test_arrays_are_resized_when_they_are_read() -> None:
    stored = arrays()
    resized = ResizedExamples(stored, Preprocessing(channels=3, resize=8, crop=(8, 8))).take(np.array([4, 2]))
    picture = Image.fromarray(stored.images[2]).resize((12, 8), Image.Resampling.BILINEAR)
    assert resized.image_shape == (8, 8, 3)
    assert (resized.read(np.array([1]))[0] == np.asarray(picture)[:, 2:10]).all()
    assert (resized.in_memory().images == resized.read(np.arange(2))).all()
    assert resized.digests() == stored.take(np.array([4, 2])).digests()


def test_files_are_prepared_as_pillow_would(files: FileExamples) -> None:
    picture = Image.open(files.paths[1]).resize((18, 25), Image.Resampling.BILINEAR)
    assert files.image_shape == (16, 16, 3)
    assert (files.read(np.array([1]))[0] == np.asarray(picture)[4:20, 1:17]).all()


def test_files_in_memory_equal_files_that_are_read(files: FileExamples) -> None:
    memory = files.in_memory()
    assert (memory.images == files.read(np.arange(5))).all()
    assert (memory.names, memory.labels.tolist()) == (files.names, files.labels.tolist())


def test_file_digests_are_those_of_the_bytes(files: FileExamples) -> None:
    assert files.take(np.array([4])).digests() == [hashlib.sha256(files.paths[4].read_bytes()).digest()]


def test_a_random_crop_depends_on_its_own_seed_alone(files: FileExamples) -> None:
    seeds = np.array([[1, 2], [3, 4], [5, 6]], np.int32)
    together = files.read_random_crops(np.array([0, 3, 3]), seeds)
    alone = files.read_random_crops(np.array([3]), seeds[2:])
    assert (together[2] == alone[0]).all()
    assert (together[1] != together[2]).any()


def test_nothing_can_be_read(files: FileExamples) -> None:
    assert files.read(np.empty(0, np.int64)).shape == (0, 16, 16, 3)


def test_a_lost_file_is_named(files: FileExamples) -> None:
    files.paths[2].unlink()
    with pytest.raises(UserError, match=r"image .*2.png cannot be read \(No such file"):
        files.digests()


def test_a_damaged_file_is_named_before_training(files: FileExamples) -> None:
    files.paths[2].write_bytes(files.paths[2].read_bytes()[:200])
    with pytest.raises(UserError, match=r"image 2.png cannot be read"):
        files.digests()
