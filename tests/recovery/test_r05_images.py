"""Test images that are not those of the run any more: neither ``evaluate`` nor ``train`` gives a number for them."""

from __future__ import annotations

import os
import shutil
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from tf_dlth import evaluate
from tf_dlth.config import Config
from tf_dlth.errors import UserError
from tf_dlth.experiment import run

Damage = Callable[[Path], object]


def paint(path: Path, seed: int) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    Image.fromarray(np.random.default_rng(seed).integers(0, 256, (12, 12, 3), dtype=np.uint8)).save(path)


@dataclass(frozen=True)
class Trained:
    config: Config
    images: Path


@pytest.fixture(scope="module")
def trained(tiny: Callable[..., Config], own_networks: str, tmp_path_factory: pytest.TempPathFactory) -> Trained:
    root = tmp_path_factory.mktemp("images")
    names = [f"{part}/{label}/{i}.png" for part in ("train", "test") for label in "ab" for i in range(6)]
    for number, name in enumerate(names):
        paint(root / "images" / name, number)
    config = tiny(
        root, "data.dataset=folder", f"data.data_dir={root / 'images'}", "data.per_class=null",
        "data.heldout_per_class=1", f"model.architecture={own_networks}:convolutional", "pruning.iterations=0",
    )  # fmt: skip
    run(config)
    return Trained(config, root / "images")


DAMAGES: dict[str, tuple[Damage, str]] = {
    "replaced": (lambda test: paint(test / "a" / "0.png", 99), "the images are not those"),
    "moved to another class": (lambda test: shutil.move(test / "a" / "0.png", test / "b" / "9.png"), "are not those"),
    "halved": (lambda test: os.truncate(test / "a" / "0.png", 200), "image test/a/0.png cannot be read"),
    "removed": (lambda test: (test / "a" / "0.png").unlink(), "the images are not those"),
    "renamed": (lambda test: shutil.move(test / "a" / "0.png", test / "a" / "10.png"), "the images are not those"),
}


@pytest.mark.parametrize(("damage", "said"), DAMAGES.values(), ids=DAMAGES)
def test_r05_other_test_images(
    trained: Trained, damage: Damage, said: str, tmp_path: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    folder = Path(trained.config.output.directory) / trained.config.name
    images = Path(shutil.copytree(trained.images, tmp_path / "images"))
    words = [str(folder), "--trust", "--data-dir", str(images)]
    assert evaluate.main(words) == 0
    capfd.readouterr()
    damage(images / "test")
    assert evaluate.main(words) == 2
    written = capfd.readouterr()
    assert written.out == "" and written.err.count("\n") == 1
    assert said in written.err
    data = trained.config.data.model_copy(update={"data_dir": str(images)})
    with pytest.raises(UserError, match=r"data_sha256|cannot be read"):
        run(trained.config.model_copy(update={"data": data}))
