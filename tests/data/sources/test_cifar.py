from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

from tf_dlth.config import DataConfig
from tf_dlth.data.sources.cifar import load

NAMES = [f"class {number}" for number in range(10)]


@pytest.fixture(scope="module")
def prepared(store: Callable[..., Path], tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A CIFAR-10 of 7 and 3 images, written out of the order of their ids."""
    import tensorflow_datasets as tfds

    random = np.random.RandomState(0)

    def examples(split: str, count: int) -> list[dict]:
        made = [
            {"id": f"{split}_{i:05d}", "image": random.randint(0, 256, (32, 32, 3), np.uint8), "label": i % 10}
            for i in range(count)
        ]
        return made[::-1]

    features = {
        "id": tfds.features.Text(),
        "image": tfds.features.Image(shape=(32, 32, 3)),
        "label": tfds.features.ClassLabel(names=NAMES),
    }
    splits = {"train": examples("train", 7), "test": examples("test", 3)}
    return store(tmp_path_factory.mktemp("tfds"), "cifar10", "3.0.2", features, splits)


def test_images_stand_in_the_order_of_their_ids(prepared: Path) -> None:
    source = load(DataConfig(dataset="cifar10", data_dir=str(prepared)))
    assert source.train.names == tuple(f"train_{i:05d}" for i in range(7))
    assert source.test.names == tuple(f"test_{i:05d}" for i in range(3))
    assert source.train.labels.tolist() == list(range(7))
    random = np.random.RandomState(0)
    expected = [random.randint(0, 256, (32, 32, 3), np.uint8) for _ in range(10)]
    assert np.array_equal(source.train.read(np.arange(7)), expected[:7])
    assert np.array_equal(source.test.read(np.arange(3)), expected[7:])


def test_classes_are_the_sets_own_and_nothing_is_held_out(prepared: Path) -> None:
    source = load(DataConfig(dataset="cifar10", data_dir=str(prepared)))
    assert source.class_names == tuple(NAMES)
    assert source.heldout is None
    assert source.preprocessing.image_shape == (32, 32, 3)


def test_another_size_is_asked_for(prepared: Path) -> None:
    source = load(DataConfig(dataset="cifar10", data_dir=str(prepared), image_size=48))
    assert source.train.image_shape == source.test.image_shape == (48, 48, 3)
