from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from tf_dlth.config import DataConfig, Normalisation
from tf_dlth.data import Data, load_data
from tf_dlth.data.catalogue import FACTS
from tf_dlth.data.examples import ArrayExamples, Examples, FileExamples
from tf_dlth.data.images import Preprocessing
from tf_dlth.data.loading import choose, resolve, statistics
from tf_dlth.data.sources.digits import scans
from tf_dlth.data.sources.source import Source
from tf_dlth.errors import UserError


def digits(**values: Any) -> Data:
    return load_data(DataConfig(**values))


def cifar_like(per_class: int = 200, classes: int = 10) -> Source:
    labels = np.tile(np.arange(classes, dtype=np.int32), per_class)
    shape = (32, 32, 3)
    images = np.zeros((len(labels), *shape), np.uint8)
    train = ArrayExamples(images, labels, map(str, range(len(labels))))
    names = tuple(map(str, range(classes)))
    return Source("cifar10", names, train, train.take(np.arange(20)), None, Preprocessing.of_shape(shape))


def chosen(source: Source, **values: Any) -> tuple[Examples, Examples | None, DataConfig]:
    settings: dict[str, Any] = {"dataset": "cifar10"} | values
    config = DataConfig(**settings)
    facts = FACTS[config.dataset]
    train, heldout = choose(source, config, facts)
    return train, heldout, resolve(config, facts, source, train, heldout)


def counts(examples: Examples | None) -> list[int]:
    return examples.class_counts(10).tolist() if examples else []


def test_digits_have_fifty_to_train_twenty_five_held_out_and_the_rest_to_test() -> None:
    data = digits()
    assert counts(data.train) == [50] * 10
    assert counts(data.heldout) == [25] * 10
    assert counts(data.test) == (np.bincount(scans()[1]) - 75).tolist()
    assert data.image_shape == (8, 8, 1)
    assert data.class_names == tuple("0123456789")


def test_fewer_digits_leave_the_test_set_alone() -> None:
    few, all_of_them = digits(per_class=5), digits()
    assert few.test.names == all_of_them.test.names
    assert few.heldout is not None
    assert all_of_them.heldout is not None
    assert few.heldout.names == all_of_them.heldout.names
    assert set(few.train.names) < set(all_of_them.train.names)


def test_another_subset_seed_draws_other_digits() -> None:
    assert set(digits(subset_seed=1).test.names) != set(digits().test.names)


def test_the_parts_of_digits_are_disjoint() -> None:
    data = digits()
    assert data.heldout is not None
    assert len({*data.train.names, *data.heldout.names, *data.test.names}) == 1797


def test_digits_can_be_held_out_from_training() -> None:
    data = digits(heldout_from="train", heldout_per_class=10)
    assert (counts(data.train), counts(data.heldout)) == ([40] * 10, [10] * 10)


def test_digits_hold_out_twenty_five_from_training_too() -> None:
    data = digits(heldout_from="train")
    assert (counts(data.train), counts(data.heldout)) == ([25] * 10, [25] * 10)
    assert data.config.heldout_per_class == 25


def test_digits_hold_out_fewer_or_none() -> None:
    assert counts(digits(heldout_per_class=3).heldout) == [3] * 10
    assert digits(heldout_per_class=0).heldout is None


def test_no_more_digits_than_are_set_aside_can_be_held_out() -> None:
    with pytest.raises(UserError, match=r"data.heldout_per_class: 26 images asked of class 0, which has 25"):
        digits(heldout_per_class=26)


def test_resolved_digits() -> None:
    config = digits().config
    assert (config.flip, config.crop_padding, config.cutout) == ("none", 1, 0)
    assert (config.heldout_per_class, config.heldout_from, config.image_size) == (25, "unused", 8)


def test_own_normalisation_is_that_of_the_training_images() -> None:
    data = digits()
    pixels = data.train.read(np.arange(len(data.train))) / 255
    assert data.config.normalisation is not None
    assert data.config.normalisation.mean[0] == pytest.approx(pixels.mean(), abs=1e-6)
    assert data.config.normalisation.std[0] == pytest.approx(pixels.std(), abs=1e-6)


@pytest.mark.parametrize("values", [{}, {"per_class": 7}, {"augment": "rand"}, {"image_size": 32}])
def test_a_resolved_section_loads_the_same_data(values: dict[str, Any]) -> None:
    first = digits(**values)
    second = load_data(first.config)
    assert (second.config, second.sha256, second.preprocessing) == (first.config, first.sha256, first.preprocessing)


