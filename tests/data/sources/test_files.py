from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

from tf_dlth.data.sources import files
from tf_dlth.data.sources.files import FileIndex, images_at
from tf_dlth.errors import UserError

Paint = Callable[..., Path]


def write(path: Path, text: str) -> Path:
    path.write_text(text, encoding="utf-8")
    return path


@pytest.mark.parametrize("name", ["A/A_1", "A/A_1.png", "A_1", "A_1.png", "./A/A_1"])
def test_a_name_is_found_with_and_without_folder_and_extension(paint: Paint, tmp_path: Path, name: str) -> None:
    path = paint("A/A_1.png")
    assert FileIndex(tmp_path).find(name, tmp_path / "list.txt") == path


def test_a_name_is_never_a_prefix_of_another(paint: Paint, tmp_path: Path) -> None:
    paint("A/A_11.png")
    with pytest.raises(UserError, match=r"list.txt lists A/A_1, but there is no such image below"):
        FileIndex(tmp_path).find("A/A_1", tmp_path / "list.txt")


def test_dots_in_a_name_are_no_extension(paint: Paint, tmp_path: Path) -> None:
    path = paint("scan.2019.png")
    assert FileIndex(tmp_path).find("scan.2019", tmp_path) == path
    with pytest.raises(UserError, match="no such image"):
        FileIndex(tmp_path).find("scan", tmp_path)


def test_a_name_of_two_files_is_an_error(paint: Paint, tmp_path: Path) -> None:
    paint("A/1.png")
    paint("B/1.png")
    with pytest.raises(UserError, match=r"lists 1, which is both .*A/1.png and .*B/1.png; write its path in full"):
        FileIndex(tmp_path).find("1", tmp_path / "list.txt")


def test_other_files_are_no_images(tmp_path: Path) -> None:
    write(tmp_path / "1.txt", "x")
    with pytest.raises(UserError, match="no such image"):
        FileIndex(tmp_path).find("1", tmp_path)


def test_lists_are_read_line_by_line(tmp_path: Path) -> None:
    path = write(tmp_path / "l.txt", "a/b 0\n\nname with spaces 12\r\n  c\t3\n".replace("\t", " "))
    assert files.read_list(path) == [("a/b", 0), ("name with spaces", 12), ("c", 3)]


@pytest.mark.parametrize(
    "line", ["a", "a b", "a -1", "a 1.5", " 3", "a 1000000", "a 4294967296", f"a {'9' * 5000}", "a ²"]
)
def test_a_line_of_another_form_is_named(tmp_path: Path, line: str) -> None:
    path = write(tmp_path / "l.txt", f"fine 0\n{line}\n")
    with pytest.raises(UserError, match=r"l.txt, line 2: .* is not `relative/name label`"):
        files.read_list(path)


def test_a_name_twice_is_an_error(tmp_path: Path) -> None:
    with pytest.raises(UserError, match="lists a twice"):
        files.read_list(write(tmp_path / "l.txt", "a 0\nb 0\na 1\n"))


def test_an_empty_list_is_an_error(tmp_path: Path) -> None:
    with pytest.raises(UserError, match="lists no images"):
        files.read_list(write(tmp_path / "l.txt", "\n"))


def test_a_list_lies_where_it_was_typed_or_in_the_data_folder(tmp_path: Path) -> None:
    path = write(tmp_path / "l.txt", "a 0\n")
    assert files.find_list(str(path), Path("elsewhere"), "data.train_list") == path
    assert files.find_list("l.txt", tmp_path, "data.train_list") == path
    with pytest.raises(UserError, match=r"data.train_list: file m.txt does not exist"):
        files.find_list("m.txt", tmp_path, "data.train_list")


def test_a_list_that_is_not_there_is_told_by_those_that_are(tmp_path: Path) -> None:
    """As who types the name that the split's own list has, without its extension or number."""
    with pytest.raises(UserError, match=rf"data.test_list: file test0 does not exist, nor does {tmp_path}/test0$"):
        files.find_list("test0", tmp_path, "data.test_list")
    for name in ("test0.txt", "test1.txt", "train0.txt"):
        write(tmp_path / name, "x 0")
    for given, near in (("test0", "test0.txt"), ("test.txt", "test[01].txt"), ("train0.csv", "train0.txt")):
        with pytest.raises(UserError, match=rf"file {given} does not exist; did you mean {near} in {tmp_path}\?$"):
            files.find_list(given, tmp_path, "data.test_list")


@pytest.mark.parametrize("orientation", [1, 3, 6, 8])
def test_the_header_gives_the_upright_size(paint: Paint, orientation: int) -> None:
    from PIL import Image

    exif = Image.Exif()
    exif[0x0112] = orientation
    path = paint("a.jpg", size=(20, 10), exif=exif)
    assert files.header(path, "a.jpg") == ("RGB", (20, 10) if orientation in (6, 8) else (10, 20))


def test_an_unreadable_header_is_named(tmp_path: Path) -> None:
    with pytest.raises(UserError, match=r"image pets/a.png cannot be read"):
        files.header(write(tmp_path / "a.png", "no image"), "pets/a.png")


def test_files_as_given_and_the_images_below_folders_sorted(paint: Paint, tmp_path: Path) -> None:
    """A file that is named counts whatever it is called."""
    for name in ("b/2.png", "b/1.JPG", "b/a/3.png", "a.png", "b/.hidden.png", "b/__MACOSX/1.png"):
        paint(name)
    other = write(tmp_path / "b" / "notes.txt", "no image")
    found = images_at([str(other), str(tmp_path), str(tmp_path / "a.png")])
    names = [path.relative_to(tmp_path).as_posix() for path in found]
    assert names == ["b/notes.txt", "a.png", "b/1.JPG", "b/2.png", "b/a/3.png", "a.png"]


def test_a_place_without_images_or_none_at_all(tmp_path: Path) -> None:
    with pytest.raises(UserError, match=r"nowhere is neither a file nor a folder$"):
        images_at([str(tmp_path / "nowhere")])
    write(tmp_path / "notes.txt", "no image")
    with pytest.raises(UserError, match=r"holds no images \(\.jpg, \.jpeg, \.png"):
        images_at([str(tmp_path)])
