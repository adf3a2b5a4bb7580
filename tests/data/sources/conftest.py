"""Datasets in the layout of tensorflow_datasets, written by its own writer."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

import tf_dlth  # noqa: F401 - binds TensorFlow to Keras 2

Store = Callable[..., Path]


@pytest.fixture(scope="session")
def store() -> Store:
    """Writes ``{split: examples}`` under a real dataset's name, version and configuration."""

    def write(data_dir: Path, name: str, version: str, features: Any, splits: dict[str, list[Any]], **own: Any) -> Path:
        from tf_dlth.data.sources.prepared import quiet

        with quiet():
            import tensorflow_datasets as tfds

            tfds.dataset_builders.store_as_tfds_dataset(
                name=name,
                version=version,
                data_dir=str(data_dir),
                features=tfds.features.FeaturesDict(features),
                split_datasets={split: list(enumerate(examples)) for split, examples in splits.items()},
                **own,
            )
        return data_dir

    return write