def test_the_digest_sees_every_choice_of_images() -> None:
    choices: list[dict[str, Any]] = [{}, {"subset_seed": 1}, {"per_class": 49}, {"heldout_per_class": 24}]
    assert len({digits(**values).sha256 for values in [*choices, {"image_size": 9}]}) == 5
    assert digits(augment="rand").sha256 == digits().sha256


def test_digits_can_be_enlarged() -> None:
    data = digits(image_size=32)
    assert data.image_shape == (32, 32, 1)
    assert data.train.read(np.arange(3)).shape == (3, 32, 32, 1)
    assert data.preprocessing.as_json() == {
        "channels": 1,
        "resize": 32,
        "crop": [32, 32],
        "interpolation": "bilinear",
        "antialias": True,
        "fit": "crop",
    }
    assert data.config.crop_padding == 4


@pytest.mark.parametrize(("augment", "side", "cutout"), [("rand", 8, 4), ("auto", 64, 16), ("contrast", 64, 0)])
def test_cutout_belongs_to_auto_and_rand(augment: str, side: int, cutout: int) -> None:
    assert digits(augment=augment, image_size=side).config.cutout == cutout


def test_the_subset_is_stored_by_name() -> None:
    data = digits(per_class=2)
    subset = json.loads(json.dumps(data.subset()))
    assert subset["images"]["train"] == list(data.train.names)
    assert subset["class_counts"]["train"] == {str(i): 2 for i in range(10)}
    assert subset["class_counts"]["heldout"] == {str(i): 25 for i in range(10)}
    assert digits(heldout_per_class=0).subset()["images"]["heldout"] == []


@pytest.mark.parametrize(
    ("values", "trained", "held"),
    [
        ({"fraction": 0.1}, 20, 20),
        ({"fraction": 0.5}, 100, 50),
        ({"per_class": 190}, 190, 10),
        ({"per_class": 200}, 200, 0),
        ({}, 200, 0),
        ({"per_class": 30, "heldout_per_class": 7}, 30, 7),
        ({"per_class": 30, "heldout_per_class": 0}, 30, 0),
        ({"per_class": 30, "heldout_per_class": 7, "heldout_from": "train"}, 23, 7),
    ],
)
def test_held_out_images_of_cifar_subsets(values: dict[str, Any], trained: int, held: int) -> None:
    train, heldout, resolved = chosen(cifar_like(), **values)
    assert counts(train) == [trained] * 10
    assert counts(heldout) == ([held] * 10 if held else [])
    assert resolved.heldout_per_class == held
    assert not set(train.names) & set(heldout.names if heldout else ())


def test_the_long_tail_holds_nothing_out() -> None:
    train, heldout, _ = chosen(cifar_like(), imbalance=0.1)
    assert counts(train) == [int(200 * 0.1 ** (j / 9)) for j in range(10)]
    assert heldout is None


def test_more_held_out_than_unused_is_an_error() -> None:
    with pytest.raises(UserError, match=r"data.heldout_per_class: 11 images asked of class 0, which has 10"):
        chosen(cifar_like(), per_class=190, heldout_per_class=11)


def test_holding_out_all_training_images_is_an_error() -> None:
    with pytest.raises(UserError, match=r"data.heldout_per_class: 30 images asked .* at most 29"):
        chosen(cifar_like(), per_class=30, heldout_per_class=30, heldout_from="train")


def test_named_sets_have_their_constants() -> None:
    _, _, resolved = chosen(cifar_like())
    assert resolved.normalisation == FACTS["cifar10"].normalisation
    assert (resolved.flip, resolved.crop_padding, resolved.image_size) == ("horizontal", 4, 32)


def test_given_values_stay() -> None:
    own = Normalisation(mean=(0.1, 0.2, 0.3), std=(1.0, 1.0, 1.0))
    _, _, resolved = chosen(cifar_like(), normalisation=own, flip="none", crop_padding=0, cutout=3)
    assert (resolved.normalisation, resolved.flip, resolved.crop_padding, resolved.cutout) == (own, "none", 0, 3)


@pytest.mark.parametrize(
    ("values", "message"),
    [
        ({"crop_padding": 9}, "data.crop_padding: 9 is more than the images' 8 pixels"),
        ({"cutout": 9}, "data.cutout: 9 is more"),
        (
            {"normalisation": Normalisation(mean=(0.5, 0.5, 0.5), std=(1.0, 1.0, 1.0))},
            "data.normalisation: 3 values for images with 1 channels",
        ),
        ({"per_class": 51}, "data.per_class: 51 images asked of class 0, which has 50"),
    ],
)
def test_values_that_do_not_fit_the_images(values: dict[str, Any], message: str) -> None:
    with pytest.raises(UserError, match=message):
        digits(**values)


