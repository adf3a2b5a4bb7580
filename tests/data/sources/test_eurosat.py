from __future__ import annotations

import shutil
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from tf_dlth.config import DataConfig
from tf_dlth.data import load_data
from tf_dlth.data.sources import load_source
from tf_dlth.data.sources.deic import BENCHMARKS
from tf_dlth.errors import UserError

CLASSES = BENCHMARKS["eurosat"].class_names


@pytest.fixture(scope="session")
def prepared(tmp_path_factory: pytest.TempPathFactory, store: Callable[..., Path]) -> Path:
    """A prepared ``eurosat/rgb`` of 52 plain images a class."""
    import tensorflow_datasets as tfds

    features = {
        "filename": tfds.features.Text(),
        "image": tfds.features.Image(shape=(64, 64, 3)),
        "label": tfds.features.ClassLabel(num_classes=10),
    }
    images = [
        {"filename": f"{name}_{i}.jpg", "image": np.full((64, 64, 3), i, np.uint8), "label": label}
        for label, name in enumerate(CLASSES)
        for i in range(1, 53)
    ]
    root = tmp_path_factory.mktemp("tfds")
    return store(root, "eurosat", "2.0.0", features, {"train": images}, config="rgb")


def test_without_lists_fifty_a_class_train(prepared: Path) -> None:
    source = load_source(DataConfig(dataset="eurosat", data_dir=str(prepared)))
    assert source.train.class_counts(10).tolist() == [50] * 10
    assert source.test.class_counts(10).tolist() == [2] * 10
    assert not set(source.train.names) & set(source.test.names)
    other = load_source(DataConfig(dataset="eurosat", data_dir=str(prepared), subset_seed=1))
    assert set(other.test.names) != set(source.test.names)
    data = load_data(DataConfig(dataset="eurosat", data_dir=str(prepared)))
    again = load_data(data.config)
    assert (again.config, again.preprocessing, again.sha256) == (data.config, data.preprocessing, data.sha256)


@pytest.mark.parametrize("damage", ["cut", "flipped", "lost"])
def test_a_damaged_prepared_set_is_one_line(prepared: Path, tmp_path: Path, damage: str) -> None:
    root = Path(shutil.copytree(prepared, tmp_path / "copied"))
    (records,) = root.rglob("*.tfrecord*")
    whole = bytearray(records.read_bytes())
    whole[1000] ^= 8
    records.write_bytes(whole[: len(whole) // 2] if damage == "cut" else whole)
    if damage == "lost":
        records.unlink()
    with pytest.raises(UserError, match=r"eurosat/rgb/2.0.0 is damaged \(.*\); prepare dataset eurosat anew") as raised:
        load_source(DataConfig(dataset="eurosat", data_dir=str(root)))
    assert str(raised.value).isprintable()


def test_lists_are_matched_to_file_names(prepared: Path, tmp_path: Path) -> None:
    (tmp_path / "a.txt").write_text("".join(f"{name}/{name}_1 {i}\n" for i, name in enumerate(CLASSES)))
    (tmp_path / "b.txt").write_text("Forest/Forest_11.jpg 1\nForest/Forest_12 1\n")
    source = load_source(
        DataConfig(
            dataset="eurosat",
            data_dir=str(prepared),
            train_list=str(tmp_path / "a.txt"),
            test_list=str(tmp_path / "b.txt"),
        )
    )
    assert source.train.names == tuple(f"{name}_1.jpg" for name in CLASSES)
    assert source.test.read(np.array([0, 1]))[:, 0, 0, 0].tolist() == [11, 12]


def test_a_list_that_names_another_image(prepared: Path, tmp_path: Path) -> None:
    (tmp_path / "a.txt").write_text("Forest/Forest_99 1\n")
    path = str(tmp_path / "a.txt")
    config = DataConfig(dataset="eurosat", data_dir=str(prepared), train_list=path, test_list=path)
    with pytest.raises(UserError, match="lists Forest/Forest_99, which the dataset does not have"):
        load_source(config)


def test_an_image_in_both_lists(prepared: Path, tmp_path: Path) -> None:
    (tmp_path / "a.txt").write_text("Forest/Forest_1 1\n")
    path = str(tmp_path / "a.txt")
    config = DataConfig(dataset="eurosat", data_dir=str(prepared), train_list=path, test_list=path)
    with pytest.raises(UserError, match=r"image Forest_1.jpg is in .*a.txt and in .*a.txt"):
        load_source(config)


def test_one_list_needs_the_other(prepared: Path) -> None:
    with pytest.raises(UserError, match=r"data.train_list and data.test_list go together"):
        load_source(DataConfig(dataset="eurosat", data_dir=str(prepared), test_list="b.txt"))


@pytest.mark.parametrize("folder", ["RGB", "2750", "."])
def test_a_folder_without_lists_trains_on_fifty_a_class(
    paint: Callable[..., Path], tmp_path: Path, folder: str
) -> None:
    for name in CLASSES:
        for i in range(51):
            path = tmp_path / folder / name / f"{name}_{i}.jpg"
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_bytes(b"")
    source = load_source(DataConfig(dataset="eurosat", data_dir=str(tmp_path)))
    assert source.train.class_counts(10).tolist() == [50] * 10
    assert source.test.class_counts(10).tolist() == [1] * 10


def test_the_real_benchmark(real_eurosat: Path) -> None:
    config = DataConfig(dataset="eurosat", data_dir=str(real_eurosat), test_list="test0_2000.txt")
    data = load_data(config)
    assert data.train.class_counts(10).tolist() == [50] * 10
    assert data.test.class_counts(10).tolist() == [200] * 10
    assert data.image_shape == (64, 64, 3)
    assert data.class_names == CLASSES
    assert [name.split("/")[0] for name in data.test.names] == [CLASSES[y] for y in data.test.labels]
    first, label = (real_eurosat / "trainval0.txt").read_text().split()[:2]
    assert data.train.names[0] == f"{first}.jpg"
    assert data.train.labels[0] == int(label)
    with Image.open(real_eurosat / "RGB" / f"{first}.jpg") as picture:
        assert (data.train.read(np.array([0]))[0] == np.asarray(picture)).all()


def test_the_real_benchmark_with_a_held_out_set(real_eurosat: Path) -> None:
    config = DataConfig(dataset="eurosat", data_dir=str(real_eurosat), test_list="test0_2000.txt", train_part="train")
    data = load_data(config)
    assert data.heldout is not None
    assert (len(data.train), len(data.heldout), len(data.test)) == (300, 200, 2000)
    assert data.config.heldout_per_class == 20
