from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest

from tf_dlth.config import DataConfig
from tf_dlth.data import load_data
from tf_dlth.data.sources import Source, load_source
from tf_dlth.errors import UserError


def arrays(channels: int = 3) -> dict[str, Any]:
    random = np.random.RandomState(channels)
    shape = (6, 7, channels) if channels else (6, 7)
    return {
        "x_train": random.randint(0, 256, (20, *shape), np.uint8),
        "y_train": np.arange(20) % 4,
        "x_test": random.randint(0, 256, (8, *shape), np.uint8),
        "y_test": np.arange(8)[:, None] % 4,
    }


def save(path: Path, **changed: Any) -> str:
    np.savez(path / "own.npz", **{k: v for k, v in (arrays() | changed).items() if v is not None})
    return str(path / "own.npz")


def load(path: str) -> Source:
    return load_source(DataConfig(dataset="npz", data_dir=path))


def test_arrays_become_examples(tmp_path: Path) -> None:
    source = load(save(tmp_path))
    assert source.preprocessing.image_shape == (6, 7, 3)
    assert (source.train.read(np.arange(20)) == arrays()["x_train"]).all()
    assert source.test.labels.tolist() == [0, 1, 2, 3, 0, 1, 2, 3]
    assert source.test.names[2] == "x_test[2]"
    assert source.class_names == ("0", "1", "2", "3")


@pytest.mark.parametrize("channels", [0, 1])
def test_gray_arrays_have_one_channel(tmp_path: Path, channels: int) -> None:
    np.savez(tmp_path / "gray.npz", **arrays(channels))
    assert load(str(tmp_path / "gray.npz")).preprocessing.image_shape == (6, 7, 1)


def test_class_names_may_be_given(tmp_path: Path) -> None:
    assert load(save(tmp_path, class_names=np.array(["a", "b", "c", "d"]))).class_names == ("a", "b", "c", "d")


def test_a_fifth_of_training_is_held_out(tmp_path: Path) -> None:
    data = load_data(DataConfig(dataset="npz", data_dir=save(tmp_path)))
    assert data.config.heldout_per_class == 1
    assert data.train.class_counts(4).tolist() == [4] * 4


def test_identical_images_are_named(tmp_path: Path) -> None:
    path = save(tmp_path, x_test=np.concatenate([arrays()["x_test"][:7], arrays()["x_train"][5:6]]))
    with pytest.raises(UserError, match=r"images x_train\[5\] .* and x_test\[7\] \(test\) are identical"):
        load_data(DataConfig(dataset="npz", data_dir=path))


@pytest.mark.parametrize(
    ("changed", "message"),
    [
        ({"y_test": None}, "has no array y_test; it needs x_train, y_train, x_test, y_test and has x_train"),
        ({"x_train": np.zeros((20, 6, 7, 3), np.float32)}, r"x_train must be uint8 .* not float32 \[20, 6, 7, 3\]"),
        ({"x_train": np.zeros((20, 6, 7, 4), np.uint8)}, "x_train must be uint8"),
        ({"x_test": np.zeros((8, 6, 8, 3), np.uint8)}, "images of different shapes"),
        ({"y_train": np.arange(19) % 4}, r"y_train must hold 20 whole numbers from 0, .* not int64 \[19\]"),
        ({"y_train": np.arange(20) / 4}, "y_train must hold 20 whole numbers"),
        ({"y_train": np.arange(20) % 4 - 1}, "y_train must hold whole numbers from 0 to 999,999, but number 0 is -1"),
        ({"y_train": np.arange(20) % 4 * 2}, "y_train: labels must run from 0 to 6 without gaps, and 1 has no"),
        ({"y_test": np.arange(8)}, "y_test: label 7 is not among the 4 classes"),
        ({"class_names": np.array(["a"])}, "class_names has 1 names for 4 classes"),
        ({"y_train": np.array([object()] * 20)}, "cannot be read as a .npz file of plain arrays"),
    ],
)
def test_arrays_that_do_not_fit(tmp_path: Path, changed: dict[str, Any], message: str) -> None:
    with pytest.raises(UserError, match=message):
        load(save(tmp_path, **changed))


def test_no_file(tmp_path: Path) -> None:
    with pytest.raises(UserError, match=r"a.npz does not exist; it must be a .npz file with x_train"):
        load(str(tmp_path / "a.npz"))


@pytest.mark.parametrize("content", [b"", b"PK\x03\x04broken", b"hello"])
def test_no_npz_file(tmp_path: Path, content: bytes) -> None:
    (tmp_path / "a.npz").write_bytes(content)
    with pytest.raises(UserError, match=r"a.npz cannot be read as a .npz file"):
        load(str(tmp_path / "a.npz"))


def test_a_single_array_is_no_npz_file(tmp_path: Path) -> None:
    np.save(tmp_path / "a.npy", np.zeros(3))
    with pytest.raises(UserError, match=r"cannot be read as a .npz file"):
        load(str(tmp_path / "a.npy"))


def test_missing_data_dir() -> None:
    with pytest.raises(UserError, match=r"data.data_dir is missing: npz needs the path of a .npz file"):
        load_source(DataConfig(dataset="npz"))
