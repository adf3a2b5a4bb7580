from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from tf_dlth.config import DataConfig
from tf_dlth.data import load_data
from tf_dlth.data.sources import Source, load_source
from tf_dlth.errors import UserError

Paint = Callable[..., Path]
Tree = Callable[..., Path]


def folder(root: Path, **values: Any) -> Source:
    return load_source(DataConfig(dataset="folder", data_dir=str(root), **values))


def write(path: Path, *lines: str) -> str:
    path.write_text("".join(f"{line}\n" for line in lines), encoding="utf-8")
    return path.name


def test_train_and_test_folders(tree: Tree) -> None:
    root = tree("train", dogs=2, cats=3).parent
    tree("test", dogs=1)
    source = folder(root)
    assert source.class_names == ("cats", "dogs")
    assert source.train.names == (
        "train/cats/0.png",
        "train/cats/1.png",
        "train/cats/2.png",
        "train/dogs/0.png",
        "train/dogs/1.png",
    )
    assert source.train.labels.tolist() == [0, 0, 0, 1, 1]
    assert source.test.labels.tolist() == [1]
    assert source.preprocessing.image_shape == (8, 8, 3)


def test_a_single_tree_is_split_by_seed(tree: Tree) -> None:
    root = tree("pets", cats=10, dogs=5)
    source = folder(root)
    assert source.test.class_counts(2).tolist() == [2, 1]
    assert sorted(source.train.names + source.test.names) == sorted(
        [f"cats/{i}.png" for i in range(10)] + [f"dogs/{i}.png" for i in range(5)]
    )
    assert folder(root).test.names == source.test.names
    assert any(folder(root, subset_seed=s).test.names != source.test.names for s in range(1, 4))


def test_lists_name_the_images(tree: Tree) -> None:
    root = tree("pets", cats=4, dogs=4)
    train = write(root / "a.txt", "cats/0 0", "cats/1.png 0", "dogs/3 1")
    test = write(root / "b.txt", "dogs/0 1")
    source = folder(root, train_list=train, test_list=test)
    assert source.class_names == ("cats", "dogs")
    assert source.train.names == ("cats/0.png", "cats/1.png", "dogs/3.png")
    assert source.test.labels.tolist() == [1]


def test_classes_without_folders_of_their_own_are_numbered(paint: Paint, tmp_path: Path) -> None:
    for i in range(4):
        paint(f"{i}.png", i)
    train = write(tmp_path / "a.txt", "0 0", "1 1")
    test = write(tmp_path / "b.txt", "2 0", "3 1")
    assert folder(tmp_path, train_list=train, test_list=test).class_names == ("0", "1")


def test_a_test_folder_alone_is_a_set_to_evaluate_on(tree: Tree) -> None:
    source = folder(tree("test", cats=2, dogs=2).parent)
    assert (len(source.train), len(source.test)) == (0, 4)
    assert source.class_names == ("cats", "dogs")


def test_other_files_are_left_alone(tree: Tree) -> None:
    root = tree("pets", cats=5, dogs=5)
    (root / "README.txt").write_text("x")
    (root / ".git").mkdir()
    (root / "cats" / "notes.csv").write_text("x")
    (root / "cats" / "._0.png").write_text("x")
    source = folder(root)
    assert source.class_names == ("cats", "dogs")
    assert len(source.train) + len(source.test) == 10


def test_gray_images_have_one_channel(tree: Tree) -> None:
    assert folder(tree("pets", mode="L", cats=5, dogs=5)).preprocessing.channels == 1


@pytest.mark.parametrize("mode", ["L", "RGBA", "P", "LA"])
def test_other_modes_among_rgb_become_rgb(tree: Tree, paint: Paint, mode: str) -> None:
    root = tree("pets", cats=5, dogs=5)
    paint("pets/dogs/2.png", 77, mode=mode)
    data = load_data(DataConfig(dataset="folder", data_dir=str(root)))
    assert data.image_shape == (8, 8, 3)


def test_sixteen_bits_among_rgb(tree: Tree) -> None:
    from PIL import Image

    root = tree("pets", cats=5, dogs=5)
    Image.fromarray(np.arange(64, dtype=np.uint16).reshape(8, 8) * 1000).save(root / "dogs" / "2.png")
    assert load_data(DataConfig(dataset="folder", data_dir=str(root))).image_shape == (8, 8, 3)


