from __future__ import annotations

import re
import tracemalloc
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from tf_dlth.config import DataConfig
from tf_dlth.data.examples import ArrayExamples
from tf_dlth.data.labels import LARGEST, parse_label, refuse_gaps, refuse_unknown, whole_labels
from tf_dlth.data.sources import load_source
from tf_dlth.errors import UserError

WRONG: list[Any] = [
    [0, 1, 2**32],
    [0, 1, 2**32 + 1],
    [0, 1, 2**31],
    [0, 1, 2**63],
    [0, 1, 2**70],
    [0, 1, LARGEST + 1],
    [0, 1, -1],
    [0, 1, -(2**32)],
    [-1, 0, 2**63],
    [0.0, 1.0, 1.0],
    [0, 1, float("nan")],
    [False, True, True],
    ["0", "1", "1"],
    [b"0", b"1", b"1"],
    [0, 1, None],
    [0, 1, 1j],
    [[0, 1], [0, 1], [1, 0]],
    0,
]


@pytest.mark.parametrize("dtype", "bBhHiIlLqQ")
def test_whole_numbers_of_any_width(dtype: str) -> None:
    for labels in (np.array([3, 0, 1], dtype), np.array([[3], [0], [1]], dtype)):
        found = whole_labels(labels, "l", 3)
        assert (found.dtype, found.tolist()) == (np.dtype(np.int32), [3, 0, 1])
    assert whole_labels(np.empty(0, dtype), "l").tolist() == []
    assert whole_labels([LARGEST], "l").tolist() == [999_999]


@pytest.mark.parametrize("labels", WRONG, ids=repr)
def test_anything_else_is_named(labels: Any) -> None:
    with pytest.raises(UserError, match=r"^a.npz: y must hold whole numbers from 0"):
        whole_labels(labels, "a.npz: y")


def test_one_an_image() -> None:
    with pytest.raises(UserError, match=re.escape("y must hold 3 whole numbers from 0, one an image, not int64 [2]")):
        whole_labels([0, 1], "y", 3)


@pytest.mark.parametrize("labels", WRONG, ids=repr)
def test_every_source_reads_labels_by_the_same_rule(tmp_path: Path, labels: Any) -> None:
    images = np.random.RandomState(0).randint(0, 256, (3, 32, 32, 3), np.uint8)
    with pytest.raises(UserError, match="must hold whole numbers from 0"):
        ArrayExamples(images, labels, "abc")

    (tmp_path / "c").mkdir()
    np.save(tmp_path / "c" / "fog.npy", images)
    np.save(tmp_path / "c" / "labels.npy", np.asarray(labels), allow_pickle=True)
    np.savez(tmp_path / "cifar102_train.npz", images=images, labels=np.asarray(labels))
    np.savez(tmp_path / "cifar102_test.npz", images=images, labels=[0, 1, 1])
    np.savez(tmp_path / "a.npz", x_train=images, y_train=labels, x_test=images, y_test=[0, 1, 1])
    np.savez(tmp_path / "b.npz", x_train=images, y_train=[0, 1, 1], x_test=images, y_test=labels)
    folders = {"cifar10_c": "c", "cifar10_2": ".", "npz": "a.npz"}
    for dataset, place in [*folders.items(), ("npz", "b.npz")]:
        with pytest.raises(UserError, match=r"must hold .*whole numbers from 0|plain arrays|\.npy file"):
            load_source(DataConfig(dataset=dataset, data_dir=str(tmp_path / place)))  # pyright: ignore[reportArgumentType]


@pytest.mark.parametrize("label", ["1000000", "4294967296", "9" * 5000, "-1", "1.0", "nan", "1e3", "", "²"])
def test_lists_read_labels_by_the_same_rule(tmp_path: Path, paint: Callable[..., Path], label: str) -> None:
    paint("a.png")
    (tmp_path / "l.txt").write_text(f"a {label}\n")
    with pytest.raises(UserError, match=r"l.txt, line 1: .* with a label from 0 to 999,999") as raised:
        load_source(DataConfig(dataset="folder", data_dir=str(tmp_path), train_list="l.txt", test_list="l.txt"))
    assert len(str(raised.value)) < 500


def test_digits_are_parsed() -> None:
    assert [parse_label(text) for text in ("0", "000", "007", "999999", "0000000000012")] == [0, 0, 7, LARGEST, 12]


def test_gaps_are_an_error() -> None:
    refuse_gaps(np.array([0, 2, 1, 1]), 3, "l.txt")
    with pytest.raises(UserError, match=r"l.txt: labels must run from 0 to 2 without gaps, and 1 has no image"):
        refuse_gaps(np.array([0, 2]), 3, "l.txt")


def test_labels_beyond_the_classes_are_an_error() -> None:
    refuse_unknown(np.array([0, 2]), 3, "l.txt")
    with pytest.raises(UserError, match=r"l.txt: label 3 is not among the 3 classes of the training images"):
        refuse_unknown(np.array([0, 3]), 3, "l.txt")


def test_a_large_label_asks_for_no_memory(tmp_path: Path) -> None:
    images = np.zeros((3, 4, 4), np.uint8)
    for largest in (10**9, LARGEST):
        np.savez(tmp_path / "a.npz", x_train=images, y_train=[0, 1, largest], x_test=images, y_test=[0, 1, 1])
        tracemalloc.start()
        with pytest.raises(UserError, match=r"y_train"):
            load_source(DataConfig(dataset="npz", data_dir=str(tmp_path / "a.npz")))
        assert tracemalloc.get_traced_memory()[1] < 2**26
        tracemalloc.stop()
