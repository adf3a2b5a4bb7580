from __future__ import annotations

import io
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image

from tf_dlth.config import DataConfig
from tf_dlth.data import load_data
from tf_dlth.data.pipeline import training_batches
from tf_dlth.data.sources import load_source
from tf_dlth.data.sources.imagenet import RecordExamples
from tf_dlth.errors import UserError


def pixels(label: int, number: int) -> np.ndarray:
    return np.random.RandomState(1000 * number + label).randint(0, 256, (12, 16, 3), np.uint8)


def jpeg(image: np.ndarray) -> bytes:
    buffer = io.BytesIO()
    Image.fromarray(image).save(buffer, "JPEG", quality=95)
    return buffer.getvalue()


@pytest.fixture
def prepared(tmp_path: Path, store: Callable[..., Path]) -> Path:
    """A prepared ``imagenet2012`` of one small image a class and two for classes 0 to 4, and 3 to test."""
    import tensorflow_datasets as tfds

    features = {
        "file_name": tfds.features.Text(),
        "image": tfds.features.Image(encoding_format="jpeg"),
        "label": tfds.features.ClassLabel(num_classes=1000),
    }

    def image(name: str, label: int, number: int) -> dict[str, Any]:
        return {"file_name": name, "image": io.BytesIO(jpeg(pixels(label, number))), "label": label}

    train = [image(f"n{label:08d}_1.JPEG", label, 0) for label in range(1000)]
    train += [image(f"n{label:08d}_11.JPEG", label, 1) for label in range(5)]
    test = [image(f"ILSVRC2012_val_{i:08d}.JPEG", i, 2) for i in range(3)]
    return store(tmp_path, "imagenet2012", "5.1.0", features, {"train": train, "validation": test})


def config(root: Path, **values: Any) -> DataConfig:
    return DataConfig(dataset="imagenet2012", data_dir=str(root), image_size=14, **values)


def test_records_are_read_where_they_lie(prepared: Path) -> None:
    source = load_source(config(prepared))
    assert isinstance(source.train, RecordExamples)
    assert (len(source.train), len(source.test)) == (1005, 3)
    assert source.train.names[:3] == ("n00000000_1.JPEG", "n00000000_11.JPEG", "n00000001_1.JPEG")
    assert source.train.labels[:3].tolist() == [0, 0, 1]
    assert source.train.encoded(1) == jpeg(pixels(0, 1))
    assert source.class_names[0] == "n01440764"

    # an index that is there is used, one of other files is not
    index = next(prepared.rglob("tf_dlth_index_train.npz"))
    written = index.stat().st_mtime_ns
    assert load_source(config(prepared)).train.names == source.train.names
    assert index.stat().st_mtime_ns == written
    with np.load(index) as arrays:
        np.savez(index, **{**arrays, "shard_bytes": arrays["shard_bytes"] + 1, "label": arrays["label"] + 1})
    assert load_source(config(prepared)).train.labels[:3].tolist() == [0, 0, 1]


def test_a_damaged_index_is_made_anew(prepared: Path) -> None:
    names = load_source(config(prepared)).train.names
    index = next(prepared.rglob("tf_dlth_index_train.npz"))
    whole = index.read_bytes()
    with np.load(index) as arrays:
        stored: dict[str, Any] = dict(arrays)
    contents = [b"", b"hello", whole[:1000], whole[:-30], whole.replace(b"offset.npy", b"upset0.npy")]
    changes: list[dict[str, Any]] = [
        {"shard": stored["shard"] + 99},
        {"shard": stored["shard"] - 1},
        {"offset": stored["offset"] + 10**6},
        {"length": -stored["length"]},
        {"length": stored["length"].astype(float)},
        {"label": stored["label"][:-1]},
        {"name": np.arange(len(names))},
        {"offset": np.array([object()] * len(names))},
    ]
    for change in changes:
        np.savez(index, **(stored | change), allow_pickle=True)
        contents.append(index.read_bytes())
    for content in contents:
        index.write_bytes(content)
        source = load_source(config(prepared))
        assert source.train.names == names
        assert source.train.read(np.array([3, 1004])).shape == (2, 14, 14, 3)
        assert index.read_bytes() == whole


def test_a_damaged_or_lost_record_is_one_line(prepared: Path) -> None:
    source = load_source(config(prepared))
    shard = next(prepared.rglob("*validation*tfrecord*"))
    whole = bytearray(shard.read_bytes())
    whole[12:30] = b"\xff" * 18
    shard.write_bytes(whole)
    with pytest.raises(UserError, match=r"validation.* holds a damaged record; prepare imagenet2012 anew"):
        source.test.read(np.arange(3))
    next(prepared.rglob("tf_dlth_index_validation.npz")).unlink()
    with pytest.raises(UserError, match=r"validation.* holds a damaged record; prepare imagenet2012 anew"):
        load_source(config(prepared))
    shard.write_bytes(b"\xff" * 100)
    with pytest.raises(UserError, match="ends inside a record; prepare imagenet2012 anew"):
        load_source(config(prepared))
    shard.unlink()
    with pytest.raises(UserError, match=r"image ILSVRC2012_val_00000001.JPEG cannot be read \(.*: No such file or dir"):
        source.test.read(np.array([1]))


def test_an_index_that_cannot_be_written_is_made_anew(prepared: Path) -> None:
    folder = next(prepared.rglob("dataset_info.json")).parent
    (folder / "tf_dlth_index_train.unfinished.npz").mkdir()
    assert len(load_source(config(prepared)).train) == 1005
    assert not (folder / "tf_dlth_index_train.npz").exists()


def test_subsets_and_training_batches(prepared: Path) -> None:
    data = load_data(config(prepared, per_class=1))
    assert data.train.class_counts(1000).tolist() == [1] * 1000
    assert data.heldout is None
    assert data.config.crop_padding is None
    assert data.image_shape == (14, 14, 3)
    again = load_data(data.config)
    assert (again.config, again.preprocessing, again.sha256) == (data.config, data.preprocessing, data.sha256)
    dataset = training_batches(data.train, data.config, batch_size=8, seed=0)(0, 1)
    images, labels = next(iter(dataset))
    assert images.shape == (8, 14, 14, 3)
    assert len(set(labels.numpy())) == 8


def test_a_list_chooses_the_training_images(prepared: Path, tmp_path: Path) -> None:
    lines = [f"n{label:08d}/n{label:08d}_1 {label}" for label in range(1000)]
    (tmp_path / "fifty.txt").write_text("\n".join(lines))
    source = load_source(config(prepared, train_list=str(tmp_path / "fifty.txt")))
    assert len(source.train) == 1000
    assert source.train.names[4] == "n00000004_1.JPEG"


def test_a_torn_record_file_is_named(prepared: Path) -> None:
    shard = next(prepared.rglob("*validation*tfrecord*"))
    shard.write_bytes(shard.read_bytes()[:-2])
    with pytest.raises(UserError, match="ends inside a record; prepare imagenet2012 anew"):
        load_source(config(prepared))