def test_a_constant_image_set_can_be_normalised() -> None:
    flat = ArrayExamples(np.full((20, 6, 6, 1), 7, np.uint8), np.arange(20) % 2, map(str, range(20)))
    assert statistics(flat) == Normalisation(mean=(round(7 / 255, 6),), std=(round(1 / 255, 6),))


def test_a_folder_holds_out_a_fifth_of_each_class(tree: Callable[..., Path]) -> None:
    root = tree("train", cats=10, dogs=3, owls=2).parent
    tree("test", cats=1, dogs=1, owls=1)
    data = load_data(DataConfig(dataset="folder", data_dir=str(root)))
    assert data.class_names == ("cats", "dogs", "owls")
    assert data.train.class_counts(3).tolist() == [8, 2, 2]
    assert data.heldout is not None
    assert data.heldout.class_counts(3).tolist() == [2, 1, 0]
    assert data.config.heldout_per_class is None
    assert load_data(data.config).sha256 == data.sha256


def test_own_images_that_only_test_have_no_normalisation(tree: Callable[..., Path]) -> None:
    data = load_data(DataConfig(dataset="folder", data_dir=str(tree("test", cats=3, dogs=3).parent)))
    assert (len(data.train), data.heldout, len(data.test)) == (0, None, 6)
    assert data.config.normalisation is None
    assert load_data(data.config).config == data.config


def test_small_files_are_in_memory_and_large_ones_are_not(tree: Callable[..., Path]) -> None:
    root = tree("small", cats=5, dogs=5)
    data = load_data(DataConfig(dataset="folder", data_dir=str(root)))
    assert isinstance(data.train, ArrayExamples)
    large = load_data(DataConfig(dataset="folder", data_dir=str(root), image_size=70))
    assert isinstance(large.train, FileExamples)
    assert large.config.crop_padding is None
    assert large.preprocessing.resize == 80
    assert large.preprocessing.crop == (70, 70)
    assert load_data(large.config).config == large.config


def test_r16_a_changed_pixel_changes_the_digest(tree: Callable[..., Path], paint: Callable[..., Path]) -> None:
    root = tree("train", cats=5, dogs=5).parent
    tree("test", cats=2, dogs=2)
    config = DataConfig(dataset="folder", data_dir=str(root))
    before = load_data(config).sha256
    paint("test/cats/0.png", 999)
    assert load_data(config).sha256 != before


