"""Losses of single examples; the mean over the global batch is the training loop's."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
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


def balanced_weights(counts: np.ndarray) -> np.ndarray:
    """float32 [C] of how many training images each class has, int [C]: n / (classes * own), so that their mean over
    the images is 1; 0 of a class without one.
    """
    shown = counts > 0
    return np.divide(counts.sum(), shown.sum() * counts, out=np.zeros(len(counts)), where=shown).astype(np.float32)


def class_weighted(loss: PerExampleLoss, weights: np.ndarray) -> PerExampleLoss:
    """``loss`` times the weight of the label's class; of shares, each class's share counts with its own weight.

    ``weights`` float32 [C], above 0 for every class that has a share.
    """

    def weighted(labels: tf.Tensor, logits: tf.Tensor) -> tf.Tensor:
        if labels.shape.rank != 2:
            return tf.gather(tf.constant(weights), labels) * loss(labels, logits)
        shares = labels * weights
        total = tf.reduce_sum(shares, axis=-1, keepdims=True)
        return total[:, 0] * loss(shares / total, logits)  # losses are linear in shares that sum to 1

    return weighted


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
