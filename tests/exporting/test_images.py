from __future__ import annotations

import shutil
from pathlib import Path

import numpy as np
import pytest

from tf_dlth.config import DataConfig
from tf_dlth.data import load_data
from tf_dlth.errors import UserError
from tf_dlth.evaluation.subject import open_subject
from tf_dlth.exporting import images
from tf_dlth.exporting.images import compared_images, own_data, representative_images


def unmoved(config: DataConfig) -> DataConfig:
    return config


def test_all_test_images_or_a_spread_of_them(finished, monkeypatch: pytest.MonkeyPatch) -> None:
    subject = open_subject(str(finished.path))
    config = own_data(subject, None, unmoved)
    test = load_data(finished.config.data).test
    found, absent = compared_images(subject, config)
    assert absent is None and len(found) == len(test)
    monkeypatch.setattr(images, "MOST_COMPARED", 3)
    spread, _ = compared_images(subject, config)
    assert spread.names == tuple(test.names[i] for i in (0, (len(test) - 1) // 2, len(test) - 1))


def test_training_images_give_the_ranges(finished) -> None:
    subject = open_subject(str(finished.path))
    found = representative_images(subject, own_data(subject, None, unmoved))
    train = load_data(finished.config.data).train
    np.testing.assert_array_equal(found, train.read(np.arange(len(train))))


def test_noise_where_the_images_are_not_here(finished, tmp_path: Path) -> None:
    subject = open_subject(str(shutil.copytree(finished.path / "iteration_01", tmp_path / "moved")))
    absent = DataConfig(dataset="cifar10", data_dir=str(tmp_path))
    for config, reason in ((None, "does not say where its images are"), (absent, str(tmp_path))):
        found, why = compared_images(subject, config)
        assert len(found) == images.NOISE and found.image_shape == (8, 8, 1)
        assert why is not None and reason in why
    with pytest.raises(UserError, match=r"^--int8 needs training images"):
        representative_images(subject, None)
