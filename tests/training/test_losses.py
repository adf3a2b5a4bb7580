from __future__ import annotations

import numpy as np
import pytest
import tensorflow as tf
from sklearn.utils.class_weight import compute_class_weight

from tf_dlth.errors import UserError
from tf_dlth.training.losses import balanced_weights, class_weighted, per_example_loss

LOGITS = np.random.default_rng(0).normal(0, 3, (6, 4))
LABELS = np.array([0, 3, 1, 1, 2, 0])
TRUE = LOGITS[np.arange(6), LABELS]
CROSS_ENTROPY = np.log(np.exp(LOGITS).sum(1)) - TRUE
COSINE = 1 - TRUE / np.linalg.norm(LOGITS, axis=1)


@pytest.mark.parametrize(
    ("name", "weight", "expected"),
    [
        ("cross_entropy", 0.0, CROSS_ENTROPY),
        ("cosine_barz", 0.0, COSINE),
        ("cosine_barz", 0.1, COSINE + 0.1 * CROSS_ENTROPY),
    ],
)
def test_losses_of_single_examples(name: str, weight: float, expected: np.ndarray):
    losses = per_example_loss(name, weight)(tf.constant(LABELS), tf.constant(LOGITS, tf.float32))
    np.testing.assert_allclose(losses, expected, rtol=1e-5, atol=1e-6)


@pytest.mark.parametrize(("name", "weight"), [("cross_entropy", 0.0), ("cosine_barz", 0.0), ("cosine_barz", 0.1)])
def test_shares_of_classes(name: str, weight: float):
    """One whole share is the label, and both losses are linear in the shares."""
    loss, logits = per_example_loss(name, weight), tf.constant(LOGITS, tf.float32)
    hard = [loss(tf.fill([6], label), logits).numpy() for label in range(4)]
    np.testing.assert_allclose(loss(tf.one_hot(LABELS, 4), logits), loss(tf.constant(LABELS), logits), rtol=1e-6)
    shares = np.random.default_rng(1).dirichlet(np.ones(4), 6).astype(np.float32)
    expected = (shares * np.stack(hard, axis=1)).sum(1)
    np.testing.assert_allclose(loss(tf.constant(shares), logits), expected, rtol=1e-5, atol=1e-6)


def test_cosine_loss_of_zero_outputs_is_one_with_finite_gradients():
    logits = tf.Variable(tf.zeros((2, 3)))
    with tf.GradientTape() as tape:
        losses = per_example_loss("cosine_barz", 0.0)(tf.constant([0, 1]), logits)
    np.testing.assert_array_equal(losses, [1, 1])
    assert np.isfinite(tf.convert_to_tensor(tape.gradient(losses, logits)).numpy()).all()


def test_no_examples_have_no_losses():
    for name in ("cross_entropy", "cosine_barz"):
        assert per_example_loss(name, 0.1)(tf.zeros(0, tf.int32), tf.zeros((0, 3))).shape == (0,)


COUNTS = np.array([1, 20, 0, 3])


def test_balanced_weights_are_those_of_scikit_learn():
    labels = np.repeat(np.arange(4), COUNTS)
    expected = compute_class_weight("balanced", classes=np.array([0, 1, 3]), y=labels)
    np.testing.assert_allclose(balanced_weights(COUNTS), np.insert(expected, 2, 0), rtol=1e-6)
    assert balanced_weights(COUNTS)[labels].mean() == pytest.approx(1)


@pytest.mark.parametrize(("name", "weight"), [("cross_entropy", 0.0), ("cosine_barz", 0.1)])
def test_examples_and_shares_weigh_as_their_classes(name: str, weight: float):
    loss, logits = per_example_loss(name, weight), tf.constant(LOGITS, tf.float32)
    weights = np.array([0.5, 2.0, 3.0, 0.25], np.float32)
    weighted = class_weighted(loss, weights)
    expected = weights[LABELS] * loss(tf.constant(LABELS), logits).numpy()
    np.testing.assert_allclose(weighted(tf.constant(LABELS), logits), expected, rtol=1e-6)
    np.testing.assert_allclose(weighted(tf.one_hot(LABELS, 4), logits), expected, rtol=1e-5)
    hard = np.stack([loss(tf.fill([6], label), logits) for label in range(4)], axis=1)
    shares = np.random.default_rng(1).dirichlet(np.ones(4), 6).astype(np.float32)
    np.testing.assert_allclose(weighted(tf.constant(shares), logits), (shares * weights * hard).sum(1), rtol=1e-5)


def test_other_names_are_refused():
    with pytest.raises(UserError, match="cross_entropy or cosine_barz, got 'hinge'"):
        per_example_loss("hinge", 0.0)
