from __future__ import annotations

import numpy as np
import pytest
from sklearn.datasets import load_digits

from tf_dlth.config import DataConfig
from tf_dlth.data.sources.digits import load, scans


def test_stored_values_are_stretched_and_rounded() -> None:
    images, labels = scans()
    assert (images.shape, images.dtype) == ((1797, 8, 8, 1), np.uint8)
    assert set(np.unique(images)) == {round(v * 255 / 16) for v in range(17)}
    bunch = load_digits(as_frame=False, return_X_y=True)
    assert np.array_equal(np.rint(images[..., 0] / (255 / 16)).reshape(-1, 64), bunch[0])
    assert np.array_equal(labels, bunch[1])


@pytest.mark.parametrize("seed", [0, 1])
def test_each_class_gives_50_to_train_25_to_hold_out_and_the_rest_to_test(seed: int) -> None:
    source = load(DataConfig(subset_seed=seed))
    held_out = source.heldout
    assert held_out is not None
    assert source.train.class_counts(10).tolist() == [50] * 10
    assert held_out.class_counts(10).tolist() == [25] * 10
    assert len({*source.train.names, *held_out.names, *source.test.names}) == 1797


def test_a_name_is_the_scans_number() -> None:
    images, labels = scans()
    test = load(DataConfig()).test
    numbers = [int(name) for name in test.names]
    assert np.array_equal(test.read(np.arange(len(test))), images[numbers])
    assert np.array_equal(test.labels, labels[numbers])


def test_the_seed_decides_which() -> None:
    assert load(DataConfig(subset_seed=1)).test.names != load(DataConfig()).test.names
    assert load(DataConfig(per_class=3)).test.names == load(DataConfig()).test.names
