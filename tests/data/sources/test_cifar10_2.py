from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from tf_dlth.config import DataConfig
from tf_dlth.data import load_data
from tf_dlth.data.sources import load_source
from tf_dlth.errors import UserError


def publish(root: Path, part: str, count: int) -> np.ndarray:
    """A file in the published format, object arrays included."""
    images = np.random.RandomState(count).randint(0, 256, (count, 32, 32, 3), np.uint8)
    np.savez(
        root / f"cifar102_{part}.npz",
        images=images,
        labels=np.arange(count) % 10,
        label_names=np.array(["airplane"], object),
        ti_indices=np.arange(count),
    )
    return images


def test_both_files_joined_are_the_test_set(tmp_path: Path) -> None:
    expected = np.concatenate([publish(tmp_path, "train", 20), publish(tmp_path, "test", 10)])
    data = load_data(DataConfig(dataset="cifar10_2", data_dir=str(tmp_path)))
    assert (data.test.read(np.arange(30)) == expected).all()
    assert data.test.names[19:21] == ("train_00019", "test_00000")
    assert (len(data.train), data.heldout) == (0, None)
    assert data.class_names[9] == "truck"


def test_there_is_nothing_to_choose_from(tmp_path: Path) -> None:
    publish(tmp_path, "train", 20)
    publish(tmp_path, "test", 10)
    with pytest.raises(UserError, match="cifar10_2 has test images only; remove fraction"):
        load_data(DataConfig(dataset="cifar10_2", data_dir=str(tmp_path), per_class=1))


def test_a_missing_file_is_named(tmp_path: Path) -> None:
    publish(tmp_path, "train", 20)
    with pytest.raises(UserError, match=r"cifar102_test.npz does not exist"):
        load_source(DataConfig(dataset="cifar10_2", data_dir=str(tmp_path)))


def test_missing_data_dir_says_where_to_get_it() -> None:
    with pytest.raises(UserError, match=r"a folder with cifar102_train.npz and cifar102_test.npz; get both from"):
        load_source(DataConfig(dataset="cifar10_2"))
