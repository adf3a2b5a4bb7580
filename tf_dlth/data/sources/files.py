"""Image files by folder and by list."""

from __future__ import annotations

import difflib
from collections import Counter, defaultdict
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from tf_dlth.data.examples import FileExamples, read_file
from tf_dlth.data.faults import ImageFaults, every
from tf_dlth.data.images import EXTENSIONS, Preprocessing, check_image, is_gray, opened
from tf_dlth.data.labels import LARGEST, parse_label
from tf_dlth.data.sources.layout import folders, images_below, is_image
from tf_dlth.errors import DataAbsent, UserError, printable

ORIENTATION = 0x0112
TURNED = range(5, 9)
"""EXIF orientations that swap height and width."""
Header = tuple[str, tuple[int, int]]


@dataclass(frozen=True)
class Listing:
    """Image files with labels (int32 [N]) and names relative to the data folder."""

    paths: tuple[Path, ...]
    names: tuple[str, ...]
    labels: np.ndarray

    def take(self, indices: np.ndarray) -> Listing:
        """The files at these positions, int [n]."""
        return Listing(
            tuple(self.paths[i] for i in indices), tuple(self.names[i] for i in indices), self.labels[indices]
        )

    def examples(self, preprocessing: Preprocessing) -> FileExamples:
        """The files as examples that are decoded when they are read."""
        return FileExamples(self.paths, self.labels, self.names, preprocessing)


def existing_dir(path: str | Path, field: str = "data.data_dir") -> Path:
    """The folder; raises DataAbsent when there is none."""
    if not Path(path).is_dir():
        raise DataAbsent(f"{field}: folder {path} does not exist")
    return Path(path)


def images_at(places: Iterable[str]) -> list[Path]:
    """The files among ``places`` and, sorted, the images anywhere below the folders.

    Raises UserError for a place that is not there and for a folder without images.
    """
    return [path for place in places for path in _images_at(Path(place))]


def _images_at(place: Path) -> list[Path]:
    if place.is_file():
        return [place]
    if not place.is_dir():
        raise UserError(f"{printable(str(place))} is neither a file nor a folder")
    try:
        found = images_below(place)
    except OSError as error:
        raise UserError(f"{printable(str(error.filename))} cannot be read: {error.strerror}") from None
    if not found:
        raise UserError(f"{printable(str(place))} holds no images ({', '.join(EXTENSIONS)})")
    return found


def class_folders(tree: Path) -> list[str]:
    """The names of the folders below a tree, sorted; raises UserError when there are none."""
    names = [path.name for path in folders(tree)]
    if not names:
        raise UserError(f"{tree} holds no class folders; put the images of each class into a folder of its name")
    return names


def list_tree(tree: Path, root: Path, class_names: Sequence[str]) -> Listing:
    """The images of ``tree/CLASS/`` by sorted file name; raises UserError for an empty class folder."""
    paths, labels = [], []
    for label, name in enumerate(class_names):
        found = sorted(p for p in (tree / name).iterdir() if is_image(p)) if (tree / name).is_dir() else []
        paths += found
        labels += [label] * len(found)
    names = tuple(p.relative_to(root).as_posix() for p in paths)
    return Listing(tuple(paths), names, np.array(labels, np.int32))


class FileIndex:
    """Image files below a folder by exact name: any trailing part of the path, with or without extension."""

    def __init__(self, root: Path) -> None:
        self.root = root
        self._paths: dict[str, list[Path]] = defaultdict(list)
        for path in sorted(p for p in root.rglob("*") if is_image(p)):
            for key in _keys(path.relative_to(root)):
                self._paths[key].append(path)

    def find(self, name: str, origin: Path) -> Path:
        """The file; raises UserError when there is none or more than one."""
        found = self._paths.get(name.removeprefix("./"), [])
        if not found:
            raise UserError(f"{origin} lists {printable(name)}, but there is no such image below {self.root}")
        if len(found) > 1:
            one, other = (printable(str(path)) for path in found[:2])
            raise UserError(
                f"{origin} lists {printable(name)}, which is both {one} and {other}; write its path in full"
            )
        return found[0]


