"""ImageNet 2012 as tensorflow_datasets prepared it, read record by record; it need not fit into memory."""

from __future__ import annotations

import hashlib
import struct
from collections.abc import Iterable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Self

import numpy as np

from tf_dlth.config import DataConfig
from tf_dlth.data.examples import EncodedExamples
from tf_dlth.data.images import Preprocessing
from tf_dlth.data.sources import files
from tf_dlth.data.sources.deic import listed_positions, preprocessing_of
from tf_dlth.data.sources.prepared import prepared_builder
from tf_dlth.data.sources.source import Source
from tf_dlth.errors import UserError

HEADER = struct.Struct("<QI")
"""A TFRecord's length and the checksum of the length; the data and their checksum follow."""
MANUAL = (
    "; before that put ILSVRC2012_img_train.tar and ILSVRC2012_img_val.tar of image-net.org into the "
    "folder's downloads/manual"
)
INDEX = "tf_dlth_index_{split}.npz"


@dataclass(frozen=True)
class RecordIndex:
    """Where each image's record lies: shard number, offset, length, and the record's own CRC-32C."""

    shards: tuple[str, ...]
    shard: np.ndarray
    offset: np.ndarray
    length: np.ndarray
    crc: np.ndarray

    def take(self, indices: np.ndarray) -> RecordIndex:
        """The records at these positions."""
        return RecordIndex(self.shards, *(a[indices] for a in (self.shard, self.offset, self.length, self.crc)))


class RecordExamples(EncodedExamples):
    """Images inside TFRecord files."""

    def __init__(
        self, records: RecordIndex, labels: np.ndarray, names: Iterable[str], preprocessing: Preprocessing
    ) -> None:
        super().__init__(labels, names, preprocessing)
        self.records = records

    def take(self, indices: np.ndarray) -> Self:
        return type(self)(
            self.records.take(indices), self.labels[indices], self.chosen_names(indices), self.preprocessing
        )

    def encoded(self, index: int) -> bytes:
        records = self.records
        with open(records.shards[records.shard[index]], "rb") as file:
            file.seek(int(records.offset[index]))
            return _feature(file.read(int(records.length[index])), "image").bytes_list.value[0]

    def digests(self) -> list[bytes]:
        """SHA-256 of each record's length and stored checksum: reading all of ImageNet would take long."""
        pairs = zip(self.records.length.tolist(), self.records.crc.tolist(), strict=True)
        return [hashlib.sha256(HEADER.pack(length, crc)).digest() for length, crc in pairs]


def load(config: DataConfig) -> Source:
    """Training images by file name, or those in ``train_list``; the validation split is the test set."""
    builder = prepared_builder("imagenet2012", config.data_dir, MANUAL)
    preprocessing = preprocessing_of(config)
    train = read_records(builder, "train", preprocessing)
    test = read_records(builder, "validation", preprocessing)
    root = Path(config.data_dir or ".")
    if config.train_list is not None:
        train = _listed(train, files.find_list(config.train_list, root, "data.train_list"))
    if config.test_list is not None:
        test = _listed(test, files.find_list(config.test_list, root, "data.test_list"))
    names = tuple(builder.info.features["label"].names)
    return Source("imagenet2012", names, train, test, None, preprocessing)


def _listed(examples: RecordExamples, path: Path) -> RecordExamples:
    return examples.take(listed_positions(np.array(examples.names), path))


def read_records(builder: Any, split: str, preprocessing: Preprocessing) -> RecordExamples:
    """The split in the order of its file names, by the index beside the records (made if there is none)."""
    shards = tuple(map(str, builder.info.splits[split].filepaths))
    if builder.info.file_format.value != "tfrecord":
        raise UserError(f"{builder.data_path} is not in TFRecord format; prepare imagenet2012 with TFDS's default")
    stored = _stored_index(Path(builder.data_path) / INDEX.format(split=split), shards)
    order = np.argsort(stored["name"], kind="stable")
    records = RecordIndex(shards, *(stored[key][order] for key in ("shard", "offset", "length", "crc")))
    return RecordExamples(records, stored["label"][order], stored["name"][order].tolist(), preprocessing)


def _stored_index(path: Path, shards: Sequence[str]) -> dict[str, np.ndarray]:
    """The index file if it belongs to these shards, else a new one, written where the folder allows it."""
    sizes = np.array([Path(shard).stat().st_size for shard in shards], np.int64)
    if path.is_file():
        with np.load(path, allow_pickle=False) as arrays:
            if np.array_equal(arrays["shard_bytes"], sizes):
                return dict(arrays)
    index = _scan(shards) | {"shard_bytes": sizes}
    _write(path, index)
    return index


def _write(path: Path, index: dict[str, np.ndarray]) -> None:
    unfinished = path.with_suffix(".unfinished.npz")
    try:
        np.savez(unfinished, allow_pickle=False, **index)
        unfinished.replace(path)
    except OSError:
        # A folder that cannot be written to costs another scan the next time.
        return


def _scan(shards: Sequence[str]) -> dict[str, np.ndarray]:
    with ThreadPoolExecutor() as threads:
        rows = [row for part in threads.map(_scan_shard, range(len(shards)), shards) for row in part]
    shard, offset, length, crc, label, name = zip(*rows, strict=True)
    return {
        "shard": np.array(shard, np.int32),
        "offset": np.array(offset, np.int64),
        "length": np.array(length, np.int64),
        "crc": np.array(crc, np.uint32),
        "label": np.array(label, np.int32),
        "name": np.array(name),
    }


def _scan_shard(number: int, shard: str) -> list[tuple[int, int, int, int, int, str]]:
    return [
        (number, offset, len(record), crc, _feature(record, "label").int64_list.value[0], _name(record))
        for offset, record, crc in _records(shard)
    ]


def _records(shard: str) -> Iterator[tuple[int, bytes, int]]:
    """(offset, data, checksum) of each record of a TFRecord file."""
    with open(shard, "rb") as file:
        while head := file.read(HEADER.size):
            offset = file.tell()
            try:
                record = file.read(HEADER.unpack(head)[0])
                yield offset, record, struct.unpack("<I", file.read(4))[0]
            except struct.error:
                raise UserError(f"{shard} ends inside a record; prepare imagenet2012 anew") from None


def _name(record: bytes) -> str:
    return _feature(record, "file_name").bytes_list.value[0].decode()


def _feature(record: bytes, key: str) -> Any:
    import tensorflow as tf

    return tf.train.Example.FromString(record).features.feature[key]
