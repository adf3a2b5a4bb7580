"""Datasets prepared by tensorflow_datasets."""

from __future__ import annotations

import contextlib
import io
import logging
import urllib.error
import urllib.request
from collections.abc import Iterator
from typing import Any

import numpy as np

from tf_dlth.data.labels import whole_labels
from tf_dlth.errors import DataAbsent, UserError, printable

BATCH = 1000
SECONDS_TO_ANSWER = 10


def prepared_builder(name: str, data_dir: str | None, otherwise: str = "") -> Any:
    """The builder of a set that is on the disk, or is downloaded by its builder now.

    Raises DataAbsent with the folder that is needed, or what will do ``otherwise``, when there is neither.
    """
    with quiet():
        import tensorflow_datasets as tfds

        builder = tfds.builder(name, data_dir=data_dir)
        if not builder.data_path.exists():
            _download(builder, name, otherwise)
    return builder


def _download(builder: Any, name: str, otherwise: str) -> None:
    try:
        _require_network(builder)
        builder.download_and_prepare()
    except Exception as error:  # the builders of tensorflow_datasets raise whatever their libraries do
        reason = printable(" ".join(str(error).split()), 160)
        raise DataAbsent(
            f"dataset {name} is not prepared ({builder.data_path} does not exist) and cannot be downloaded "
            f"({reason}); run `tfds build {name}` where there is a network and set data.data_dir to the "
            f"folder that tensorflow_datasets wrote to{otherwise}"
        ) from None


def _require_network(builder: Any) -> None:
    """One attempt to reach the first file's host: TFDS itself would try for minutes."""
    for url in list(builder.url_infos)[:1]:
        with contextlib.suppress(urllib.error.HTTPError):
            request = urllib.request.Request(url, method="HEAD")
            urllib.request.urlopen(request, timeout=SECONDS_TO_ANSWER).close()


def read_split(builder: Any, split: str, name_key: str) -> tuple[np.ndarray, np.ndarray, list[str]]:
    """uint8 images [N, H, W, C], int32 labels and names of a split, in the order of the names."""
    with quiet():
        import tensorflow_datasets as tfds

        config = tfds.ReadConfig(try_autocache=False)
        try:
            batches = builder.as_dataset(split=split, batch_size=BATCH, shuffle_files=False, read_config=config)
            parts = list(batches.as_numpy_iterator())
        except Exception as error:  # whatever the libraries of tensorflow_datasets raise
            reason = printable(" ".join(str(error).split()), 160)
            raise UserError(f"{builder.data_path} is damaged ({reason}); prepare dataset {builder.name} anew") from None
    names = np.concatenate([part[name_key] for part in parts])
    order = np.argsort(names, kind="stable")
    images = np.concatenate([part["image"] for part in parts])[order]
    labels = np.concatenate([part["label"] for part in parts])[order]
    return images, whole_labels(labels, f"dataset {builder.name}: labels"), [name.decode() for name in names[order]]


@contextlib.contextmanager
def quiet() -> Iterator[None]:
    """Keeps the progress bars, prints and log lines of tensorflow_datasets off the terminal."""
    disabled = logging.root.manager.disable
    logging.disable(logging.WARNING)
    try:
        with contextlib.redirect_stdout(io.StringIO()), contextlib.redirect_stderr(io.StringIO()):
            yield
    finally:
        logging.disable(disabled)
