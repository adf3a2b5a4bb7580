"""The normalised, temperature-scaled cross-entropy of SimCLR (Chen et al. 2020, equation 1)."""

from __future__ import annotations

import tensorflow as tf


def similarities(
    anchors: tf.Tensor, candidates: tf.Tensor, first: tf.Tensor | int, temperature: float
) -> tuple[tf.Tensor, tf.Tensor]:
    """Scaled cosines [n, m] of anchors [n, D] with candidates [m, D], and each anchor's positive, int32 [n].

    All but that are of one floating-point type. The candidates are pairs of views, 0 and 1, 2 and 3, and so on; the
    anchors are those from place ``first`` on. An anchor's similarity to itself is the type's lowest number, so that
    it takes no part.
    """
    place = first + tf.range(tf.shape(anchors)[0])
    cosines = tf.matmul(_unit(anchors), _unit(candidates), transpose_b=True)
    is_itself = tf.equal(place[:, tf.newaxis], tf.range(tf.shape(candidates)[0]))
    return tf.where(is_itself, cosines.dtype.min, cosines / temperature), tf.bitwise.bitwise_xor(place, 1)


def nt_xent(scaled_cosines: tf.Tensor, positives: tf.Tensor) -> tf.Tensor:
    """-log of the softmax share of each anchor's other view among all candidates but itself, float [n]."""
    return tf.nn.sparse_softmax_cross_entropy_with_logits(positives, scaled_cosines)


def _unit(vectors: tf.Tensor) -> tf.Tensor:
    # The square of a norm of at least 1e-12: a zero vector stays zero, with a finite gradient.
    return tf.math.l2_normalize(vectors, axis=-1, epsilon=1e-24)
