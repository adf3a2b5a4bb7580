"""Random changes of images, each a function of its seed pair, on whole uint8 batches in a TensorFlow graph."""

from __future__ import annotations

import importlib
from typing import TYPE_CHECKING, Any

from tf_dlth.data.augmentation.policies import Policy, Strength

if TYPE_CHECKING:
    from tf_dlth.data.augmentation.batch import augment_batch

__all__ = ["Policy", "Strength", "augment_batch"]


def __getattr__(name: str) -> Any:
    # Lazy, so that the command of this package can start TensorFlow without its greetings.
    if name == "augment_batch":
        return importlib.import_module("tf_dlth.data.augmentation.batch").augment_batch
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
