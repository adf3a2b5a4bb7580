"""A user's own arrays in one NumPy file: ``x_train``, ``y_train``, ``x_test``, ``y_test``."""

from __future__ import annotations

import os
from pathlib import Path

import numpy as np

from tf_dlth.config import DataConfig
from tf_dlth.data.labels import refuse_gaps, refuse_unknown, whole_labels
from tf_dlth.data.sources.arrayfiles import read_npz
from tf_dlth.data.sources.arrays import in_memory
from tf_dlth.data.sources.source import Source, required_dir
from tf_dlth.errors import UserError

REQUIRED = ("x_train", "y_train", "x_test", "y_test")


def load(config: DataConfig) -> Source:
    """Images are uint8 [N, H, W] or [N, H, W, 1 or 3], labels whole numbers from 0."""
    path = Path(required_dir(config, "the path of a .npz file with x_train, y_train, x_test and y_test"))
    arrays = read_npz(path, REQUIRED, ("class_names",))
    train, test = (_part(path, arrays, part) for part in ("train", "test"))
    if train[0].shape[1:] != test[0].shape[1:]:
        raise UserError(f"{path}: x_train and x_test hold images of different shapes; bring them to one")
    classes = int(train[1].max()) + 1
    refuse_gaps(train[1], classes, f"{path}: y_train")
    refuse_unknown(test[1], classes, f"{path}: y_test")
    training, preprocessing = in_memory(config, *train, _names("train", train))
    testing, _ = in_memory(config, *test, _names("test", test))
    return Source("npz", _class_names(path, arrays, classes), training, testing, None, preprocessing)


def _part(path: Path, arrays: dict[str, np.ndarray], part: str) -> tuple[np.ndarray, np.ndarray]:
    images = checked_images(path, f"x_{part}", arrays[f"x_{part}"])
    return images, whole_labels(arrays[f"y_{part}"], f"{path}: y_{part}", len(images))


def checked_images(path: Path, name: str, images: np.ndarray) -> np.ndarray:
    """uint8 [N, H, W, C]; raises UserError for anything else."""
    images = images[..., None] if images.ndim == 3 else images
    if images.dtype != np.uint8 or images.ndim != 4 or images.shape[3] not in (1, 3) or not images.size:
        raise UserError(
            f"{path}: {name} must be uint8 [N, H, W] or [N, H, W, 1 or 3] with values 0..255, "
            f"not {images.dtype} {list(images.shape)}"
        )
    return images


def _names(part: str, arrays: tuple[np.ndarray, np.ndarray]) -> list[str]:
    return [f"x_{part}[{i}]" for i in range(len(arrays[1]))]


def _class_names(path: Path, arrays: dict[str, np.ndarray], classes: int) -> tuple[str, ...]:
    if "class_names" not in arrays:
        return tuple(map(str, range(classes)))
    given = arrays["class_names"]
    if given.ndim != 1 or given.dtype.kind not in "US":
        raise UserError(f"{path}: class_names must hold text [{classes}], not {given.dtype} {list(given.shape)}")
    if len(given) != classes:
        raise UserError(f"{path}: class_names has {len(given)} names for {classes} classes")
    # Bytes that are no UTF-8 become characters that no class name may have.
    return tuple(os.fsdecode(name) if isinstance(name, bytes) else str(name) for name in given.tolist())