def test_a_damaged_large_image_is_found_before_training(tree: Callable[..., Path]) -> None:
    root = tree("pets", size=(90, 90), cats=5, dogs=5)
    whole = (root / "dogs" / "2.png").read_bytes()
    (root / "dogs" / "2.png").write_bytes(whole[: len(whole) // 2])
    with pytest.raises(UserError, match=r"image dogs/2.png cannot be read"):
        load_data(DataConfig(dataset="folder", data_dir=str(root)))


@pytest.mark.parametrize("side", [16, 80])
def test_padded_photographs_are_other_images_for_the_network(tree: Callable[..., Path], side: int) -> None:
    root = tree("pets", size=(12, 8), cats=5, dogs=5)
    config = DataConfig(dataset="folder", data_dir=str(root), image_size=side)
    cropped, padded = load_data(config), load_data(config.model_copy(update={"fit": "pad"}))
    assert (padded.preprocessing.fit, padded.config.fit) == ("pad", "pad")
    assert padded.sha256 != cropped.sha256
    top = padded.test.read(np.arange(2))[:, : side // 6 - 1]
    assert not top.any()
    again = load_data(padded.config)
    assert (again.sha256, again.preprocessing) == (padded.sha256, padded.preprocessing)


def folds(count: int, **values: Any) -> list[Data]:
    return [load_data(DataConfig(**values, fold=(which, count))) for which in range(1, count + 1)]


def names(examples: Examples | None) -> set[str]:
    return set(examples.names) if examples else set()


def of_own_files(tree: Callable[..., Path]) -> dict[str, Any]:
    tree("test", cats=3, dogs=3)
    return {"dataset": "folder", "data_dir": str(tree("train", cats=11, dogs=7).parent)}


def of_one_tree(tree: Callable[..., Path]) -> dict[str, Any]:
    return {"dataset": "folder", "data_dir": str(tree("photos", cats=14, dogs=9))}


def of_large_files(tree: Callable[..., Path]) -> dict[str, Any]:
    return {"dataset": "folder", "data_dir": str(tree("photos", size=(70, 70), cats=8, dogs=6)), "image_size": 66}


def of_digits(tree: Callable[..., Path]) -> dict[str, Any]:
    return {"dataset": "digits", "per_class": 5}


def of_arrays(tree: Callable[..., Path]) -> dict[str, Any]:
    path = tree("npz", cats=1).parent / "own.npz"
    images = np.random.RandomState(0).randint(0, 256, (30, 8, 8, 3), np.uint8)
    np.savez(path, x_train=images[:24], y_train=np.arange(24) % 2, x_test=images[24:], y_test=np.arange(6) % 2)
    return {"dataset": "npz", "data_dir": str(path)}


@pytest.mark.parametrize("kind", [of_own_files, of_one_tree, of_large_files, of_digits, of_arrays])
@pytest.mark.parametrize("count", [2, 3, 5])
def test_folds_share_out_the_training_and_held_out_images(
    tree: Callable[..., Path], kind: Callable[..., dict[str, Any]], count: int
) -> None:
    values = kind(tree)
    plain, found = load_data(DataConfig(**values)), folds(count, **values)
    pool = names(plain.train) | names(plain.heldout)
    held = [name for fold in found for name in sorted(names(fold.heldout))]
    assert sorted(held) == sorted(pool)
    classes = len(plain.class_names)
    assert np.ptp([fold.heldout.class_counts(classes) for fold in found if fold.heldout], axis=0).max() <= 1
    for fold in found:
        assert names(fold.train) == pool - names(fold.heldout)
        assert fold.test.names == plain.test.names
        assert not names(fold.test) & pool
    assert len({fold.sha256 for fold in (plain, *found)}) == count + 1


@pytest.mark.parametrize("kind", [of_own_files, of_large_files, of_digits, of_arrays])
def test_a_fold_is_drawn_again_from_its_own_config(
    tree: Callable[..., Path], kind: Callable[..., dict[str, Any]]
) -> None:
    for fold in folds(2, **kind(tree)):
        again = load_data(DataConfig.model_validate_json(fold.config.model_dump_json()))
        assert (again.sha256, again.config) == (fold.sha256, fold.config)


def test_a_fold_holds_the_pixels_of_its_names_under_their_labels() -> None:
    images, labels = scans()
    for fold in folds(3, per_class=5):
        for part in (fold.train, fold.heldout):
            assert part is not None
            own = np.array(part.names, int)
            assert (part.read(np.arange(len(part))) == images[own]).all()
            assert (part.labels == labels[own]).all()


def test_the_statistics_of_a_fold_are_those_of_the_images_it_trains_on() -> None:
    for fold in folds(2, per_class=5):
        assert fold.config.normalisation == statistics(fold.train)


def test_without_held_out_images_folds_share_out_what_is_trained_on() -> None:
    assert sum(len(fold.heldout or ()) for fold in folds(5, per_class=6, heldout_per_class=0)) == 60


def test_the_val_list_is_shared_out_too(paint: Callable[..., Path], tmp_path: Path) -> None:
    """What a source sets aside itself is of the pool, and decoded like the rest."""
    for part, count in (("train0", 4), ("val0", 2), ("test0", 1), ("trainval0", 0)):
        images = [(f"{part}_{label}_{i}", label) for label in range(10) for i in range(count)]
        for seed, (name, _) in enumerate(images):
            paint(f"2750/AnnualCrop/{name}.jpg", seed, size=(64, 64))
        (tmp_path / f"{part}.txt").write_text("\n".join(f"{name} {label}" for name, label in images))
    values: dict[str, Any] = {"dataset": "eurosat", "data_dir": str(tmp_path), "train_part": "train"}
    plain, found = load_data(DataConfig(**values)), folds(3, **values)
    assert [counts(fold.heldout) for fold in found] == [[2] * 10] * 3
    assert set().union(*(names(fold.heldout) for fold in found)) == names(plain.train) | names(plain.heldout)


def test_what_only_tests_has_no_folds(tree: Callable[..., Path]) -> None:
    with pytest.raises(UserError, match=r"has test images only; remove .* and fold"):
        load_data(DataConfig(dataset="folder", data_dir=str(tree("test", cats=3, dogs=3).parent), fold=(1, 2)))
