from __future__ import annotations

import math

import numpy as np
import pytest
import tensorflow as tf

from tf_dlth.pretraining.nt_xent import nt_xent, similarities


def brute_force(projections: np.ndarray, temperature: float) -> list[float]:
    """Equation 1 of SimCLR for every anchor; rows 2k and 2k + 1 are the views of one image."""

    def cosine(i: int, j: int) -> float:
        u, v = projections[i], projections[j]
        return sum(u * v) / (math.sqrt(sum(u * u)) * math.sqrt(sum(v * v)))

    losses = []
    for i in range(len(projections)):
        partner = i + 1 if i % 2 == 0 else i - 1
        others = sum(math.exp(cosine(i, k) / temperature) for k in range(len(projections)) if k != i)
        losses.append(-math.log(math.exp(cosine(i, partner) / temperature) / others))
    return losses


def losses_of(projections: np.ndarray | tf.Variable, temperature: float) -> tf.Tensor:
    tensor = tf.convert_to_tensor(projections)
    return nt_xent(*similarities(tensor, tensor, 0, temperature))


def projected(images: int, seed: int = 0) -> np.ndarray:
    return np.random.RandomState(seed).normal(size=(2 * images, 5))


@pytest.mark.parametrize("temperature", [0.1, 0.5, 2.0])
@pytest.mark.parametrize("images", [2, 3, 7])
def test_against_a_loop(images: int, temperature: float) -> None:
    projections = projected(images)
    assert np.allclose(losses_of(projections, temperature), brute_force(projections, temperature), atol=1e-12)


def test_a_slice_of_the_anchors_has_the_losses_of_its_places() -> None:
    projections = projected(5)
    scaled, positives = similarities(tf.constant(projections[4:8]), tf.constant(projections), tf.constant(4), 0.5)
    assert positives.numpy().tolist() == [5, 4, 7, 6]
    assert np.allclose(nt_xent(scaled, positives), brute_force(projections, 0.5)[4:8], atol=1e-12)


def test_gradient_against_differences() -> None:
    projections, step = projected(3), 1e-6
    with tf.GradientTape() as tape:
        variable = tf.Variable(tf.constant(projections))
        loss = tf.reduce_mean(losses_of(variable, 0.5))
    gradient = tape.gradient(loss, variable)
    for place in np.ndindex(*projections.shape):
        moved = [projections.copy(), projections.copy()]
        moved[0][place] += step
        moved[1][place] -= step
        above, below = (np.mean(brute_force(m, 0.5)) for m in moved)
        assert gradient.numpy()[place] == pytest.approx((above - below) / (2 * step), abs=1e-8)


def test_the_only_image_of_a_batch_has_neither_loss_nor_gradient() -> None:
    with tf.GradientTape() as tape:
        variable = tf.Variable(tf.constant(projected(1), tf.float32))
        losses = losses_of(variable, 0.5)
    assert losses.numpy().tolist() == [0, 0]
    assert not tape.gradient(losses, variable).numpy().any()


def test_a_zero_projection_keeps_the_gradient_finite() -> None:
    projections = projected(3)
    projections[2] = 0
    with tf.GradientTape() as tape:
        variable = tf.Variable(tf.constant(projections, tf.float32))
        losses = losses_of(variable, 0.5)
    assert np.isfinite(tape.gradient(losses, variable).numpy()).all()
