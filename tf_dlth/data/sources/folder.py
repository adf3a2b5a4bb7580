"""A user's own image files: ``train/`` and ``test/``, one tree of class folders, or two list files."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from pathlib import Path

from tf_dlth.config import DataConfig
from tf_dlth.data import subsets
from tf_dlth.data.examples import Examples
from tf_dlth.data.images import Preprocessing
from tf_dlth.data.labels import refuse_gaps, refuse_unknown
from tf_dlth.data.sources import files, layout
from tf_dlth.data.sources.arrays import preprocessing_for
from tf_dlth.data.sources.files import FileIndex, Header, Listing
from tf_dlth.data.sources.source import Source, check_class_names, no_examples, required_dir
from tf_dlth.errors import UserError, printable

LAYOUT = "a folder with train/CLASS/ and test/CLASS/, a folder of class folders, or train_list and test_list"


def load(config: DataConfig) -> Source:
    """Channels and size are the images' own: gray if every image is, one size unless image_size is set."""
    root = files.existing_dir(required_dir(config, LAYOUT))
    names, train, test = _parts(config, root)
    skipped = {} if config.train_list else layout.skipped(root, train.paths + test.paths, _depth(root))
    headers = files.headers(train.paths + test.paths, train.names + test.names)
    preprocessing = _preprocessing(config, headers, train.names + test.names)
    training = train.examples(preprocessing) if train.paths else no_examples(preprocessing.image_shape)
    sizes = Counter(size for _, size in headers)
    return Source("folder", names, training, test.examples(preprocessing), None, preprocessing, skipped, sizes)


def labelled(folder: Path, preprocessing: Preprocessing) -> tuple[tuple[str, ...], Examples]:
    """The classes and all images of a tree of class folders; of one with ``test/``, the images of that."""
    layout.refuse_other_layouts(folder)
    tree = folder / "test" if (folder / "test").is_dir() else folder
    names = tuple(files.class_folders(tree))
    check_class_names(names)
    layout.refuse_empty_folders(tree, names)
    return names, files.list_tree(tree, folder, names).examples(preprocessing)


def _depth(root: Path) -> int:
    return 2 if (root / "train").is_dir() or (root / "test").is_dir() else 1


def _parts(config: DataConfig, root: Path) -> tuple[tuple[str, ...], Listing, Listing]:
    if config.train_list or config.test_list:
        return _by_lists(config, root)
    layout.refuse_other_layouts(root)
    return _by_folders(root) if _depth(root) == 2 else _by_seed(config, root)


def _by_lists(config: DataConfig, root: Path) -> tuple[tuple[str, ...], Listing, Listing]:
    if config.train_list is None or config.test_list is None:
        missing = "train_list" if config.train_list is None else "test_list"
        raise UserError(f"data.{missing} is missing: a folder with lists needs train_list and test_list")
    index = FileIndex(root)
    train_file = files.find_list(config.train_list, root, "data.train_list")
    test_file = files.find_list(config.test_list, root, "data.test_list")
    train, test = (files.listed(file, index) for file in (train_file, test_file))
    classes = int(train.labels.max()) + 1
    refuse_gaps(train.labels, classes, train_file)
    refuse_unknown(test.labels, classes, test_file)
    return _names_by_folder(train, classes), train, test


def _names_by_folder(train: Listing, classes: int) -> tuple[str, ...]:
    """The folder's name where each label has one folder of its own, else the label."""
    folders = [
        {path.parent.name for path, own in zip(train.paths, train.labels, strict=True) if own == label}
        for label in range(classes)
    ]
    names = tuple(min(folder) for folder in folders)
    if len(set(names)) == classes and all(len(folder) == 1 for folder in folders):
        return names
    return tuple(map(str, range(classes)))


def _by_folders(root: Path) -> tuple[tuple[str, ...], Listing, Listing]:
    """``test/`` alone is a set to evaluate on."""
    train_tree, test_tree = root / "train", root / "test"
    if not test_tree.is_dir():
        raise UserError(
            f"{root} has train/ but no test/; add it, or set data.data_dir to {train_tree} to have "
            "20 % of its images test"
        )
    tested = files.class_folders(test_tree)
    names = tuple(files.class_folders(train_tree)) if train_tree.is_dir() else tuple(tested)
    _refuse_new_classes(tested, names, test_tree, train_tree)
    layout.refuse_empty_folders(test_tree, tested)
    if train_tree.is_dir():
        layout.refuse_empty_folders(train_tree, names)
    return names, files.list_tree(train_tree, root, names), files.list_tree(test_tree, root, names)


def _refuse_new_classes(tested: Sequence[str], names: Sequence[str], test_tree: Path, train_tree: Path) -> None:
    if new := sorted(set(tested) - set(names)):
        raise UserError(
            f"class {printable(new[0])} is in {test_tree} but not in {train_tree}; add or remove its folder"
        )


def _by_seed(config: DataConfig, root: Path) -> tuple[tuple[str, ...], Listing, Listing]:
    names = tuple(files.class_folders(root))
    layout.refuse_empty_folders(root, names)
    everything = files.list_tree(root, root, names)
    train, test = subsets.fifth_split(everything.labels, names, config.subset_seed)
    return names, everything.take(train), everything.take(test)


def _preprocessing(config: DataConfig, headers: Sequence[Header], names: Sequence[str]) -> Preprocessing:
    channels = files.own_channels(headers)
    sizes = [size for _, size in headers]
    size = sizes[0] if config.image_size else files.common_size(sizes, names)
    return preprocessing_for(config, (*size, channels))
