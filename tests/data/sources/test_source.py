from __future__ import annotations

import os
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from tf_dlth.config import DataConfig
from tf_dlth.data.examples import ArrayExamples
from tf_dlth.data.images import Preprocessing
from tf_dlth.data.sources import Source, load_source
from tf_dlth.data.sources.source import require_two_classes
from tf_dlth.errors import UserError

UNFIT: list[tuple[list[str], str]] = [
    (["cat", "cat", "dog"], "classes 0 and 1 are both called cat; rename one of them"),
    (["é", "dog", "e\u0301"], "classes 0 and 2 are both called"),
    (["cat", "dog", "cat "], "classes 0 and 2 are both called cat"),
    (["cat", "", "dog"], "class 1 has the name ``: a name is 1 to 200 printable characters in one line; rename it"),
    (["cat", "  ", "dog"], "class 1 has the name `  `"),
    (["a\nb", "cat", "dog"], r"class 0 has the name `a\nb`"),
    (["cat", "\x1b[31mred", "dog"], r"class 1 has the name `\x1b[31mred`"),
    (["cat", "dog", "a\u2028b"], r"class 2 has the name `a\u2028b`"),
    (["cat", "dog", "\u202etac"], r"class 2 has the name `\u202etac`"),
    (["cat", os.fsdecode(b"\xff"), "dog"], r"class 1 has the name `\xff`"),
    (["cat", "x" * 201, "dog"], "class 1 has the name `xxx"),
]


def source(names: Any, labels: Any = (0, 1, 1)) -> Source:
    examples = ArrayExamples(np.zeros((3, 4, 4, 1), np.uint8), np.array(labels), "abc")
    return Source("own", tuple(names), examples, examples, None, Preprocessing.of_shape((4, 4, 1)))


@pytest.mark.parametrize(("names", "message"), UNFIT, ids=repr)
def test_class_names_that_no_table_can_show(names: list[str], message: str) -> None:
    with pytest.raises(UserError) as raised:
        source(names)
    assert str(raised.value).startswith(message)
    assert str(raised.value).isprintable()
    assert len(str(raised.value)) < 200


def test_class_names_that_any_table_can_show() -> None:
    names = ("cat", "Große Katze", "猫", "x" * 200, "-", "[bold]", "می\u200cخواهم")
    assert source(names).class_names == names


@pytest.mark.parametrize("name", [b"cat", np.bytes_(b"cat"), None, 3])
def test_a_name_is_text(name: object) -> None:
    with pytest.raises(UserError, match=r"class 1 has the name .*, which is no text; give it a name"):
        source(["dog", name])


def test_one_class_is_none() -> None:
    with pytest.raises(UserError, match=r"needs at least two classes, and the images have 1 \(cat\); add another"):
        require_two_classes(["cat"])
    require_two_classes(["cat", "dog"])


def test_every_label_has_a_name() -> None:
    with pytest.raises(UserError, match="dataset own: label 2 is not among the 2 classes"):
        source(["cat", "dog"], (0, 1, 2))


def load(path: Path, class_names: np.ndarray) -> Source:
    random = np.random.RandomState(0)
    arrays: dict[str, Any] = {"class_names": class_names, "y_train": np.arange(3), "y_test": np.arange(3)}
    arrays |= {f"x_{part}": random.randint(0, 256, (3, 4, 4), np.uint8) for part in ("train", "test")}
    np.savez(path / "a.npz", **arrays)
    return load_source(DataConfig(dataset="npz", data_dir=str(path / "a.npz")))


@pytest.mark.parametrize(("names", "message"), UNFIT, ids=repr)
@pytest.mark.parametrize("as_bytes", [False, True])
def test_the_names_of_a_file(tmp_path: Path, names: list[str], message: str, as_bytes: bool) -> None:
    stored = np.array([os.fsencode(name) for name in names] if as_bytes else names)
    with pytest.raises(UserError) as raised:
        load(tmp_path, stored)
    assert str(raised.value).startswith(message)


def test_bytes_are_decoded(tmp_path: Path) -> None:
    stored = np.array([name.encode() for name in ("cat", "hündin", "猫")])
    assert load(tmp_path, stored).class_names == ("cat", "hündin", "猫")


@pytest.mark.parametrize("names", [np.arange(3), np.array([["a", "b", "c"]]), np.array("abc")])
def test_names_of_another_form(tmp_path: Path, names: np.ndarray) -> None:
    with pytest.raises(UserError, match=r"a.npz: class_names must hold text \[3\], not"):
        load(tmp_path, names)


def test_folder_names(paint: Any, tmp_path: Path) -> None:
    for i, folder in enumerate((b"cat", b"\x1b[2J", b"\xff")):
        for j in range(5):
            paint("a.png", 5 * i + j)
            (tmp_path / "pets" / os.fsdecode(folder)).mkdir(parents=True, exist_ok=True)
            (tmp_path / "a.png").rename(tmp_path / "pets" / os.fsdecode(folder) / f"{j}.png")
    with pytest.raises(UserError, match=r"class 0 has the name `\\x1b\[2J`"):
        load_source(DataConfig(dataset="folder", data_dir=str(tmp_path / "pets")))
