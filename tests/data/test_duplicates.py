from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from tf_dlth.config import DataConfig
from tf_dlth.data import Data, load_data
from tf_dlth.errors import UserError


@pytest.fixture
def images(tree: Callable[..., Path]) -> Path:
    tree("test", cats=2, dogs=2)
    return tree("train", cats=5, dogs=5).parent


def load(root: Path, image_size: int | None = None) -> Data:
    return load_data(DataConfig(dataset="folder", data_dir=str(root), image_size=image_size, heldout_per_class=0))


def copy(source: Path, target: Path) -> None:
    target.write_bytes(source.read_bytes())


@pytest.mark.parametrize("image_size", [None, 70])
def test_one_image_in_two_parts(images: Path, image_size: int | None) -> None:
    copy(images / "train/cats/3.png", images / "test/dogs/1.png")
    with pytest.raises(
        UserError, match=r"images train/cats/3.png \(train\) and test/dogs/1.png \(test\) are identical"
    ):
        load(images, image_size)


@pytest.mark.parametrize("part", ["train", "test"])
@pytest.mark.parametrize("image_size", [None, 70])
def test_one_image_in_two_classes_of_a_part(images: Path, image_size: int | None, part: str) -> None:
    copy(images / part / "cats/1.png", images / part / "dogs/0.png")
    with pytest.raises(UserError) as raised:
        load(images, image_size)
    assert str(raised.value) == (
        f"images {part}/cats/1.png (class cats) and {part}/dogs/0.png (class dogs) are identical, but of two classes; "
        "remove one of them"
    )


def test_one_image_twice_in_a_class_is_allowed(images: Path) -> None:
    copy(images / "train/cats/3.png", images / "train/cats/4.png")
    assert len(load(images).train) == 10


def test_arrays_are_compared_too(tmp_path: Path) -> None:
    random = np.random.RandomState(0)
    arrays: dict[str, Any] = {f"x_{part}": random.randint(0, 256, (4, 5, 5), np.uint8) for part in ("train", "test")}
    arrays["x_test"][3] = arrays["x_test"][0]
    np.savez(tmp_path / "a.npz", **arrays, y_train=[0, 1, 0, 1], y_test=[0, 0, 1, 1], class_names=["cat", "dog"])
    with pytest.raises(
        UserError, match=r"images x_test\[0\] \(class cat\) and x_test\[3\] \(class dog\) are identical"
    ):
        load_data(DataConfig(dataset="npz", data_dir=str(tmp_path / "a.npz"), heldout_per_class=0))


def test_published_sets_are_taken_as_they_were_published(tmp_path: Path) -> None:
    for part in ("train", "test"):
        images = np.zeros((10, 32, 32, 3), np.uint8)
        np.savez(tmp_path / f"cifar102_{part}.npz", images=images, labels=np.arange(10))
    assert len(load_data(DataConfig(dataset="cifar10_2", data_dir=str(tmp_path))).test) == 20


def test_no_image_may_lie_in_two_folds_whichever_it_is_in(images: Path) -> None:
    copy(images / "train/cats/3.png", images / "train/cats/4.png")
    assert len(load(images).train) == 10
    for which in (1, 2, 3):
        with pytest.raises(UserError, match=r"train/cats/[34].png .* are identical, .* into another"):
            load_data(DataConfig(dataset="folder", data_dir=str(images), fold=(which, 3)))
