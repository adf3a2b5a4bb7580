from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from tf_dlth.config import DataConfig
from tf_dlth.data import load_data
from tf_dlth.data.examples import FileExamples
from tf_dlth.data.sources import load_source
from tf_dlth.data.sources.deic import BENCHMARKS
from tf_dlth.errors import UserError

CLASSES = {"isic2018": 7, "clamm": 12}
SUFFIX = {"isic2018": "jpg", "clamm": "tif"}
PER_CLASS = {"train": 3, "val": 2, "test": 4}


@pytest.fixture
def benchmark(paint: Callable[..., Path], tmp_path: Path) -> Callable[..., Path]:
    """Images and the four lists of a split; image I_1 and I_11 exist, so that prefixes would be seen."""

    def write(dataset: str, split: int = 0, **save: Any) -> Path:
        folder, number = BENCHMARKS[dataset].folders[0], 0
        lines: dict[str, list[str]] = {part: [] for part in PER_CLASS}
        for label in range(CLASSES[dataset]):
            for part, count in PER_CLASS.items():
                for _ in range(count):
                    name = f"I_{number}"
                    mode = "L" if dataset == "clamm" else "RGB"
                    paint(f"{folder}/{name}.{SUFFIX[dataset]}", number, size=(40, 30), mode=mode, **save)
                    lines[part].append(f"{name} {label}")
                    number += 1
        lines["trainval"] = lines["train"] + lines["val"]
        for part, own in lines.items():
            shared = part == "test" and dataset == "clamm"
            (tmp_path / f"{part}{0 if shared else split}.txt").write_text("\n".join(own) + "\n")
        return tmp_path

    return write


@pytest.mark.parametrize("dataset", ["isic2018", "clamm"])
@pytest.mark.parametrize("split", [0, 2])
def test_trainval_and_test(benchmark: Callable[..., Path], dataset: str, split: int) -> None:
    root, classes = benchmark(dataset, split), CLASSES[dataset]
    source = load_source(DataConfig(dataset=dataset, data_dir=str(root), split=split))  # pyright: ignore[reportArgumentType]
    assert source.heldout is None
    assert source.train.class_counts(classes).tolist() == [5] * classes
    assert source.test.class_counts(classes).tolist() == [4] * classes
    assert len(source.class_names) == classes
    assert source.train.names[1] == f"I_1.{SUFFIX[dataset]}"
    assert isinstance(source.train, FileExamples)
    assert source.train.image_shape == (224, 224, 1 if dataset == "clamm" else 3)
    assert source.preprocessing.resize == 256


def test_every_list_entry_is_its_own_image(benchmark: Callable[..., Path]) -> None:
    source = load_source(DataConfig(dataset="isic2018", data_dir=str(benchmark("isic2018"))))
    assert isinstance(source.train, FileExamples)
    assert isinstance(source.test, FileExamples)
    paths = source.train.paths + source.test.paths
    assert len(set(paths)) == 7 * 9
    assert all(
        path.stem == Path(name).stem for path, name in zip(paths, source.train.names + source.test.names, strict=True)
    )


def test_train_makes_val_the_held_out_set(benchmark: Callable[..., Path]) -> None:
    config = DataConfig(dataset="isic2018", data_dir=str(benchmark("isic2018")), train_part="train", image_size=16)
    data = load_data(config)
    assert data.heldout is not None
    assert (len(data.train), len(data.heldout), len(data.test)) == (21, 14, 28)
    assert (data.config.heldout_per_class, data.config.heldout_from) == (2, "unused")
    assert data.config.flip == "both"
    assert load_data(data.config).sha256 == data.sha256
    fewer = load_data(config.model_copy(update={"heldout_per_class": 1}))
    assert fewer.heldout is not None
    assert len(fewer.heldout) == 7


def test_trainval_holds_nothing_out_unless_asked(benchmark: Callable[..., Path]) -> None:
    config = DataConfig(dataset="isic2018", data_dir=str(benchmark("isic2018")), image_size=16)
    assert load_data(config).heldout is None
    held = load_data(config.model_copy(update={"heldout_per_class": 2}))
    assert held.heldout is not None
    assert (len(held.train), len(held.heldout)) == (21, 14)


