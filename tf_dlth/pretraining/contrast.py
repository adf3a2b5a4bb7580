"""NT-Xent over the global batch as a network's objective."""

from __future__ import annotations

from typing import Any

import tensorflow as tf

from tf_dlth.pretraining.nt_xent import nt_xent, similarities
from tf_dlth.training.objectives import Model, totals


class Contrast:
    """The objective of batches of views [B, 2, H, W, C]; the labels take no part.

    It counts the summed loss (an image's is the mean of its two views'), the share of views whose nearest neighbour is
    the image's other view, summed over images, and the images.
    """

    def __init__(self, temperature: float) -> None:
        self._temperature = temperature

    def __call__(self, model: Model, images: tf.Tensor, labels: tf.Tensor) -> tuple[tf.Tensor, tf.Tensor]:
        context: Any = tf.distribute.get_replica_context()
        counts = _gathered(2 * tf.shape(images)[:1])
        first = tf.reduce_sum(counts[: context.replica_id_in_sync_group])
        # Views 2i and 2i + 1 are of one image, on each replica and so in the global batch.
        anchors = model(_as_one_batch(images))
        # Every anchor is compared with the views of all replicas. The gradient of the gathering adds up what all
        # replicas' losses say of a projection, so that the sum of the gradients is the global batch's.
        candidates = _gathered(anchors)
        scaled, positives = similarities(anchors, candidates, first, self._temperature)
        losses = nt_xent(scaled, positives)
        loss = tf.reduce_sum(losses) / tf.cast(tf.reduce_sum(counts), losses.dtype)
        hits = tf.math.count_nonzero(tf.argmax(scaled, -1, output_type=positives.dtype) == positives)
        return loss, totals(tf.reduce_sum(losses), hits, tf.shape(anchors)[0]) / 2


def _gathered(rows: tf.Tensor) -> tf.Tensor:
    """Those of all replicas, in their order; of a single one, its own, as no exchange can be compiled."""
    context: Any = tf.distribute.get_replica_context()
    return rows if context.num_replicas_in_sync == 1 else context.all_gather(rows, axis=0)


def _as_one_batch(views: tf.Tensor) -> tf.Tensor:
    """[B, 2, ...] as [2 B, ...], for B = 0 too."""
    return tf.reshape(views, tf.concat([2 * tf.shape(views)[:1], tf.shape(views)[2:]], 0))
