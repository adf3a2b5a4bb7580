"""Every dataset and every null: the resolved section loads what the given one did."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import tf_dlth  # noqa: F401 - binds TensorFlow to Keras 2
from tf_dlth.config import DataConfig
from tf_dlth.data import Data, Examples, load_data
from tf_dlth.data.sources.deic import BENCHMARKS
from tf_dlth.errors import UserError

Tree = Callable[..., Path]


def read(examples: Examples | None) -> np.ndarray:
    return examples.read(np.arange(len(examples))) if examples else np.empty(0)


def assert_same(first: Data, second: Data) -> None:
    assert second.config == first.config
    assert second.preprocessing == first.preprocessing
    assert second.image_shape == first.image_shape
    assert second.class_names == first.class_names
    for part in ("train", "heldout", "test"):
        one, other = getattr(first, part), getattr(second, part)
        assert (one is None) == (other is None)
        assert (read(one) == read(other)).all()
        if one:
            assert one.names == other.names
            assert one.labels.tolist() == other.labels.tolist()
    assert second.sha256 == first.sha256


def assert_stable(**values: Any) -> Data:
    first = load_data(DataConfig(**values))
    assert_same(first, load_data(first.config))
    return first


SUBSETS: list[dict[str, Any]] = [
    {},
    {"fraction": 0.5},
    {"per_class": 3},
    {"imbalance": 0.5},
    {"heldout_per_class": 0},
    {"heldout_per_class": 2},
    {"heldout_from": "train"},
    {"augment": "rand"},
    {"image_size": 16},
    {"image_size": 70},
    {"crop_padding": 2},
    {"flip": "both", "cutout": 3},
]


@pytest.mark.parametrize("values", SUBSETS)
def test_digits(values: dict[str, Any]) -> None:
    assert_stable(**values)


@pytest.mark.parametrize("dataset", [pytest.param("cifar10", marks=pytest.mark.slow), "cifar100"])
@pytest.mark.parametrize("values", [{"per_class": 5}, {"per_class": 5, "augment": "auto"}, {"imbalance": 0.1}])
def test_cifar(real_tfds: Path, dataset: str, values: dict[str, Any]) -> None:
    assert_stable(dataset=dataset, data_dir=str(real_tfds), **values)


SIZES = {"small": (10, 10), "64": (64, 64), "large": (80, 80), "oblong": (12, 8), "large oblong": (90, 70)}


@pytest.mark.parametrize("size", SIZES.values(), ids=SIZES)
@pytest.mark.parametrize("values", SUBSETS)
def test_a_folder(tree: Tree, size: tuple[int, int], values: dict[str, Any]) -> None:
    root = tree("train", size=size, cats=10, dogs=6).parent
    tree("test", size=size, cats=3, dogs=2)
    assert_stable(dataset="folder", data_dir=str(root), **values)


def test_a_single_tree_of_mixed_sizes(tree: Tree, paint: Callable[..., Path]) -> None:
    root = tree("pets", size=(80, 80), mode="L", cats=10, dogs=7)
    paint("pets/dogs/0.png", 999, size=(90, 100), mode="RGBA")
    for side in (20, 72):
        assert assert_stable(dataset="folder", data_dir=str(root), image_size=side).image_shape == (side, side, 3)


def test_lists_and_sets_that_only_test(tree: Tree) -> None:
    root = tree("test", size=(80, 80), cats=4, dogs=3).parent
    assert_stable(dataset="folder", data_dir=str(root))
    (root / "a.txt").write_text("cats/0 0\ncats/1 0\ndogs/0 1\n")
    (root / "b.txt").write_text("cats/2 0\ndogs/1 1\n")
    assert_stable(dataset="folder", data_dir=str(root), train_list="a.txt", test_list="b.txt")


@pytest.mark.parametrize("shape", [(9, 9), (9, 7, 3), (80, 80, 1)])
@pytest.mark.parametrize("values", SUBSETS)
def test_npz(tmp_path: Path, shape: tuple[int, ...], values: dict[str, Any]) -> None:
    random = np.random.RandomState(0)
    arrays: dict[str, Any] = {}
    for part, count in (("train", 24), ("test", 8)):
        arrays[f"x_{part}"] = random.randint(0, 256, (count, *shape), np.uint8)
        arrays[f"y_{part}"] = np.arange(count) % 3
    np.savez(tmp_path / "own.npz", **arrays)
    assert_stable(dataset="npz", data_dir=str(tmp_path / "own.npz"), **values)


def test_cifar10_c_and_cifar10_2(tmp_path: Path) -> None:
    random = np.random.RandomState(0)
    np.save(tmp_path / "fog.npy", random.randint(0, 256, (20, 32, 32, 3), np.uint8))
    np.save(tmp_path / "labels.npy", np.tile(np.arange(4), 5))
    assert_stable(dataset="cifar10_c", data_dir=str(tmp_path))
    for part in ("train", "test"):
        images = random.randint(0, 256, (10, 32, 32, 3), np.uint8)
        np.savez(tmp_path / f"cifar102_{part}.npz", images=images, labels=np.arange(10))
    for values in ({}, {"image_size": 64}):
        assert_stable(dataset="cifar10_2", data_dir=str(tmp_path), **values)


@pytest.mark.parametrize("dataset", ["eurosat", "isic2018", "clamm"])
@pytest.mark.parametrize("values", [{}, {"train_part": "train"}, {"image_size": 24}, {"image_size": 80}])
def test_the_benchmarks(paint: Callable[..., Path], tmp_path: Path, dataset: str, values: dict[str, Any]) -> None:
    """A train, a val and a test image a class, of another size than the network's."""
    benchmark, lists = BENCHMARKS[dataset], dict[str, list[str]](train=[], val=[], test=[])
    for label, name in enumerate(benchmark.class_names):
        for i, lines in enumerate(lists.values()):
            paint(f"{benchmark.folders[0]}/{name}/{name}_{i}.png", 3 * label + i, size=(70, 90))
            lines.append(f"{name}/{name}_{i} {label}")
    for part, lines in (lists | {"trainval": lists["train"] + lists["val"]}).items():
        (tmp_path / f"{part}0.txt").write_text("\n".join(lines))
    assert_stable(dataset=dataset, data_dir=str(tmp_path), **values)


