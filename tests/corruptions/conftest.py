"""Natural images to corrupt, without a download."""

from __future__ import annotations

import numpy as np
import pytest
from sklearn.datasets import load_sample_images

from tf_dlth.corruptions.frost import drawn_crystals


@pytest.fixture(scope="session")
def tiles() -> np.ndarray:
    """120 tiles uint8 [120, 32, 32, 3] of two photographs, made smaller by 2."""
    rows = []
    for photograph in load_sample_images().images:
        halves = photograph[:384].reshape(192, 2, 320, 2, 3).mean(axis=(1, 3))
        rows.append(halves.reshape(6, 32, 10, 32, 3).swapaxes(1, 2).reshape(-1, 32, 32, 3))
    return np.concatenate(rows).astype(np.uint8)


@pytest.fixture(scope="session")
def crystals() -> tuple[np.ndarray, ...]:
    return tuple(drawn_crystals())
