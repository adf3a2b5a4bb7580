"""On which images a classifier is measured; its own preprocessing decides how it sees them."""

from __future__ import annotations

from pathlib import Path

import numpy as np

from tf_dlth.config import DataConfig
from tf_dlth.config.naming import is_dataset
from tf_dlth.data import Examples, load_data
from tf_dlth.data.sources import load_source
from tf_dlth.data.sources.folder import labelled
from tf_dlth.errors import UserError
from tf_dlth.evaluation.subject import Subject


def read_images(subject: Subject, data: str | None, config: DataConfig | None) -> Examples:
    """What :func:`named_data` found for ``data``: the subject's own test images for None, others by name."""
    if data is None:
        assert config is not None, "the subject's own data has a config"
        return own_images(subject, config)
    return other_images(subject, data, config)


def own_images(subject: Subject, config: DataConfig) -> Examples:
    """The test images that it was tested on; raises UserError when they are others than in training."""
    loaded = load_data(config)
    if subject.data_sha256 not in (None, loaded.sha256):
        raise UserError(
            f"the images are not those that {subject.path} was trained and tested with: expected SHA-256 "
            f"{subject.data_sha256}, found {loaded.sha256}; restore them, or measure on others with --data"
        )
    return _seen_by(subject, loaded.class_names, loaded.test)


def other_images(subject: Subject, data: str, config: DataConfig | None) -> Examples:
    """The test images of the dataset that ``config`` names, or all of the folder ``data``.

    They may show fewer classes than the subject knows; raises UserError for others.
    """
    if is_folder(data, config):
        folder = config.data_dir if config else data
        if folder is None:
            raise UserError("--data folder: name the folder itself, --data FOLDER")
        names, examples = labelled(Path(folder), subject.preprocessing)
    else:
        assert config is not None, "a name"
        source = load_source(config)
        names, examples = source.class_names, source.test
    if unknown := sorted(set(names) - set(subject.class_names)):
        raise UserError(
            f"--data {data} has the classes {_listed(names)}, but {subject.path} knows {_listed(subject.class_names)}, "
            f"not {unknown[0]}"
        )
    return _seen_by(subject, names, examples)


def is_folder(data: str | None, config: DataConfig | None) -> bool:
    """Whether all images of a folder are meant, which ``--data folder --data-dir FOLDER`` says too."""
    return data is not None and (config is None or config.dataset == "folder")


def named_data(subject: Subject, data: str | None, data_dir: str | None) -> DataConfig | None:
    """The subject's own data where ``data`` is None, a dataset by name, or None for a folder of images.

    Raises UserError where there is none of them.
    """
    if data is None:
        if subject.data is None:
            raise UserError(f"{subject.path} does not say where its images are; name them with --data NAME or FOLDER")
        config = subject.data
    elif is_dataset(data):
        config = DataConfig.model_validate({"dataset": data})
    else:
        return None
    return config if data_dir is None else config.model_copy(update={"data_dir": data_dir})


def _seen_by(subject: Subject, names: tuple[str, ...], examples: Examples) -> Examples:
    """The images as the subject sees them, under its numbers of the classes."""
    numbers = np.array([subject.class_names.index(name) for name in names])
    return examples.prepared_by(subject.preprocessing).relabelled(numbers[examples.labels])


def _listed(names: tuple[str, ...]) -> str:
    shown = ", ".join(names[:5])
    return shown if len(names) <= 5 else f"{shown}, ... ({len(names)} in all)"
