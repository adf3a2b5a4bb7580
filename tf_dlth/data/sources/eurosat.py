"""EuroSAT's RGB images: a folder with DEIC's lists, or ``eurosat/rgb`` of tensorflow_datasets."""

from __future__ import annotations

from pathlib import Path

import numpy as np

from tf_dlth.config import DataConfig
from tf_dlth.data import subsets
from tf_dlth.data.labels import refuse_gaps
from tf_dlth.data.sources import deic, files
from tf_dlth.data.sources.arrays import at_image_size
from tf_dlth.data.sources.prepared import prepared_builder, read_split
from tf_dlth.data.sources.source import Source
from tf_dlth.errors import UserError, printable

TRAINING_PER_CLASS = 50
"""DEIC's count, where there is no list."""


def load(config: DataConfig) -> Source:
    """From image files if ``data_dir`` holds them, else as tensorflow_datasets prepared them."""
    folder = _image_folder(config)
    if folder is None:
        return _prepared(config)
    if config.train_list or any(folder.parent.glob("train*.txt")) or any(folder.glob("train*.txt")):
        return deic.load(config)
    return _by_seed(config, folder)


def _image_folder(config: DataConfig) -> Path | None:
    if config.data_dir is None or not Path(config.data_dir).is_dir():
        return None
    benchmark = deic.BENCHMARKS["eurosat"]
    folder = deic.image_folder(Path(config.data_dir), benchmark)
    return folder if (folder / benchmark.class_names[0]).is_dir() else None


def _by_seed(config: DataConfig, folder: Path) -> Source:
    names = deic.BENCHMARKS["eurosat"].class_names
    everything = files.list_tree(folder, folder, names)
    refuse_gaps(everything.labels, len(names), folder)
    preprocessing = deic.preprocessing_of(config)
    train, test = subsets.leading_split(everything.labels, len(names), config.subset_seed, (TRAINING_PER_CLASS,))
    training, testing = (everything.take(part).examples(preprocessing) for part in (train, test))
    return Source("eurosat", names, training, testing, None, preprocessing)


def _prepared(config: DataConfig) -> Source:
    """The prepared set has one split, so its file names are matched to the lists."""
    builder = prepared_builder("eurosat/rgb", config.data_dir, f", or to {deic.layout(config)}")
    examples, preprocessing = at_image_size(config, read_split(builder, "train", "filename"))
    train, test = _positions(config, examples.labels, np.array(examples.names))
    class_names = deic.BENCHMARKS["eurosat"].class_names
    return Source("eurosat", class_names, examples.take(train), examples.take(test), None, preprocessing)


def _positions(config: DataConfig, labels: np.ndarray, names: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    if config.train_list is None and config.test_list is None:
        train, test = subsets.leading_split(labels, 10, config.subset_seed, (TRAINING_PER_CLASS,))
        return train, test
    if config.train_list is None or config.test_list is None:
        raise UserError("data.train_list and data.test_list go together for a prepared eurosat; set both or none")
    root = Path(config.data_dir or ".")
    given = ((config.train_list, "data.train_list"), (config.test_list, "data.test_list"))
    train, test = (deic.listed_positions(names, files.find_list(path, root, field)) for path, field in given)
    if shared := set(train.tolist()) & set(test.tolist()):
        raise UserError(
            f"image {printable(str(names[min(shared)]))} is in {config.train_list} and in {config.test_list}; "
            "remove it from one of them"
        )
    return train, test
