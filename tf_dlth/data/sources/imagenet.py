"""ImageNet 2012 as tensorflow_datasets prepared it, read record by record; it need not fit into memory."""

from __future__ import annotations

import hashlib
import struct
from collections.abc import Iterable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Self

import numpy as np

from tf_dlth.config import DataConfig
from tf_dlth.data.examples import EncodedExamples
from tf_dlth.data.faults import image_fault
from tf_dlth.data.images import Preprocessing
from tf_dlth.data.sources import files
from tf_dlth.data.sources.arrayfiles import read_npz
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
COLUMNS = ("shard", "offset", "length", "crc", "label", "name", "shard_bytes")


@dataclass(frozen=True)
class RecordIndex:
    """Where each image's record lies: shard number, offset, length, and the record's own CRC-32C."""

    shards: tuple[str, ...]
    shard: np.ndarray
    offset: np.ndarray
    length: np.ndarray
    crc: np.ndarray

    def take(self, indices: np.ndarray) -> RecordIndex:
        """The records at these positions, int [n]."""
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
        shard = Path(records.shards[records.shard[index]])
        try:
            with shard.open("rb") as file:
                file.seek(int(records.offset[index]))
                record = file.read(int(records.length[index]))
        except OSError as error:
            raise image_fault(self.names[index], f"cannot be read ({shard}: {error.strerror})") from None
        return _feature(record, "image", shard)

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
    """The index file if it is whole and belongs to these shards, else a new one, written where the folder allows it."""
    sizes = np.array([Path(shard).stat().st_size for shard in shards], np.int64)
    with suppress(UserError):
        if _belongs(stored := read_npz(path, COLUMNS), sizes):
            return stored
    index = _scan(shards) | {"shard_bytes": sizes}
    _write(path, index)
    return index


def _belongs(index: dict[str, np.ndarray], sizes: np.ndarray) -> bool:
    """Whether every record of an index lies within shards of these sizes."""
    *columns, names, known = (index[key] for key in COLUMNS)
    whole = all(column.dtype.kind in "iu" and column.shape == names.shape for column in columns)
    if not (whole and names.ndim == 1 and names.dtype.kind == "U" and np.array_equal(known, sizes)):
        return False
    shard, offset, length = (column.astype(np.int64) for column in columns[:3])
    if not ((shard >= 0) & (shard < len(sizes)) & (offset >= 0) & (length >= 0)).all():
        return False
    return bool((offset <= sizes[shard]).all() and (length <= sizes[shard] - offset).all())


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
        (number, offset, len(record), crc, _feature(record, "label", path), _name(record, path))
        for path in (Path(shard),)
        for offset, record, crc in _records(path)
    ]


def _records(shard: Path) -> Iterator[tuple[int, bytes, int]]:
    """(offset, data, checksum) of each record of a TFRecord file."""
    held = shard.stat().st_size
    with shard.open("rb") as file:
        while head := file.read(HEADER.size):
            offset = file.tell()
            try:
                length = HEADER.unpack(head)[0]
                record = file.read(min(length, held))
                yield offset, record, struct.unpack("<I", file.read(4))[0]
            except struct.error:
                raise UserError(f"{shard} ends inside a record; prepare imagenet2012 anew") from None


def _name(record: bytes, shard: Path) -> str:
    return _feature(record, "file_name", shard).decode(errors="replace")


def _feature(record: bytes, key: str, shard: Path) -> Any:
    """The value of a feature; raises UserError for a record of another form."""
    import tensorflow as tf

    try:
        feature = tf.train.Example.FromString(record).features.feature[key]
        return next(iter([*feature.bytes_list.value, *feature.int64_list.value]))
    except Exception:  # protobuf has an error of its own, which only its package names
        raise UserError(f"{shard} holds a damaged record; prepare imagenet2012 anew") from None
