"""Adversarial images: small changes along the gradient that raise the loss (paper figure 9)."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import tensorflow as tf
import tf_keras

from tf_dlth.errors import UserError

LEVELS = 255.0

Gradient = Callable[[tf.Tensor, tf.Tensor], tf.Tensor]
"""(images float32 [N, H, W, C] in 0..1, labels int [N]) -> the loss's gradient by image, of the images' shape."""


def parse_epsilon(text: str) -> float:
    """The largest change of a pixel, as a fraction of white: ``8/255`` or ``0.03``; raises UserError outside (0, 1]."""
    try:
        numerator, *denominator = (float(part) for part in text.split("/", 1))
        value = numerator / denominator[0] if denominator else numerator
    except (ValueError, ZeroDivisionError):
        value = 0.0
    if not 0 < value <= 1:
        raise UserError(f"--epsilon: must be above 0 and at most 1, such as 8/255, got {text!r}")
    return value


def loss_gradient(model: tf_keras.Model) -> Gradient:
    """Compiled gradient of the cross-entropy on the labels; ``model`` takes images in 0..255, in inference mode."""

    @tf.function(autograph=False, reduce_retracing=True)
    def gradient(images: tf.Tensor, labels: tf.Tensor) -> tf.Tensor:
        with tf.GradientTape() as tape:
            tape.watch(images)
            logits = model(LEVELS * images, training=False)
            # Each image's own loss, not the mean: the batch must not matter.
            losses = tf.nn.sparse_softmax_cross_entropy_with_logits(labels, logits)
        found: Any = tape.gradient(losses, images, unconnected_gradients=tf.UnconnectedGradients.ZERO)
        return found

    return gradient


def fgsm(gradient: Gradient, images: tf.Tensor, labels: tf.Tensor, epsilon: float) -> tf.Tensor:
    """One step of the fast gradient sign method (Goodfellow et al. 2015); float32 images in 0..1, as given.

    A pixel whose gradient is zero stays.
    """
    return tf.clip_by_value(images + epsilon * tf.sign(gradient(images, labels)), 0.0, 1.0)


def pgd(
    gradient: Gradient,
    images: tf.Tensor,
    labels: tf.Tensor,
    epsilon: float,
    *,
    seed: int,
    first: int = 0,
    step: float = 2 / 255,
    steps: int = 20,
) -> tf.Tensor:
    """Projected gradient descent (Madry et al. 2018) in the maximum norm, from a uniform start; float32 images in 0..1.

    The start of an image depends on ``seed`` and its number alone; ``first`` is that of the first image given.
    """
    low, high = tf.maximum(images - epsilon, 0.0), tf.minimum(images + epsilon, 1.0)
    changed = tf.clip_by_value(images + epsilon * _starts(images, seed, first), low, high)
    for _ in range(steps):
        changed = tf.clip_by_value(changed + step * tf.sign(gradient(changed, labels)), low, high)
    return changed


def _starts(images: tf.Tensor, seed: int, first: int) -> tf.Tensor:
    """Float32 of the images' shape, uniform in -1..1."""
    shape, numbers = tf.shape(images)[1:], range(first, first + len(images))
    pairs = [tf.constant([seed, number], tf.int64) for number in numbers]
    drawn = [tf.random.stateless_uniform(shape, pair, -1.0, 1.0, alg="philox") for pair in pairs]
    return tf.reshape(drawn, tf.shape(images))
