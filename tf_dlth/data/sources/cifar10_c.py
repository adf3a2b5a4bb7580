"""CIFAR-10-C in its published layout: one ``KIND.npy`` a corruption, severities 1 to 5 after each other."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import pairwise
from pathlib import Path

import numpy as np

from tf_dlth.config import DataConfig
from tf_dlth.data.examples import ArrayExamples
from tf_dlth.data.images import Preprocessing
from tf_dlth.data.joining import JoinedExamples
from tf_dlth.data.labels import whole_labels
from tf_dlth.data.sources import files
from tf_dlth.data.sources.arrayfiles import map_npy
from tf_dlth.data.sources.cifar10_2 import CIFAR10_CLASSES
from tf_dlth.data.sources.source import Source, no_examples, required_dir
from tf_dlth.errors import UserError, printable
from tf_dlth.files import read_json

PUBLISHED_SEVERITIES = (1, 2, 3, 4, 5)
LABELS, MANIFEST = "labels.npy", "corruptions.json"
"""A set that was made anew has a manifest."""
SIDE = 32
LAYOUT = (
    "a folder with labels.npy and one KIND.npy a corruption; get CIFAR-10-C.tar from "
    "zenodo.org/records/2535967 or make a look-alike with python -m tf_dlth.corrupt"
)

NEEDS = f"cifar10_c needs {LAYOUT}"


def load(config: DataConfig) -> Source:
    """Every corruption and severity that the folder holds, memory-mapped, as one test set."""
    root = files.existing_dir(required_dir(config, LAYOUT))
    if config.image_size not in (None, SIDE):
        raise UserError(f"data.image_size: the images of cifar10_c have {SIDE} pixels; remove it")
    cells = [(kind, level) for kind in corruption_kinds(root) for level in severities(root)]
    sets = [corrupted_examples(root, kind, severity) for kind, severity in cells]
    _require_one_shape(sets)
    test = JoinedExamples(sets)
    train = no_examples(test.image_shape)
    return Source("cifar10_c", CIFAR10_CLASSES, train, test, None, Preprocessing.of_shape(test.image_shape))


def is_regenerated(config: DataConfig) -> bool:
    """Whether the arrays are look-alikes of the published ones."""
    return config.data_dir is not None and (Path(config.data_dir) / MANIFEST).is_file()


def corruption_kinds(root: Path) -> list[str]:
    """The corruptions that a folder holds, sorted; raises UserError when there are none."""
    kinds = sorted(path.stem for path in root.glob("*.npy") if path.name != LABELS)
    if not kinds:
        raise UserError(f"{root} holds no corruptions: {NEEDS}")
    return kinds


def severities(root: Path) -> tuple[int, ...]:
    """The severities that the arrays hold, in their order; a regenerated set may have fewer than the published."""
    manifest = root / MANIFEST
    if not manifest.exists():
        return PUBLISHED_SEVERITIES
    held = read_json(manifest).get("severities")
    if not isinstance(held, list) or not held or held != [level for level in PUBLISHED_SEVERITIES if level in held]:
        raise UserError(f"{manifest} is damaged: severities must be ascending whole numbers from 1 to 5; restore it")
    return tuple(map(int, held))


def corrupted_examples(root: Path, kind: str, severity: int) -> ArrayExamples:
    """One corruption at one severity, memory-mapped and named ``KIND/SEVERITY/INDEX``."""
    path, held = root / f"{kind}.npy", severities(root)
    images = map_npy(path, NEEDS)
    labels = whole_labels(map_npy(root / LABELS, NEEDS), printable(str(root / LABELS)))
    if severity not in held:
        raise UserError(f"{root} holds severities {', '.join(map(str, held))}, not {severity}")
    fits = images.ndim == 4 and len(images) and images.shape[1:3] == (SIDE, SIDE) and images.shape[3] in (1, 3)
    if images.dtype != np.uint8 or not fits or len(images) != len(labels) or len(images) % len(held):
        raise UserError(
            f"{printable(str(path))} must be uint8 [{len(held)} x N, {SIDE}, {SIDE}, 1 or 3] beside {len(held)} x N "
            f"labels, not {images.dtype} {list(images.shape)} beside {len(labels)}"
        )
    size = len(images) // len(held)
    rows = slice(held.index(severity) * size, (held.index(severity) + 1) * size)
    names = [f"{kind}/{severity}/{i:05d}" for i in range(size)]
    return ArrayExamples(images[rows], labels[rows], names)


def _require_one_shape(sets: Sequence[ArrayExamples]) -> None:
    for one, other in pairwise(sets):
        if one.image_shape != other.image_shape:
            raise UserError(
                f"images {printable(one.names[0])} and {printable(other.names[0])} differ in shape: "
                f"{list(one.image_shape)} and {list(other.image_shape)}; keep arrays of one shape in a folder"
            )
