from __future__ import annotations

import hashlib
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

from tf_dlth.data.examples import ArrayExamples, FileExamples
from tf_dlth.data.images import Preprocessing
from tf_dlth.data.joining import JoinedExamples

IMAGES = np.random.RandomState(0).randint(0, 256, (7, 4, 4, 3), np.uint8)


@pytest.fixture
def joined() -> JoinedExamples:
    sets = (slice(0, 3), slice(3, 3), slice(3, 7))
    return JoinedExamples(ArrayExamples(IMAGES[own], np.arange(7)[own], "abcdefg"[own]) for own in sets)


def test_images_labels_and_names_stay_together(joined: JoinedExamples) -> None:
    order = np.array([5, 0, 3, 2, 6])
    taken = joined.take(order)
    assert (len(joined), joined.image_shape) == (7, (4, 4, 3))
    assert (taken.labels.tolist(), taken.names) == (order.tolist(), tuple("fadcg"))
    assert (taken.read(np.array([4, 1, 1])) == IMAGES[[6, 0, 0]]).all()
    assert (taken.take(np.array([3, 0])).read(np.arange(2)) == IMAGES[[2, 5]]).all()
    assert taken.read(np.arange(0)).shape == (0, 4, 4, 3)
    assert taken.digests() == [hashlib.sha256(IMAGES[i].tobytes()).digest() for i in order]


def test_other_labels_stay_when_some_are_taken(joined: JoinedExamples) -> None:
    assert joined.relabelled(np.arange(7) + 10).take(np.array([4, 1])).labels.tolist() == [14, 11]


def test_files_are_cropped_and_prepared_each_by_its_own_set(paint: Callable[..., Path]) -> None:
    paths = [paint(f"{i}.png", i, size=(20 + i, 30)) for i in range(5)]
    files = FileExamples(
        paths, np.arange(5), [p.name for p in paths], Preprocessing(channels=3, resize=18, crop=(16, 16))
    )
    joined = JoinedExamples([files.take(np.arange(2)), files.take(np.arange(2, 5))])
    order, seeds = np.array([4, 0, 2]), np.array([[1, 2], [3, 4], [-5, 6]], np.int32)
    assert (joined.read_random_crops(order, seeds) == files.read_random_crops(order, seeds)).all()
    other = Preprocessing(channels=1, resize=10, crop=(8, 8))
    assert (joined.prepared_by(other).read(order) == files.prepared_by(other).read(order)).all()
    assert joined.digests() == files.digests()
