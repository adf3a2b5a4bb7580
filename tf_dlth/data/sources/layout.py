"""What a user's folder of class folders holds besides, and whether it is what the user thinks."""

from __future__ import annotations

import os
from collections import Counter
from collections.abc import Callable, Collection, Iterable, Iterator
from pathlib import Path

from tf_dlth.data.images import EXTENSIONS
from tf_dlth.errors import UserError, printable

LEFT_BEHIND = ("__MACOSX", "@eaDir")
"""Folders that archives and network drives add."""
TRAIN_WORDS = ("train", "training", "trainset")
TEST_WORDS = ("test", "testing", "testset", "val", "valid", "validation", "dev", "eval", "evaluation")


def folders(tree: Path) -> list[Path]:
    """The folders below a tree that may be classes or parts, sorted by name."""
    return sorted(p for p in tree.iterdir() if p.is_dir() and not _ignored(p.name))


def is_image(path: Path) -> bool:
    """Whether the name is that of an image that is read, and the file is there."""
    return path.suffix.lower() in EXTENSIONS and not path.name.startswith(".") and path.is_file()


def images_below(tree: Path) -> list[Path]:
    """All images below a folder, sorted; raises OSError for a folder that cannot be listed."""
    return sorted(filter(is_image, _files(tree, _raise)))


def _raise(error: OSError) -> None:
    raise error


def refuse_other_layouts(root: Path) -> None:
    """Raises UserError for parts by other names, and for a folder whose only folder holds the classes."""
    _refuse_misnamed_parts(root)
    inner = _innermost(root)
    if inner != root:
        shown = printable(inner.relative_to(root).as_posix())
        raise UserError(
            f"{printable(str(root))} holds nothing but the folder {shown}, which holds the class folders; set "
            f"data.data_dir to {printable(str(inner))}"
        )


def _refuse_misnamed_parts(root: Path) -> None:
    found = folders(root)
    parts = {"train": _called(found, TRAIN_WORDS), "test": _called(found, TEST_WORDS)}
    misnamed = [(names[0], part) for part, names in parts.items() if names and part not in names]
    if misnamed and all(parts.values()):
        held = " and ".join(f"{name}/" for name in sorted([*parts["train"], *parts["test"]]))
        renamed = " and ".join(f"{name}/ to {part}/" for name, part in misnamed)
        raise UserError(f"{printable(str(root))} holds {held}, whose names would be classes; rename {renamed}")


def _called(found: Iterable[Path], words: Collection[str]) -> list[str]:
    """The folders by one of the words in any case, in the words' order, an exact name first."""
    names = [path.name for path in found if path.name.lower() in words]
    return sorted(names, key=lambda name: (list(words).index(name.lower()), name != name.lower()))


def _innermost(root: Path) -> Path:
    """The first folder below the root that holds several folders or parts; the root itself where there is none."""
    inner, below = root, folders(root)
    while len(below) == 1 and below[0].name not in ("train", "test") and not _holds_images(inner):
        inner, below = below[0], folders(below[0])
    return inner if below and not _holds_images(inner) else root


def _holds_images(folder: Path) -> bool:
    return any(map(is_image, folder.iterdir()))


def refuse_empty_folders(tree: Path, class_names: Iterable[str]) -> None:
    """Raises UserError for the first class folder without images, saying what it holds instead."""
    for name in class_names:
        if not _holds_images(tree / name):
            raise UserError(f"class folder {printable(str(tree / name))} holds no images {_held_instead(tree / name)}")


def _held_instead(folder: Path) -> str:
    if deeper := next(filter(is_image, _files(folder)), None):
        inside = printable(deeper.relative_to(folder).as_posix())
        return f"itself, but {inside}; move them up, or set data.data_dir to the folder that holds the class folders"
    others = Counter(map(_kind, _files(folder))).most_common(1)
    if not others:
        return f"({', '.join(EXTENSIONS)}); add some, or move it elsewhere"
    kind, count = others[0]
    return f"({', '.join(EXTENSIONS)}) but {count} {kind}, which are not read; save them as JPEG, or move it elsewhere"


def skipped(root: Path, used: Iterable[Path], depth: int) -> dict[str, int]:
    """How many files below the root are not used, by reason; class folders stand ``depth`` folders below it."""
    known = set(used)
    kept = {path.relative_to(root).parts[0] for path in known}
    reasons = Counter(_reason(path, root, kept, depth) for path in _files(root) if path not in known)
    return dict(sorted(reasons.items()))


def _reason(path: Path, root: Path, kept: Collection[str], depth: int) -> str:
    parts = path.relative_to(root).parts
    if path.suffix.lower() not in EXTENSIONS:
        return _kind(path)
    if not path.is_file():
        return "broken links"
    if len(parts) > 1 and parts[0] not in kept:
        return f"images in {printable(parts[0], 60)}/"
    return "images beside the class folders" if len(parts) <= depth else "images in folders below the class folders"


def _kind(path: Path) -> str:
    return f"{printable(path.suffix.lower(), 20)} files" if path.suffix else "files without extension"


def _files(tree: Path, unlisted: Callable[[OSError], None] | None = None) -> Iterator[Path]:
    for folder, inner, names in os.walk(tree, onerror=unlisted):
        inner[:] = sorted(name for name in inner if not _ignored(name))
        yield from (Path(folder, name) for name in sorted(names) if not name.startswith("."))


def _ignored(name: str) -> bool:
    return name.startswith(".") or name in LEFT_BEHIND