def _keys(path: Path) -> set[str]:
    parts = path.parts
    tails = ["/".join(parts[i:]) for i in range(len(parts))]
    return {*tails, *(tail.removesuffix(path.suffix) for tail in tails)}


def find_list(given: str, root: Path, field: str) -> Path:
    """A list file as it was typed, or below the data folder."""
    for path in (Path(given), root / given):
        if path.is_file():
            return path
    there = sorted(path.name for path in root.glob("*.txt"))
    near = difflib.get_close_matches(given, there, n=1, cutoff=0.5) or there[:1]
    such = f"; did you mean {printable(near[0])} in {root}?" if near else f", nor does {root / given}"
    raise DataAbsent(f"{field}: file {printable(given)} does not exist{such}")


def read_list(path: Path) -> list[tuple[str, int]]:
    """The ``name label`` lines of a file; raises UserError for another form or a name given twice."""
    entries = list(_entries(path))
    names = [name for name, _ in entries]
    if not entries:
        raise UserError(f"{path} lists no images; write one `relative/name label` a line")
    if len(set(names)) < len(names):
        twice = Counter(names).most_common(1)[0][0]
        raise UserError(f"{path} lists {printable(twice)} twice; remove one of the lines")
    return entries


def _entries(path: Path) -> Iterator[tuple[str, int]]:
    try:
        lines = path.read_text(encoding="utf-8-sig").splitlines()
    except (OSError, UnicodeDecodeError) as error:
        raise UserError(f"list {path} cannot be read: {error}") from None
    for number, line in enumerate(lines, 1):
        if not line.strip():
            continue
        name, _, label = line.strip().rpartition(" ")
        parsed = parse_label(label)
        if not name or parsed is None:
            raise UserError(
                f"{path}, line {number}: `{printable(line.strip())}` is not `relative/name label` with a label from 0 "
                f"to {LARGEST:,}"
            )
        yield name.strip(), parsed


def listed(path: Path, index: FileIndex) -> Listing:
    """The files of a list, found by exact names and named relative to the index's folder."""
    entries = read_list(path)
    paths = tuple(index.find(name, path) for name, _ in entries)
    names = tuple(p.relative_to(index.root).as_posix() for p in paths)
    return Listing(paths, names, np.array([label for _, label in entries], np.int32))


def own_channels(headers: Iterable[Header]) -> int:
    """1 if every image is gray, else 3."""
    return 1 if all(is_gray(mode) for mode, _ in headers) else 3


def headers(paths: Sequence[Path], names: Sequence[str]) -> list[Header]:
    """The header of every file; if one cannot be read, raises UserError naming all files that are damaged anywhere."""
    files = list(zip(paths, names, strict=True))
    try:
        return every(lambda file: header(*file), files)
    except ImageFaults:
        every(lambda file: check_image(read_file(file[0]), file[1], 3), files)
        raise


def header(path: Path, name: str) -> Header:
    """Pillow mode and upright (height, width), without decoding the pixels."""
    with opened(read_file(path), name) as image:
        turned = image.getexif().get(ORIENTATION, 1) in TURNED
        return image.mode, (image.width, image.height) if turned else (image.height, image.width)


def common_size(sizes: Sequence[tuple[int, int]], names: Sequence[str]) -> tuple[int, int]:
    """The one (height, width) of all images; raises UserError naming two that differ."""
    for size, name in zip(sizes, names, strict=True):
        if size != sizes[0]:
            first, other = (f"{w} x {h}" for h, w in (sizes[0], size))
            raise UserError(
                f"images differ in size: {printable(names[0])} is {first}, {printable(name)} is {other} pixels; set "
                "data.image_size"
            )
    return sizes[0]
