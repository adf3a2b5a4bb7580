"""Images that the data tests make, and the real sets where they are."""

from __future__ import annotations

import os
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image

Paint = Callable[..., Path]


@pytest.fixture
def paint(tmp_path: Path) -> Paint:
    """Writes an image of noise: ``paint("a/b.png", seed, size=(width, height), mode="RGB")``."""

    def write(name: str, seed: int = 0, size: tuple[int, int] = (8, 8), mode: str = "RGB", **save: Any) -> Path:
        path = tmp_path / name
        path.parent.mkdir(parents=True, exist_ok=True)
        noise = np.random.RandomState(seed).randint(0, 256, (size[1], size[0], 4), np.uint8)
        Image.fromarray(noise).convert(mode).save(path, **save)
        return path

    return write


@pytest.fixture
def tree(paint: Paint, tmp_path: Path) -> Callable[..., Path]:
    """Writes ``FOLDER/CLASS/I.png``, different images all: ``tree("train", cats=10, dogs=5)``."""
    made = iter(range(1_000_000))

    def write(folder: str, size: tuple[int, int] = (8, 8), mode: str = "RGB", **classes: int) -> Path:
        for name, count in classes.items():
            for i in range(count):
                paint(f"{folder}/{name}/{i}.png", next(made), size=size, mode=mode)
        return tmp_path / folder

    return write


@pytest.fixture(scope="session")
def real_tfds() -> Path:
    """The folder of prepared datasets."""
    if not (root := os.environ.get("TF_DLTH_DATA")):
        pytest.skip("TF_DLTH_DATA is not set to a tensorflow_datasets folder with cifar10 and cifar100")
    return Path(root)


@pytest.fixture(scope="session")
def real_eurosat(real_tfds: Path) -> Path:
    """EuroSAT's images with DEIC's lists, beside the prepared datasets."""
    if not (root := real_tfds.parent / "eurosat").is_dir():
        pytest.skip(f"{root} does not exist")
    return root