def test_mixed_sizes_need_an_image_size(tree: Tree, paint: Paint) -> None:
    root = tree("pets", cats=5, dogs=5)
    paint("pets/dogs/4.png", size=(9, 8))
    with pytest.raises(UserError, match=r"differ in size: .* is 8 x 8, dogs/4.png is 9 x 8 .* set data.image_size"):
        folder(root)
    assert folder(root, image_size=16).preprocessing.image_shape == (16, 16, 3)


def test_oblong_images_of_one_size_stay_oblong(tree: Tree) -> None:
    root = tree("pets", size=(12, 8), cats=5, dogs=5)
    data = load_data(DataConfig(dataset="folder", data_dir=str(root)))
    assert data.image_shape == (8, 12, 3)
    assert data.config.image_size is None
    assert data.config.crop_padding == 1


def test_missing_data_dir() -> None:
    with pytest.raises(UserError, match=r"data.data_dir is missing: folder needs a folder with train/CLASS/"):
        load_source(DataConfig(dataset="folder"))


def test_absent_data_dir(tmp_path: Path) -> None:
    with pytest.raises(UserError, match=r"data.data_dir: folder .*nowhere does not exist"):
        folder(tmp_path / "nowhere")


def test_an_empty_class_folder_is_named(tree: Tree) -> None:
    root = tree("pets", cats=5, dogs=5)
    (root / "owls").mkdir()
    with pytest.raises(UserError, match=r"class folder .*pets/owls holds no images \(.jpg, "):
        folder(root)


def test_a_folder_without_class_folders(paint: Paint, tmp_path: Path) -> None:
    paint("a.png")
    with pytest.raises(UserError, match="holds no class folders"):
        folder(tmp_path)


def test_a_class_that_only_tests_is_named(tree: Tree) -> None:
    root = tree("train", cats=2, dogs=2).parent
    tree("test", cats=1, owls=1)
    with pytest.raises(UserError, match=r"class owls is in .*test but not in .*train"):
        folder(root)


def test_train_without_test(tree: Tree) -> None:
    with pytest.raises(UserError, match=r"has train/ but no test/; add it, or set data.data_dir to .*train"):
        folder(tree("train", cats=2, dogs=2).parent)


def test_an_unreadable_image_is_named(tree: Tree) -> None:
    root = tree("pets", cats=5, dogs=5)
    (root / "cats" / "3.png").write_text("not an image")
    with pytest.raises(UserError, match=r"image cats/3.png cannot be read"):
        folder(root)


def test_one_list_needs_the_other(tree: Tree) -> None:
    root = tree("pets", cats=5, dogs=5)
    with pytest.raises(UserError, match=r"data.test_list is missing"):
        folder(root, train_list=write(root / "a.txt", "cats/0 0"))


def test_a_listed_image_that_is_missing(tree: Tree) -> None:
    root = tree("pets", cats=5)
    names = write(root / "a.txt", "cats/0 0", "cats/9 0")
    with pytest.raises(UserError, match=r"a.txt lists cats/9, but there is no such image"):
        folder(root, train_list=names, test_list=write(root / "b.txt", "cats/1 0"))


def test_labels_with_gaps(tree: Tree) -> None:
    root = tree("pets", cats=5)
    names = write(root / "a.txt", "cats/0 0", "cats/1 2")
    with pytest.raises(UserError, match=r"a.txt: labels must run from 0 to 2 without gaps, and 1 has no image"):
        folder(root, train_list=names, test_list=write(root / "b.txt", "cats/2 0"))


def test_a_label_that_only_tests(tree: Tree) -> None:
    root = tree("pets", cats=5)
    names = write(root / "b.txt", "cats/2 1")
    with pytest.raises(UserError, match=r"b.txt: label 1 is not among the 1 classes"):
        folder(root, train_list=write(root / "a.txt", "cats/0 0"), test_list=names)


def test_one_image_in_both_lists(tree: Tree) -> None:
    root = tree("pets", cats=5, dogs=5)
    train = write(root / "a.txt", "cats/0 0", "dogs/0 1")
    config = DataConfig(
        dataset="folder", data_dir=str(root), train_list=train, test_list=write(root / "b.txt", "cats/0 0")
    )
    with pytest.raises(UserError, match=r"images cats/0.png \(train\) and cats/0.png \(test\) are identical"):
        load_data(config)


def test_the_pictures_sizes_are_counted(tree: Tree, paint: Paint) -> None:
    root = tree("pets", size=(12, 8), cats=5, dogs=5)
    paint("pets/dogs/4.png", size=(9, 8))
    assert folder(root, image_size=16).sizes == {(8, 12): 9, (8, 9): 1}
