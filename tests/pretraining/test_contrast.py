from __future__ import annotations

import math
from collections.abc import Sequence

import numpy as np
import pytest
import tensorflow as tf

from tf_dlth.pretraining.contrast import Contrast
from tf_dlth.training.devices import mirrored

TEMPERATURE = 0.5


def flat(images: tf.Tensor) -> tf.Tensor:
    """A network whose projections are the pixels themselves."""
    return tf.reshape(tf.cast(images, tf.float32), [-1, 4])


def views(images: int) -> np.ndarray:
    return np.random.RandomState(images).randint(1, 256, (images, 2, 2, 2, 1), np.uint8)


def brute_force(pairs: np.ndarray) -> tuple[list[float], list[bool]]:
    """Equation 1 of SimCLR for every view, and whether its nearest one is the image's other view."""
    unit = pairs.reshape(-1, 4).astype(np.float64)
    unit /= np.linalg.norm(unit, axis=1, keepdims=True)
    losses, hits = [], []
    for i in range(len(unit)):
        partner = i + 1 if i % 2 == 0 else i - 1
        others = {k: float(unit[i] @ unit[k]) for k in range(len(unit)) if k != i}
        losses.append(
            -math.log(
                math.exp(others[partner] / TEMPERATURE)
                / sum(math.exp(cosine / TEMPERATURE) for cosine in others.values())
            )
        )
        hits.append(max(others, key=lambda k: others[k]) == partner)
    return losses, hits


def shares(pairs: np.ndarray, sizes: Sequence[int]) -> list[tuple[float, np.ndarray]]:
    """Loss and totals of each replica, with so many of the images on each."""
    strategy, objective = mirrored([f"/CPU:{i}" for i in range(len(sizes))]), Contrast(TEMPERATURE)
    parts = [tf.constant(pairs[end - size : end]) for end, size in zip(np.cumsum(sizes), sizes, strict=True)]
    dealt = strategy.experimental_distribute_values_from_function(
        lambda context: parts[context.replica_id_in_sync_group]
    )

    @tf.function
    def run(images: tf.distribute.DistributedValues) -> tuple:
        return strategy.run(lambda x: objective(flat, x, tf.zeros(tf.shape(x)[0], tf.int32)), args=(images,))

    losses, counted = (strategy.experimental_local_results(x) for x in run(dealt))
    return [(float(loss), total.numpy()) for loss, total in zip(losses, counted, strict=True)]


@pytest.mark.parametrize("sizes", [[6], [3, 3], [4, 2], [6, 0], [2, 3, 1]])
def test_the_loss_is_the_mean_over_the_views_of_the_global_batch(sizes: list[int]) -> None:
    """Wherever the images lie: every view is compared with those on all replicas."""
    pairs = views(6)
    losses, hits = brute_force(pairs)
    found = shares(pairs, sizes)
    assert sum(loss for loss, _ in found) == pytest.approx(np.mean(losses), rel=1e-5)
    for end, size, (_, (summed, right, images)) in zip(np.cumsum(sizes), sizes, found, strict=True):
        own = slice(2 * (end - size), 2 * end)
        assert summed == pytest.approx(np.sum(losses[own]) / 2, rel=1e-5)
        assert right == np.sum(hits[own]) / 2
        assert images == size


def test_equal_views_are_each_others_nearest() -> None:
    pairs = views(6)
    pairs[:, 1] = pairs[:, 0]
    ((_, counted),) = shares(pairs, [6])
    assert counted[1:].tolist() == [6, 6]
