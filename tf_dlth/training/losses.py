"""Losses of single examples; the mean over the global batch is the training loop's."""

from __future__ import annotations

from collections.abc import Callable

import tensorflow as tf

from tf_dlth.errors import UserError

PerExampleLoss = Callable[[tf.Tensor, tf.Tensor], tf.Tensor]
"""(labels int [N] or shares of classes [N, C], logits [N, C]) -> losses [N]."""


def per_example_loss(name: str, ce_weight: float = 0.0) -> PerExampleLoss:
    """The loss called ``name``; ``ce_weight`` is cosine_barz's alone. Raises UserError for other names."""
    if name == "cross_entropy":
        return cross_entropy
    if name == "cosine_barz":
        return lambda labels, logits: cosine_barz(labels, logits, ce_weight)
    raise UserError(f"training.loss must be cross_entropy or cosine_barz, got {name!r}")


def cross_entropy(labels: tf.Tensor, logits: tf.Tensor) -> tf.Tensor:
    """-log softmax(logits)[label], without smoothing; of shares, its mean weighted by them."""
    if labels.shape.rank == 2:
        return tf.nn.softmax_cross_entropy_with_logits(labels, logits)
    return tf.nn.sparse_softmax_cross_entropy_with_logits(labels, logits)


def cosine_barz(labels: tf.Tensor, logits: tf.Tensor, ce_weight: float) -> tf.Tensor:
    """1 - <f / |f|, onehot(label) or shares> of outputs f (Barz and Denzler), plus ``ce_weight`` cross-entropy."""
    cosines = tf.math.l2_normalize(logits, axis=-1, epsilon=1e-24)
    if labels.shape.rank == 2:
        losses = 1.0 - tf.reduce_sum(cosines * labels, axis=1)
    else:
        losses = 1.0 - tf.gather(cosines, labels, axis=1, batch_dims=1)
    return losses + ce_weight * cross_entropy(labels, logits) if ce_weight else losses
