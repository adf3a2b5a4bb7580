"""Random changes of images as functions of a seed pair each, on whole uint8 batches inside a TensorFlow graph."""

from __future__ import annotations

from tf_dlth.data.augmentation.batch import augment_batch
from tf_dlth.data.augmentation.plans import Policy, Strength

__all__ = ["Policy", "Strength", "augment_batch"]