def test_gray_manuscripts_have_one_channel(benchmark: Callable[..., Path]) -> None:
    data = load_data(DataConfig(dataset="clamm", data_dir=str(benchmark("clamm")), image_size=24))
    assert data.image_shape == (24, 24, 1)
    assert data.train.read(np.arange(2)).shape == (2, 24, 24, 1)
    assert data.config.normalisation is not None
    assert data.config.normalisation.mean == (0.5,)


def test_split_0_may_lack_its_number(benchmark: Callable[..., Path]) -> None:
    root = benchmark("isic2018")
    for part in ("trainval", "test"):
        (root / f"{part}0.txt").rename(root / f"{part}.txt")
    assert len(load_source(DataConfig(dataset="isic2018", data_dir=str(root))).train) == 35


def test_a_given_list_takes_the_place_of_the_split(benchmark: Callable[..., Path]) -> None:
    root = benchmark("isic2018")
    (root / "few.txt").write_text("".join((root / "test0.txt").read_text().splitlines(keepends=True)[:3]))
    source = load_source(DataConfig(dataset="isic2018", data_dir=str(root), test_list="few.txt"))
    assert len(source.test) == 3


def test_missing_data_dir_says_where_to_get_it() -> None:
    with pytest.raises(UserError, match=r"isic2018 needs a folder with ISIC2018_Task3_Training_Input/ .* get ISIC"):
        load_source(DataConfig(dataset="isic2018"))
    with pytest.raises(UserError, match=r"clamm needs a folder with images/ and trainval1.txt, .*test0.txt; get "):
        load_source(DataConfig(dataset="clamm", split=1))


def test_a_missing_list_says_how_the_folder_must_look(benchmark: Callable[..., Path]) -> None:
    root = benchmark("isic2018")
    with pytest.raises(UserError, match=r"trainval1.txt does not exist: set data.train_list, or make data.data_dir"):
        load_source(DataConfig(dataset="isic2018", data_dir=str(root), split=1))


def test_a_missing_image_is_named(benchmark: Callable[..., Path]) -> None:
    root = benchmark("isic2018")
    (root / "ISIC2018_Task3_Training_Input" / "I_1.jpg").unlink()
    with pytest.raises(UserError, match=r"trainval0.txt lists I_1, but there is no such image"):
        load_source(DataConfig(dataset="isic2018", data_dir=str(root)))


def test_an_image_in_two_lists_is_named(benchmark: Callable[..., Path]) -> None:
    root = benchmark("isic2018")
    with (root / "test0.txt").open("a") as file:
        file.write("I_0 0\n")
    with pytest.raises(UserError, match=r"image I_0.jpg is listed in .*trainval0.txt and in .*test0.txt"):
        load_source(DataConfig(dataset="isic2018", data_dir=str(root)))


@pytest.mark.parametrize(
    ("settings", "name"),
    [
        ({"test_list": "trainval0.txt"}, "trainval0.txt"),
        ({"test_list": "val0.txt", "train_part": "train"}, "val0.txt"),
        ({"train_list": "test0.txt"}, "test0.txt"),
    ],
)
def test_a_list_that_two_parts_would_use_is_refused(benchmark: Callable[..., Path], settings: Any, name: str) -> None:
    root = benchmark("isic2018")
    with pytest.raises(UserError, match=rf"{name} would name the images of two parts, .*; set data.train_list or data"):
        load_source(DataConfig(dataset="isic2018", data_dir=str(root), **settings))


def test_a_label_beyond_the_classes_is_named(benchmark: Callable[..., Path]) -> None:
    root = benchmark("isic2018")
    (root / "few.txt").write_text("I_5 7\n")
    with pytest.raises(UserError, match=r"few.txt: label 7 is not among the 7 classes"):
        load_source(DataConfig(dataset="isic2018", data_dir=str(root), test_list="few.txt"))


def test_a_class_without_training_images_is_named(benchmark: Callable[..., Path]) -> None:
    root = benchmark("isic2018")
    (root / "few.txt").write_text("I_0 0\n")
    with pytest.raises(UserError, match=r"few.txt: labels must run from 0 to 6 without gaps, and 1 has no image"):
        load_source(DataConfig(dataset="isic2018", data_dir=str(root), train_list="few.txt"))
