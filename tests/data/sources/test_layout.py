from __future__ import annotations

import re
from collections.abc import Callable
from pathlib import Path

import pytest

from tf_dlth.config import DataConfig
from tf_dlth.data import load_data
from tf_dlth.data.sources import Source, load_source
from tf_dlth.errors import UserError

Tree = Callable[..., Path]


def load(root: Path) -> Source:
    return load_source(DataConfig(dataset="folder", data_dir=str(root)))


def refused(root: Path) -> str:
    with pytest.raises(UserError) as raised:
        load(root)
    assert str(raised.value).isprintable()
    return str(raised.value).replace(str(root), "ROOT")


@pytest.mark.parametrize(
    ("folders", "held", "renamed"),
    [
        (("Train", "Test"), "Test/ and Train/", "Train/ to train/ and Test/ to test/"),
        (("TRAIN", "test"), "TRAIN/ and test/", "TRAIN/ to train/"),
        (("train", "Test"), "Test/ and train/", "Test/ to test/"),
        (("train", "val"), "train/ and val/", "val/ to test/"),
        (("training", "validation"), "training/ and validation/", "training/ to train/ and validation/ to test/"),
        (
            ("training", "val", "Testing"),
            "Testing/ and training/ and val/",
            "training/ to train/ and Testing/ to test/",
        ),
    ],
)
def test_parts_by_other_names(tree: Tree, folders: tuple[str, ...], held: str, renamed: str) -> None:
    for folder in folders:
        tree(f"set/{folder}", cats=5, dogs=5)
    root = tree("set/docs")
    assert refused(root.parent) == f"ROOT holds {held}, whose names would be classes; rename {renamed}"


def test_parts_without_class_folders(paint: Callable[..., Path], tmp_path: Path) -> None:
    for i, part in enumerate(("Train", "Test")):
        for j in range(5):
            paint(f"{part}/{j}.png", 5 * i + j)
    assert refused(tmp_path).startswith("ROOT holds Test/ and Train/, whose names would be classes; rename ")


def test_a_class_may_be_called_like_a_part(tree: Tree) -> None:
    assert load(tree("set", dev=5, ops=5)).class_names == ("dev", "ops")


@pytest.mark.parametrize("inner", ["photos", "photos/photos", "photos/a b"])
def test_a_folder_around_the_class_folders(tree: Tree, tmp_path: Path, inner: str) -> None:
    tree(f"set/{inner}", cats=5, dogs=5)
    (tmp_path / "set" / "__MACOSX" / "photos").mkdir(parents=True)
    message = refused(tmp_path / "set")
    assert message == (
        f"ROOT holds nothing but the folder {inner}, which holds the class folders; set data.data_dir to ROOT/{inner}"
    )
    assert load(tmp_path / "set" / inner).class_names == ("cats", "dogs")


def test_a_folder_around_the_parts(tree: Tree, tmp_path: Path) -> None:
    for part in ("train", "test"):
        tree(f"set/photos/photos/{part}", cats=5, dogs=5)
    assert refused(tmp_path / "set").endswith("; set data.data_dir to ROOT/photos/photos")


def test_a_single_class_can_be_evaluated_on_but_not_trained(tree: Tree) -> None:
    config = DataConfig(dataset="folder", data_dir=str(tree("set", cats=5)))
    assert load_source(config).class_names == ("cats",)
    with pytest.raises(UserError, match=r"needs at least two classes, and the images have 1 \(cats\)"):
        load_data(config)


def test_images_deeper_than_their_class(tree: Tree) -> None:
    tree("set/cats", kittens=5)
    root = tree("set", dogs=5)
    assert refused(root) == (
        "class folder ROOT/cats holds no images itself, but kittens/0.png; move them up, or set data.data_dir to the "
        "folder that holds the class folders"
    )


