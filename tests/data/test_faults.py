from __future__ import annotations

import os
import time
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from tf_dlth.config import DataConfig
from tf_dlth.data import load_data
from tf_dlth.data.faults import every, image_fault
from tf_dlth.errors import UserError


def test_every_keeps_the_order() -> None:
    def slower_first(item: int) -> int:
        time.sleep(0.001 * (5 - item))
        return item * item

    assert every(slower_first, range(5)) == [0, 1, 4, 9, 16]


@pytest.mark.parametrize(
    ("damaged", "message"),
    [
        ([4], "image 4 is torn; mend it"),
        ([1, 4], "2 images cannot be used: 1, 4; image 1 is torn; mend it"),
        (range(5), "5 images cannot be used: 0, 1, 2, 3, 4; image 0 is torn; mend it"),
        (range(1, 10), "9 images cannot be used: 1, 2, 3, 4, 5 and 4 more; image 1 is torn; mend it"),
    ],
)
def test_all_faults_are_named_at_once(damaged: list[int], message: str) -> None:
    def read(item: int) -> None:
        if item in damaged:
            raise image_fault(str(item), "is torn", "mend it")

    with pytest.raises(UserError) as raised:
        every(read, range(10))
    assert str(raised.value) == message
    with pytest.raises(UserError) as raised:
        every(lambda start: every(read, range(start, start + 5)), (0, 5))
    assert str(raised.value) == message


def test_other_errors_are_raised_as_they_are() -> None:
    with pytest.raises(ZeroDivisionError):
        every(lambda item: 1 // item, range(3))


def damage(path: Path, how: str) -> None:
    whole = path.read_bytes()
    if how == "float":
        Image.new("F", (9, 9)).save(path, "TIFF")
    elif how == "unreadable":
        path.write_bytes(b"<html>")
    else:
        path.write_bytes(whole[: len(whole) // 2])


@pytest.mark.parametrize("side", [10, 80])
@pytest.mark.parametrize("how", ["float", "unreadable", "cut"])
def test_whatever_the_reader_refuses_is_found_in_all_parts_before_training(
    tree: Callable[..., Path], side: int, how: str
) -> None:
    root = tree("train", size=(side, side), cats=6, dogs=6).parent
    tree("test", size=(side, side), cats=3, dogs=3)
    for name in ("train/cats/0.png", "train/cats/5.png", "train/dogs/2.png", "test/cats/1.png", "test/dogs/2.png"):
        damage(root / name, how)
    damage(root / "test/dogs/1.png", "cut")
    with pytest.raises(UserError) as raised:
        load_data(DataConfig(dataset="folder", data_dir=str(root), image_size=side))
    assert str(raised.value).startswith("6 images cannot be used: ")
    assert str(raised.value).count(".png") == 6
    assert " and 1 more; image " in str(raised.value)


@pytest.mark.parametrize("side", [10, 80])
def test_file_names_that_are_no_text(tree: Callable[..., Path], side: int) -> None:
    """They are taken as they are, and shown so that they can be printed."""
    root = tree("pets", size=(side, side), cats=6, dogs=6)
    for number, name in enumerate((b"\xff.png", b"\x1b[31mred.png", b"a\nb.png", "\u202ex.png".encode())):
        (root / "cats" / f"{number}.png").rename(root / "cats" / os.fsdecode(name))
    data = load_data(DataConfig(dataset="folder", data_dir=str(root)))
    assert load_data(data.config).sha256 == data.sha256
    names = {*data.train.names, *data.test.names, *(data.heldout.names if data.heldout else ())}
    assert os.fsdecode(b"cats/\xff.png") in names
    assert data.test.read(np.arange(len(data.test))).shape[0] == len(data.test)
    for path in (root / "cats").iterdir():
        damage(path, "cut")
    with pytest.raises(UserError, match=r"6 images cannot be used: .*cats/\\x1b\[31mred.png") as raised:
        load_data(DataConfig(dataset="folder", data_dir=str(root)))
    assert str(raised.value).isprintable()
