"""Training images that lie on the devices that train, which crop, flip and cover them: no image leaves the host.

That is integer arithmetic, so a batch has the same bits as one that the host makes. The other augmentations stay on the
host: they sort a batch by operation, for which TensorFlow has no GPU kernel, and their rounding is the CPU's.
"""

from __future__ import annotations

import tensorflow as tf

from tf_dlth.config import DataConfig
from tf_dlth.data.augmentation.cutout import cut_out
from tf_dlth.data.examples import ArrayExamples, Examples, lie_in_memory
from tf_dlth.data.pipeline import crop_and_flip

LARGEST = 2**30
"""Bytes of images that every device may hold."""


def can_reside(examples: Examples, config: DataConfig) -> bool:
    """Whether batches of these examples can be made on a device; the nulls of ``config`` must be resolved."""
    small = lie_in_memory(examples) and examples.images.nbytes <= LARGEST
    return small and config.augment in ("none", "basic") and config.crop_padding is not None


class Resident:
    """Makes batches of examples for which :func:`can_reside` holds; built in the scope of the strategy that trains."""

    def __init__(self, examples: Examples, config: DataConfig) -> None:
        assert isinstance(examples, ArrayExamples) and config.crop_padding is not None
        self._padding = None if config.augment == "none" else config.crop_padding
        self._flip, self._cutout = config.flip, config.cutout or 0
        self.images = tf.Variable(tf.constant(examples.images), trainable=False, name="training_images")
        self._labels = tf.Variable(tf.constant(examples.labels), trainable=False, name="training_labels")

    # Compiled by XLA, since of the operations one by one not all have a GPU kernel for uint8.
    @tf.function(autograph=False, reduce_retracing=True, jit_compile=True)
    def __call__(self, chosen: tf.Tensor, bits: tf.Tensor, seeds: tf.Tensor) -> tuple[tf.Tensor, tf.Tensor]:
        """(uint8 images [B, H, W, C], int32 labels [B]) of what :func:`tf_dlth.data.pipeline.training_draws` gives."""
        images = tf.gather(self.images, chosen)
        if self._padding is not None:
            images = crop_and_flip(images, bits, self._padding, self._flip)
        return cut_out(images, seeds, self._cutout) if self._cutout else images, tf.gather(self._labels, chosen)
