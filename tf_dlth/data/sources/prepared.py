"""Datasets prepared by tensorflow_datasets."""

from __future__ import annotations

import contextlib
import io
import logging
import os
import urllib.error
import urllib.request
from collections.abc import Iterable, Iterator
from functools import partial
from typing import Any

import numpy as np
import tensorflow as tf

from tf_dlth.data.examples import ArrayExamples, Examples
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


class PreparedExamples(Examples):
    """Images as they are stored, bytes object [N]: those that are taken are decoded, which is most of the work."""

    def __init__(self, builder: Any, encoded: np.ndarray, labels: np.ndarray, names: Iterable[str]) -> None:
        super().__init__(labels, names)
        self._builder, self._encoded = builder, encoded

    @property
    def image_shape(self) -> tuple[int, int, int]:
        return self._builder.info.features["image"].shape

    def take(self, indices: np.ndarray) -> ArrayExamples:
        return ArrayExamples(self.read(indices), self.labels[indices], self.chosen_names(indices))

    def in_memory(self) -> ArrayExamples:
        return self.take(np.arange(len(self)))

    def read(self, indices: np.ndarray) -> np.ndarray:
        images = np.empty((len(indices), *self.image_shape), np.uint8)
        decode = self._builder.info.features["image"].decode_example
        with _damage_told(self._builder):
            stored = tf.data.Dataset.from_tensor_slices(self._encoded[indices])
            decoded = stored.map(decode, num_parallel_calls=os.cpu_count(), deterministic=True).batch(BATCH)
            for start, batch in zip(range(0, len(indices), BATCH), decoded.as_numpy_iterator(), strict=True):
                images[start : start + BATCH] = batch
        return images

    def digests(self) -> list[bytes]:
        return self.in_memory().digests()


def read_split(builder: Any, split: str, name_key: str) -> PreparedExamples:
    """The images of a split with their labels and names, in the order of the names."""
    with quiet(), _damage_told(builder):
        parts = list(_records(builder, split, name_key))
    names = np.concatenate([part[name_key] for part in parts])
    order = np.argsort(names, kind="stable")
    encoded, labels = (np.concatenate([part[key] for part in parts])[order] for key in ("image", "label"))
    where = f"dataset {builder.name}: labels"
    return PreparedExamples(builder, encoded, whole_labels(labels, where), [name.decode() for name in names[order]])


def _records(builder: Any, split: str, name_key: str) -> Iterator[Any]:
    """The stored fields by name, arrays [n], some records at a time."""
    import tensorflow_datasets as tfds

    if builder.info.file_format is tfds.core.FileFormat.TFRECORD:  # parsed together: ten times as fast as one by one
        kinds = {"image": tf.string, "label": tf.int64, name_key: tf.string}
        fields = {key: tf.io.FixedLenFeature([], kind) for key, kind in kinds.items()}
        files = [str(path) for path in builder.info.splits[split].filepaths]
        return tf.data.TFRecordDataset(files).batch(BATCH).map(partial(_parsed, fields)).as_numpy_iterator()
    stored = {"image": tfds.decode.SkipDecoding()}
    config = tfds.ReadConfig(try_autocache=False)
    return builder.as_dataset(
        split=split, batch_size=BATCH, shuffle_files=False, read_config=config, decoders=stored
    ).as_numpy_iterator()


def _parsed(fields: dict[str, Any], records: tf.Tensor) -> Any:
    return tf.io.parse_example(records, fields)


@contextlib.contextmanager
def _damage_told(builder: Any) -> Iterator[None]:
    try:
        yield
    except Exception as error:  # whatever the libraries of tensorflow_datasets raise
        reason = printable(" ".join(str(error).split()), 160)
        raise UserError(f"{builder.data_path} is damaged ({reason}); prepare dataset {builder.name} anew") from None


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
