from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import pytest
import tensorflow as tf

from tf_dlth.training.devices import mirrored
from tf_dlth.training.losses import per_example_loss
from tf_dlth.training.objectives import Classification, totals

WEIGHTS = np.random.default_rng(1).normal(size=(4, 3)).astype(np.float32)
IMAGES = np.random.default_rng(2).integers(0, 256, (7, 2, 2, 1), np.uint8)
LABELS = np.array([0, 1, 2, 2, 1, 0, 0], np.int32)
LOGITS = IMAGES.reshape(7, 4).astype(np.float64) / 255 @ WEIGHTS
LOSSES = np.log(np.exp(LOGITS).sum(1)) - LOGITS[np.arange(7), LABELS]


def linear(images: tf.Tensor) -> tf.Tensor:
    return tf.matmul(tf.reshape(tf.cast(images, tf.float32) / 255, [-1, 4]), tf.constant(WEIGHTS))


def shares(sizes: Sequence[int]) -> list[tuple[float, np.ndarray]]:
    """Loss and totals of each replica, with so many of the images on each."""
    strategy = mirrored([f"/CPU:{i}" for i in range(len(sizes))])
    objective = Classification(per_example_loss("cross_entropy"))
    ends = np.cumsum(sizes)

    def dealt(array: np.ndarray) -> tf.distribute.DistributedValues:
        parts = [tf.constant(array[end - size : end]) for end, size in zip(ends, sizes, strict=True)]
        return strategy.experimental_distribute_values_from_function(
            lambda context: parts[context.replica_id_in_sync_group]
        )

    @tf.function
    def run(images: tf.distribute.DistributedValues, labels: tf.distribute.DistributedValues) -> tuple:
        return strategy.run(lambda x, y: objective(linear, x, y), args=(images, labels))

    losses, counted = (strategy.experimental_local_results(x) for x in run(dealt(IMAGES), dealt(LABELS)))
    return [(float(loss), total.numpy()) for loss, total in zip(losses, counted, strict=True)]


@pytest.mark.parametrize("sizes", [[7], [4, 3], [7, 0], [5, 1, 1]])
def test_the_replicas_losses_add_up_to_the_global_batchs_mean(sizes: list[int]):
    """Each image weighs the same wherever it lies; a replica without one adds nothing."""
    found = shares(sizes)
    assert sum(loss for loss, _ in found) == pytest.approx(LOSSES.mean(), rel=1e-5)
    ends = np.cumsum(sizes)
    for end, size, (loss, (summed, hits, images)) in zip(ends, sizes, found, strict=True):
        own = slice(end - size, end)
        assert loss == pytest.approx(LOSSES[own].sum() / 7, rel=1e-5)
        assert summed == pytest.approx(LOSSES[own].sum(), rel=1e-5)
        assert hits == np.sum(LOGITS[own].argmax(1) == LABELS[own])
        assert images == size


def test_totals_are_counted_in_double_precision():
    """float32 cannot count beyond 2**24."""
    found = totals(tf.constant(0.5), tf.constant(2**24 + 1, tf.int64), tf.constant(2**30 + 1))
    assert found.dtype == tf.float64
    np.testing.assert_array_equal(found, [0.5, 2**24 + 1, 2**30 + 1])


def share(labels: tf.Tensor) -> tuple[float, list[float]]:
    """The loss and the totals of one replica that holds the whole batch."""
    objective = Classification(per_example_loss("cross_entropy"))
    loss, counted = tf.distribute.get_strategy().run(objective, args=(linear, tf.constant(IMAGES), labels))
    return float(loss), counted.numpy().tolist()


def test_shares_of_classes_give_no_hits():
    """Mixed images have no class of their own; of unmixed ones the loss is that of their labels."""
    loss, (summed, hits, images) = share(tf.one_hot(LABELS, 3))
    np.testing.assert_allclose([loss, summed], [LOSSES.mean(), LOSSES.sum()], rtol=1e-5)
    assert hits < 0
    assert images == 7