@pytest.mark.parametrize("suffix", [".heic", ".gif", ".avif", ".HEIC"])
def test_formats_that_are_not_read(tree: Tree, suffix: str) -> None:
    root = tree("set", cats=5, dogs=5)
    for path in (root / "cats").iterdir():
        path.rename(path.with_suffix(suffix))
    message = refused(root)
    assert f"holds no images (.jpg, .jpeg, .png, .tif, .tiff, .bmp, .webp) but 5 {suffix.lower()} files, " in message
    assert message.endswith("which are not read; save them as JPEG, or move it elsewhere")


def test_an_empty_class_folder(tree: Tree) -> None:
    root = tree("set", cats=5, dogs=5)
    (root / "\x1b[31mowls").mkdir()
    assert refused(root).startswith(r"class folder ROOT/\x1b[31mowls holds no images (.jpg, ")


def test_what_is_not_used_of_a_tree_is_counted(tree: Tree, paint: Callable[..., Path]) -> None:
    root = tree("set", cats=5, dogs=5)
    for i, name in enumerate(("a.png", "b.jpg", "cats/more/c.png", "cats/more/d.png", "cats/more/e.png")):
        paint(f"set/{name}", 900 + i)
    for name in ("dogs/f.gif", "dogs/g.GIF", "README", "cats/h.heic", "cats/.DS_Store", "cats/\x1b.\x1b"):
        (root / name).write_text("x")
    (root / "cats" / "lost.png").symlink_to(root / "nowhere.png")
    (root / "__MACOSX").mkdir()
    (root / "__MACOSX" / "a.png").write_text("x")
    expected = {
        ".gif files": 2,
        ".heic files": 1,
        r".\x1b files": 1,
        "broken links": 1,
        "files without extension": 1,
        "images beside the class folders": 2,
        "images in folders below the class folders": 3,
    }
    assert load(root).skipped == expected
    assert load_data(DataConfig(dataset="folder", data_dir=str(root))).skipped == expected


def test_a_part_that_is_not_used_is_counted(tree: Tree, paint: Callable[..., Path]) -> None:
    for part in ("train", "test", "val"):
        tree(f"set/{part}", cats=3, dogs=2)
    paint("set/train/stray.png", 900)
    root = paint("set/stray.png", 901).parent
    assert load(root).skipped == {"images beside the class folders": 2, "images in val/": 5}


def test_nothing_is_skipped_where_lists_name_the_images(tree: Tree) -> None:
    root = tree("set", cats=5, dogs=5)
    (root / "a.txt").write_text("cats/0 0\ndogs/0 1\n")
    (root / "b.txt").write_text("cats/1 0\n")
    config = DataConfig(dataset="folder", data_dir=str(root), train_list="a.txt", test_list="b.txt")
    assert load_source(config).skipped == {}


def test_a_folder_that_cannot_be_listed(tree: Tree, monkeypatch: pytest.MonkeyPatch) -> None:
    root = tree("set", cats=5, dogs=5)

    def denied(path: Path) -> None:
        raise PermissionError(13, "Permission denied", str(path))

    monkeypatch.setattr(Path, "iterdir", denied)
    with pytest.raises(UserError, match=re.escape(f"{root} cannot be read: Permission denied")):
        load(root)


@pytest.mark.parametrize("name", ["\x1b[2J", "a\nb", "\u202etac"])
def test_no_line_about_a_folder_steers_the_terminal(tree: Tree, paint: Callable[..., Path], name: str) -> None:
    """Each step mends what the line before told of, until the name itself is told of."""
    root = tree("set", **{name: 1}, dogs=5)
    assert "has one image, which cannot both train and test" in refused(root)
    paint(f"set/{name}/{name}.png", 99, size=(9, 9))
    assert "images differ in size" in refused(root)
    (root / name / f"{name}.png").write_text("x")
    assert "cannot be read (no image format that can be read)" in refused(root)
    paint(f"set/{name}/{name}.png", 99)
    assert "a name is 1 to 200 printable characters" in refused(root)
    (root / "a.txt").write_text(f"{name}/9 0\n")
    with pytest.raises(UserError, match=r"a.txt(, line 1: | lists )") as raised:
        load_source(DataConfig(dataset="folder", data_dir=str(root), train_list="a.txt", test_list="a.txt"))
    assert str(raised.value).isprintable()
