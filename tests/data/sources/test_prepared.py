from __future__ import annotations

import hashlib
from pathlib import Path

import numpy as np
import pytest

from tf_dlth.config import DataConfig
from tf_dlth.data import load_data
from tf_dlth.data.sources import Source, load_source, prepared
from tf_dlth.errors import UserError


@pytest.fixture(scope="session")
def cifar10(real_tfds: Path) -> Source:
    return load_source(DataConfig(dataset="cifar10", data_dir=str(real_tfds)))


def unreachable(*_: object, **__: object) -> None:
    raise OSError("no network here")


@pytest.mark.parametrize(
    ("dataset", "folder"), [("cifar10", "cifar10/3"), ("eurosat", "eurosat/rgb"), ("imagenet2012", "imagenet2012/5")]
)
def test_r16_an_unprepared_set_without_network_says_what_to_do(
    dataset: str,
    folder: str,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capfd: pytest.CaptureFixture[str],
) -> None:
    monkeypatch.setattr(prepared.urllib.request, "urlopen", unreachable)
    with pytest.raises(UserError) as raised:
        load_source(DataConfig(dataset=dataset, data_dir=str(tmp_path)))  # pyright: ignore[reportArgumentType]
    message = str(raised.value)
    assert f"{tmp_path}/{folder}" in message
    assert "cannot be downloaded (no network here)" in message
    assert "`tfds build" in message
    assert "\n" not in message
    assert {"eurosat": "RGB/", "imagenet2012": "ILSVRC2012_img_train.tar"}.get(dataset, "") in message
    assert capfd.readouterr() == ("", "")


def test_cifar_10_is_byte_exact_and_in_official_order(cifar10: Source) -> None:
    """The published binary test batch: a label byte and the three colour planes, image by image."""
    images = cifar10.test.read(np.arange(10000)).transpose(0, 3, 1, 2).reshape(10000, -1)
    batch = np.concatenate([cifar10.test.labels.astype(np.uint8)[:, None], images], axis=1)
    assert hashlib.md5(batch.tobytes()).hexdigest() == "803d5f7f4d78ea53de84dbe85f74fb6d"
    first = cifar10.train.read(np.arange(10000)).transpose(0, 3, 1, 2).reshape(10000, -1)
    batch = np.concatenate([cifar10.train.labels[:10000].astype(np.uint8)[:, None], first], axis=1)
    assert hashlib.md5(batch.tobytes()).hexdigest() == "5dd7e06a14cb22eb9f671a540d1b7c25"


def test_cifar_10_knows_its_classes_and_names(cifar10: Source) -> None:
    assert cifar10.class_names[:3] == ("airplane", "automobile", "bird")
    assert cifar10.train.names[:2] == ("train_00000", "train_00001")
    assert cifar10.train.class_counts(10).tolist() == [5000] * 10
    assert cifar10.test.class_counts(10).tolist() == [1000] * 10


def test_cifar_100_subset(real_tfds: Path, capfd: pytest.CaptureFixture[str]) -> None:
    data = load_data(DataConfig(dataset="cifar100", data_dir=str(real_tfds), per_class=5))
    assert data.train.class_counts(100).tolist() == [5] * 100
    assert data.test.class_counts(100).tolist() == [100] * 100
    assert data.heldout is not None
    assert data.heldout.class_counts(100).tolist() == [5] * 100
    assert data.class_names[:2] == ("apple", "aquarium_fish")
    assert capfd.readouterr() == ("", "")
