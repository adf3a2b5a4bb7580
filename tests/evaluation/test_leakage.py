from __future__ import annotations

import json
import shutil
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from tf_dlth.config import DataConfig
from tf_dlth.data import Data, load_data
from tf_dlth.data.images import Preprocessing
from tf_dlth.evaluation.images import other_images
from tf_dlth.evaluation.leakage import leakage
from tf_dlth.evaluation.subject import Subject


@pytest.fixture
def photos(tmp_path: Path) -> Path:
    """Ten pictures of each of two classes."""
    random = np.random.RandomState(0)
    for kind in ("cat", "dog"):
        (tmp_path / "photos" / kind).mkdir(parents=True)
        for number in range(10):
            picture = Image.fromarray(random.randint(0, 256, (12, 10, 3), np.uint8))
            picture.save(tmp_path / "photos" / kind / f"{number}.png")
    return tmp_path / "photos"


def trained_on(loaded: Data, **known: object) -> Subject:
    size = Preprocessing(channels=3, resize=8, crop=(8, 8))
    given = {"data": loaded.config, "data_sha256": loaded.sha256, **known}
    return Subject(Path("ticket"), "last", lambda images: images, ("cat", "dog"), size, **given)  # pyright: ignore[reportArgumentType]


def found(subject: Subject, folder: Path) -> object:
    return leakage(subject, other_images(subject, str(folder), None), lambda data: data)


@pytest.fixture
def loaded(photos: Path) -> Data:
    """Of each class two pictures test, two are held out, and six are trained on."""
    return load_data(DataConfig(dataset="folder", data_dir=str(photos), image_size=8))


def test_the_training_folder_itself_and_a_copy_under_other_names(photos: Path, loaded: Data, tmp_path: Path) -> None:
    everything = {"by": "sha256", "train": 12, "heldout": 4, "test": 4}
    assert found(trained_on(loaded), photos) == everything
    shutil.copytree(photos / "cat", tmp_path / "new" / "dog")
    for path in (tmp_path / "new" / "dog").iterdir():
        Image.open(path).save(path.with_name(f"copy_{path.stem}.bmp"))
    assert found(trained_on(loaded), tmp_path / "new") == everything  # each picture of a cat, twice


def test_new_pictures_are_none_of_the_runs(photos: Path, loaded: Data, tmp_path: Path) -> None:
    (tmp_path / "new" / "cat").mkdir(parents=True)
    Image.new("RGB", (9, 9), "red").save(tmp_path / "new" / "cat" / "0.png")
    assert found(trained_on(loaded), tmp_path / "new") == {"by": "sha256", "train": 0, "heldout": 0, "test": 0}


def test_names_are_compared_where_the_runs_images_are_gone_or_others(
    photos: Path, loaded: Data, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "run").mkdir()
    (tmp_path / "run" / "subset.json").write_text(json.dumps(loaded.subset()))
    monkeypatch.setattr("tf_dlth.evaluation.leakage.read_facts", lambda run: type("Facts", (), {"files": {}}))
    by_name = {"by": "name", "train": 12, "heldout": 4, "test": 4}
    assert found(trained_on(loaded, run=tmp_path / "run", data_sha256="0" * 64), photos) == by_name
    gone = DataConfig(dataset="folder", data_dir=str(tmp_path / "gone"))
    assert found(trained_on(loaded, run=tmp_path / "run", data=gone), photos) == by_name


def test_a_ticket_without_its_run_does_not_know(photos: Path, loaded: Data) -> None:
    assert found(trained_on(loaded, data=None, data_sha256=None), photos) is None
