"""RandAugment, AugMix, MixUp and CutMix as Keras-CV has them, made to replay.

Its layers draw from generators that move on with every batch. Here all of a layer's numbers come from the seed pair of
the example, and, where examples are mixed with each other, from that of the batch's first example.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import keras_cv
import tensorflow as tf

from tf_dlth.data.augmentation.policies import Library
from tf_dlth.data.augmentation.stateless import Draws

LEVELS = (0, 255)


def augment_by_library(
    images: tf.Tensor, labels: tf.Tensor, seeds: tf.Tensor, kind: Library, classes: int
) -> tuple[tf.Tensor, tf.Tensor]:
    """Uint8 [B, H, W, C] after ``kind``, levels rounded half to even, and their labels.

    ``labels`` int32 [B] stay as they are under randaugment and augmix; mixup and cutmix give float32 targets
    [B, classes] that sum to 1. ``seeds`` int32 [B, 2], one pair an example.
    """
    pictures = tf.cast(images, tf.float32)
    draws = Draws()
    with draws.instead_of_tensorflow():
        match kind:
            case "randaugment":
                return _each(pictures, seeds, draws, _randaugment(draws)), labels
            case "augmix":
                return _each(pictures, seeds, draws, _AugMix(draws)), labels
            case "mixup":
                with draws.seeded(seeds[0]):
                    return _mixed_up(pictures, tf.one_hot(labels, classes))
            case "cutmix":
                with draws.seeded(seeds[0]):
                    return _cut_and_mixed(pictures, labels, classes)
    raise ValueError(f"no augmentation is called {kind!r}")


def _randaugment(draws: Draws) -> Any:
    # Without a deviation all operations share the magnitude, as published.
    return keras_cv.layers.RandAugment(value_range=LEVELS, magnitude_stddev=0.0)


class _AugMix(keras_cv.layers.AugMix):
    """AugMix whose loops draw anew in every turn."""

    def __init__(self, draws: Draws) -> None:
        super().__init__(value_range=LEVELS)
        self._draws = draws

    def _loop_on_width(self, image: Any, chain_mixing_weights: Any, curr_chain: Any, result: Any) -> Any:
        with self._draws.within(curr_chain):
            return super()._loop_on_width(image, chain_mixing_weights, curr_chain, result)

    def _loop_on_depth(self, depth_level: Any, image_aug: Any) -> Any:
        with self._draws.within(depth_level):
            return super()._loop_on_depth(depth_level, image_aug)


def _each(pictures: tf.Tensor, seeds: tf.Tensor, draws: Draws, layer: Callable[..., Any]) -> tf.Tensor:
    """Uint8 images that went through the layer one by one."""
    channels = pictures.shape[-1]
    colour = tf.image.grayscale_to_rgb(pictures) if channels == 1 else pictures

    def augmented(inputs: tuple[tf.Tensor, tf.Tensor]) -> tf.Tensor:
        picture, seed = inputs
        with draws.seeded(seed):
            return tf.ensure_shape(layer(picture), picture.shape)

    changed = tf.map_fn(augmented, (colour, seeds), fn_output_signature=tf.TensorSpec(colour.shape[1:], tf.float32))
    # The operations change equal channels equally, so that gray stays gray.
    return _levels(changed[..., :channels])


def _mixed_up(pictures: tf.Tensor, targets: tf.Tensor) -> tuple[tf.Tensor, tf.Tensor]:
    mixed = keras_cv.layers.MixUp()({"images": pictures, "labels": targets})
    return _levels(mixed["images"]), mixed["labels"]


def _cut_and_mixed(pictures: tf.Tensor, labels: tf.Tensor, classes: int) -> tuple[tf.Tensor, tf.Tensor]:
    """The targets are the shares of the pixels.

    The layer's own count what of a box lies outside the picture too; so the examples' numbers go through it as a
    segmentation would, and tell whose each pixel is.
    """
    count = tf.shape(pictures)[0]
    own = tf.range(count)[:, tf.newaxis, tf.newaxis, tf.newaxis]
    whose = tf.broadcast_to(own, tf.concat([tf.shape(pictures)[:3], [1]], 0))
    mixed = keras_cv.layers.CutMix()({"images": pictures, "segmentation_masks": whose})
    whose = mixed["segmentation_masks"]
    foreign = whose != own
    other = tf.reduce_max(tf.where(foreign, whose, 0), axis=(1, 2, 3))
    share = tf.reduce_mean(tf.cast(foreign, tf.float32), axis=(1, 2))
    targets = (1 - share) * tf.one_hot(labels, classes) + share * tf.one_hot(tf.gather(labels, other), classes)
    return _levels(mixed["images"]), targets


def _levels(pictures: tf.Tensor) -> tf.Tensor:
    return tf.saturate_cast(tf.round(pictures), tf.uint8)
