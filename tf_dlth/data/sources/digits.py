"""The 1,797 scanned digits that scikit-learn carries: 8 x 8 pixels, one channel."""

from __future__ import annotations

import numpy as np

from tf_dlth.config import DataConfig
from tf_dlth.data import subsets
from tf_dlth.data.sources.arrays import in_memory
from tf_dlth.data.sources.source import Source

TRAINING_POOL = 50
HELD_OUT = 25


def load(config: DataConfig) -> Source:
    """Each class in an order by ``subset_seed``: 50 to train, the next 25 held out, the rest tests."""
    images, labels = scans()
    examples, preprocessing = in_memory(config, images, labels, map(str, range(len(labels))))
    parts = subsets.leading_split(labels, 10, config.subset_seed, (TRAINING_POOL, HELD_OUT))
    train, heldout, test = (examples.take(part) for part in parts)
    return Source("digits", tuple("0123456789"), train, test, heldout, preprocessing)


def scans() -> tuple[np.ndarray, np.ndarray]:
    """uint8 [1797, 8, 8, 1] and int32 labels; the stored values 0..16 become 0..255."""
    from sklearn.datasets import load_digits

    values, labels = load_digits(return_X_y=True)
    images = np.rint(np.asarray(values) * (255 / 16)).astype(np.uint8)
    return images.reshape(-1, 8, 8, 1), np.asarray(labels).astype(np.int32)