@pytest.mark.parametrize("train_part", ["trainval", "train"])
def test_the_real_eurosat(real_eurosat: Path, train_part: str) -> None:
    assert_stable(
        dataset="eurosat", data_dir=str(real_eurosat), test_list="test0_2000.txt", train_part=train_part, per_class=5
    )


def test_own_images_above_64_pixels_have_a_margin_whether_the_size_was_given_or_found(tree: Tree) -> None:
    root = str(tree("pets", size=(80, 80), cats=5, dogs=5))
    found = load_data(DataConfig(dataset="folder", data_dir=root))
    assert_same(found, load_data(DataConfig(dataset="folder", data_dir=root, image_size=80)))
    assert (found.preprocessing.resize, found.preprocessing.crop) == (91, (80, 80))


@pytest.mark.parametrize("side", [2, 2500])
def test_images_of_a_size_that_no_config_can_hold(tmp_path: Path, side: int) -> None:
    images, labels = np.zeros((4, side, side), np.uint8), np.arange(4) % 2
    images[:, 0, 0] = range(4)
    np.savez(tmp_path / "a.npz", x_train=images, y_train=labels, x_test=images + 9, y_test=labels)
    with pytest.raises(UserError, match=rf"data.image_size: the images' own is {side}, and it must be .*; set it"):
        load_data(DataConfig(dataset="npz", data_dir=str(tmp_path / "a.npz"), heldout_per_class=0))


def test_the_digest_covers_what_the_network_sees(tree: Tree, paint: Callable[..., Path]) -> None:
    """Every line is another change, each from the state before."""
    root = tree("train", size=(80, 80), cats=4, dogs=4).parent
    test = tree("test", size=(80, 80), cats=2, dogs=2)

    def digest(**values: Any) -> str:
        return load_data(DataConfig(dataset="folder", data_dir=str(root), heldout_per_class=1, **values)).sha256

    seen = [digest(), digest(image_size=79), digest(image_size=72), digest(image_size=60)]
    paint("test/cats/0.png", 1000, size=(80, 80))
    seen.append(digest())
    (test / "cats" / "0.png").rename(test / "cats" / "9.png")
    seen.append(digest())
    for part in ("train", "test"):
        (root / part / "cats").rename(root / part / "bats")
    seen.append(digest())
    (test / "bats" / "9.png").rename(test / "dogs" / "9.png")
    seen.append(digest())
    assert len(set(seen)) == len(seen)


def test_the_digest_covers_class_names_and_channels(tmp_path: Path) -> None:
    images = np.random.RandomState(0).randint(0, 256, (8, 6, 6), np.uint8)
    labels = np.arange(4) % 2

    def digest(**changed: Any) -> str:
        arrays: dict[str, Any] = {
            "x_train": images[:4],
            "y_train": labels,
            "x_test": images[4:],
            "y_test": labels,
        } | changed
        np.savez(tmp_path / "a.npz", **arrays)
        return load_data(DataConfig(dataset="npz", data_dir=str(tmp_path / "a.npz"), heldout_per_class=0)).sha256

    colour = np.repeat(images[..., None], 3, 3)
    changes: list[dict[str, Any]] = [
        {},
        {"class_names": np.array(["a", "b"])},
        {"class_names": np.array(["b", "a"])},
        {"y_test": labels[::-1]},
        {"x_train": colour[:4], "x_test": colour[4:]},
    ]
    assert len({digest(**change) for change in changes}) == len(changes)
