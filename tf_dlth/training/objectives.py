"""What a step makes smaller, and what it counts."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, Protocol

import tensorflow as tf

from tf_dlth.training.losses import PerExampleLoss

Model = Callable[[tf.Tensor], tf.Tensor]


class Objective(Protocol):
    """Called in a replica's context with the network in training mode and the replica's share of a batch.

    Gives the replica's share of the loss, a scalar whose sum over the replicas is the *global* batch's mean, and
    float64 [3]: summed loss, correct predictions (below zero where none can be called correct) and images. A replica
    with fewer images, or none, weighs what it holds.
    """

    def __call__(self, model: Model, images: tf.Tensor, labels: tf.Tensor) -> tuple[tf.Tensor, tf.Tensor]: ...


class Classification:
    """The mean of a loss of single examples: uint8 images [N, H, W, C] against int32 labels [N].

    Against float32 shares of classes [N, classes], as mixed images have them, no prediction is right or wrong.
    """

    def __init__(self, loss: PerExampleLoss) -> None:
        self._loss = loss

    def __call__(self, model: Model, images: tf.Tensor, labels: tf.Tensor) -> tuple[tf.Tensor, tf.Tensor]:
        count = _over_replicas(tf.cast(tf.shape(labels)[0], tf.float32))
        logits = model(images)
        losses = self._loss(labels, logits)
        return tf.reduce_sum(losses) / count, totals(tf.reduce_sum(losses), _hits(labels, logits), tf.shape(labels)[0])


def _over_replicas(value: tf.Tensor) -> tf.Tensor:
    """The sum over all replicas; of a single one, its own, as no exchange can be compiled."""
    context: Any = tf.distribute.get_replica_context()
    return value if context.num_replicas_in_sync == 1 else context.all_reduce(tf.distribute.ReduceOp.SUM, value)


def _hits(labels: tf.Tensor, logits: tf.Tensor) -> tf.Tensor:
    if labels.shape.rank == 2:
        return -tf.shape(labels)[0]
    return tf.math.count_nonzero(tf.argmax(logits, -1, output_type=labels.dtype) == labels)


def totals(*sums: tf.Tensor) -> tf.Tensor:
    """Summed loss, correct predictions and images as float64 [3]."""
    return tf.stack([tf.cast(value, tf.float64) for value in sums])
