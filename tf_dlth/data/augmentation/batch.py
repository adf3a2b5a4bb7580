"""The one function that the input pipeline calls on a batch."""

from __future__ import annotations

import tensorflow as tf

from tf_dlth.data.augmentation.cutout import cut_out
from tf_dlth.data.augmentation.layout import image_shape
from tf_dlth.data.augmentation.operations import apply_plan
from tf_dlth.data.augmentation.pillow import augment_by_pillow
from tf_dlth.data.augmentation.plans import draw_plan
from tf_dlth.data.augmentation.policies import Policy, Strength

PILLOW_FROM = 192
"""Pixels of the shorter side from which Pillow, image by image, is the faster way to the same result: measured."""


def augment_batch(
    images: tf.Tensor,
    seeds: tf.Tensor,
    strength: Strength,
    policy: Policy = "cifar10",
    cutout: int = 0,
) -> tf.Tensor:
    """Uint8 [B, H, W, C] after contrast, rand or auto, and then cutout (paper section 3.4).

    ``images`` uint8 [B, H, W, C] with static H, W and C (1 or 3), cropped and flipped already; ``seeds`` int32
    [B, 2], one pair an example: an example's result depends on nothing else. ``cutout`` is a side in pixels, 0 for
    none. ``policy`` is AutoAugment's and matters to strength "auto" alone.
    """
    if images.shape.rank != 4 or images.shape[-1] not in (1, 3) or None in images.shape[1:3]:
        raise ValueError(f"images must be [B, H, W, 1 or 3] with known H and W, got {images.shape}")
    plan = draw_plan(seeds, strength, policy)
    height, width, _ = image_shape(images)
    if min(height, width) >= PILLOW_FROM:
        return augment_by_pillow(images, seeds, plan, cutout)
    if plan is not None:
        images = apply_plan(images, plan)
    return cut_out(images, seeds, cutout) if cutout else images
