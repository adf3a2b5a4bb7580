"""CIFAR-10 and CIFAR-100 through tensorflow_datasets, in their official order."""

from __future__ import annotations

from tf_dlth.config import DataConfig
from tf_dlth.data.sources.arrays import at_image_size
from tf_dlth.data.sources.prepared import prepared_builder, read_split
from tf_dlth.data.sources.source import Source


def load(config: DataConfig) -> Source:
    """The ids carry the official index, so their order is the order of the published files."""
    builder = prepared_builder(config.dataset, config.data_dir)
    train, preprocessing = at_image_size(config, read_split(builder, "train", "id"))
    test, _ = at_image_size(config, read_split(builder, "test", "id").in_memory())
    names = tuple(builder.info.features["label"].names)
    return Source(config.dataset, names, train, test, None, preprocessing)
