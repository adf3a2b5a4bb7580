"""Pillow's way and the batch's are one: every strength and operation, bit for bit."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
import tensorflow as tf

from tf_dlth.data.augmentation import batch
from tf_dlth.data.augmentation.cutout import cut_out
from tf_dlth.data.augmentation.operation import Operation
from tf_dlth.data.augmentation.operations import apply_slot
from tf_dlth.data.augmentation.pillow import augment_by_pillow
from tf_dlth.data.augmentation.plans import Plan


def seeds(n: int) -> tf.Tensor:
    return tf.stack([tf.range(n), tf.fill([n], 5)], axis=1)


@pytest.mark.parametrize("operation", list(Operation))
@pytest.mark.parametrize("channels", [1, 3])
def test_every_operation_is_the_batchs(noise: np.ndarray, operation: Operation, channels: int) -> None:
    images = tf.constant(noise[:8, :, :19, :channels])
    values = tf.constant(np.linspace(0.1, 1.9, 8) if operation != Operation.POSTERIZE else np.arange(1.0, 9.0))
    operations = tf.fill([8], int(operation))
    plan = Plan(operations[:, None], values[:, None], (frozenset({operation}),), 128)
    expected = apply_slot(images, operations, values, choices=[operation], fill=128)
    np.testing.assert_array_equal(augment_by_pillow(images, seeds(8), plan, 0), expected)


@pytest.mark.parametrize("strength", ["basic", "contrast", "auto", "rand"])
@pytest.mark.parametrize("policy", ["cifar10", "imagenet"])
@pytest.mark.parametrize("cutout", [0, 16])
def test_every_strength_is_the_batchs(
    noise: np.ndarray, monkeypatch: pytest.MonkeyPatch, strength: Any, policy: Any, cutout: int
) -> None:
    images = tf.constant(np.tile(noise, (4, 1, 1, 1)))
    expected = batch.augment_batch(images, seeds(96), strength, policy, cutout)
    monkeypatch.setattr(batch, "PILLOW_FROM", 32)
    found = batch.augment_batch(images, seeds(96), strength, policy, cutout)
    np.testing.assert_array_equal(found, expected)
    assert (found.numpy() != images.numpy()).any() == (strength != "basic" or cutout > 0)


@pytest.mark.parametrize("side", [1, 4, 16, 31, 32, 64])
def test_cutout_of_every_size(noise: np.ndarray, side: int) -> None:
    images = tf.constant(np.tile(noise, (4, 1, 1, 1)))
    np.testing.assert_array_equal(augment_by_pillow(images, seeds(96), None, side), cut_out(images, seeds(96), side))


def test_a_batch_of_none() -> None:
    none = tf.zeros([0, 200, 200, 3], tf.uint8)
    assert batch.augment_batch(none, seeds(0), "rand", "cifar10", 16).shape == (0, 200, 200, 3)
