from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
import pytest
import tensorflow as tf
import tf_keras
from sklearn.datasets import load_digits

from tf_dlth.errors import UserError
from tf_dlth.evaluation.attacks import fgsm, loss_gradient, parse_epsilon, pgd

EPSILON = 16 / 255


@dataclass(frozen=True)
class Trained:
    model: Any
    images: tf.Tensor
    labels: tf.Tensor

    def loss(self, images: Any) -> float:
        logits = self.model(255 * tf.convert_to_tensor(images), training=False)
        return float(tf.reduce_mean(tf.nn.sparse_softmax_cross_entropy_with_logits(self.labels, logits)))

    def accuracy(self, images: Any) -> float:
        logits = self.model(255 * tf.convert_to_tensor(images), training=False)
        return float(np.mean(np.argmax(logits, -1) == self.labels.numpy()))


@pytest.fixture(scope="module")
def trained() -> Trained:
    """A small network with BatchNorm on scikit-learn's digits."""
    tf_keras.utils.set_random_seed(0)
    digits: Any = load_digits()
    images, labels = tf.constant(digits.images[..., np.newaxis] / 16, tf.float32), digits.target
    layers = tf_keras.layers
    model: Any = tf_keras.Sequential(
        [
            layers.Rescaling(1 / 255, input_shape=(8, 8, 1)),
            layers.Conv2D(12, 3, use_bias=False),
            layers.BatchNormalization(momentum=0.9),
            layers.ReLU(),
            layers.Conv2D(12, 3, activation="relu"),
            layers.Flatten(),
            layers.Dense(10),
        ]
    )
    loss = tf_keras.losses.SparseCategoricalCrossentropy(from_logits=True)
    model.compile(tf_keras.optimizers.legacy.Adam(3e-3), loss)
    model.fit(255 * images[:1500], labels[:1500], epochs=4, batch_size=50, verbose=0)
    found = Trained(model, images[1500:1700], tf.constant(labels[1500:1700], tf.int32))
    assert found.accuracy(found.images) > 0.85
    # Lest other tests draw what is seeded; TensorFlow takes None, its stubs do not know it.
    tf.random.set_seed(None)  # pyright: ignore[reportArgumentType]
    return found


def random_images(n: int, low: float = 0.0, high: float = 1.0) -> tf.Tensor:
    return tf.constant(np.random.RandomState(n).uniform(low, high, (n, 3, 4, 1)), tf.float32)


def linear(weights: np.ndarray) -> tf_keras.Model:
    inputs = tf_keras.Input((3, 4, 1))
    dense = tf_keras.layers.Dense(weights.shape[1], use_bias=False)
    model = tf_keras.Model(inputs, dense(tf_keras.layers.Flatten()(inputs)))
    dense.set_weights([weights])
    return model


def test_fgsm_of_a_linear_model_in_closed_form():
    random = np.random.RandomState(0)
    weights, images = random.randn(12, 5) / 255, random.rand(40, 3, 4, 1)
    labels = random.randint(0, 5, 40)
    logits = 255 * images.reshape(40, 12) @ weights
    probabilities = np.exp(logits) / np.exp(logits).sum(1, keepdims=True)
    gradient = ((probabilities - np.eye(5)[labels]) @ weights.T).reshape(images.shape)
    expected = np.clip(images + EPSILON * np.sign(gradient), 0, 1)
    model = linear(weights.astype(np.float32))
    found = fgsm(loss_gradient(model), tf.constant(images, tf.float32), tf.constant(labels), EPSILON)
    assert found.dtype == tf.float32
    np.testing.assert_allclose(found, expected, atol=1e-6)


def test_pgd_of_a_linear_model_ends_in_the_corner():
    """The gradient's signs of two classes are the same everywhere, so that the last step is on the ball's corner."""
    weights = np.random.RandomState(1).randn(12, 2).astype(np.float32) / 255
    images = random_images(6, 0.3, 0.7)
    labels = tf.constant([0, 1, 0, 1, 0, 1])
    gradient = loss_gradient(linear(weights))
    expected = fgsm(gradient, images, labels, EPSILON)
    np.testing.assert_allclose(pgd(gradient, images, labels, EPSILON, seed=3), expected, atol=1e-6)


@pytest.mark.parametrize("epsilon", [1e-6, 4 / 255, EPSILON, 1.0])
def test_both_stay_in_the_ball_and_among_pictures(trained: Trained, epsilon: float):
    gradient = loss_gradient(trained.model)
    for changed in (
        fgsm(gradient, trained.images, trained.labels, epsilon),
        pgd(gradient, trained.images, trained.labels, epsilon, seed=0, steps=5),
    ):
        assert changed.dtype == tf.float32 and changed.shape == trained.images.shape
        assert np.abs(changed - trained.images).max() <= epsilon + 1e-6
        assert np.abs(changed - trained.images).max() >= 0.5 * epsilon
        assert changed.numpy().min() >= 0 and changed.numpy().max() <= 1


def test_a_change_of_nothing_changes_nothing(trained: Trained):
    gradient = loss_gradient(trained.model)
    for changed in (
        fgsm(gradient, trained.images, trained.labels, 1e-7),
        pgd(gradient, trained.images, trained.labels, 1e-7, seed=0, steps=3),
    ):
        assert trained.accuracy(changed) == trained.accuracy(trained.images)


def test_pgd_is_stronger_than_fgsm_and_fgsm_than_chance(trained: Trained):
    gradient = loss_gradient(trained.model)
    single = fgsm(gradient, trained.images, trained.labels, EPSILON)
    several = pgd(gradient, trained.images, trained.labels, EPSILON, seed=0)
    noise = trained.images + EPSILON * np.sign(np.random.RandomState(0).randn(*trained.images.shape))
    assert trained.loss(several) > trained.loss(single) > trained.loss(np.clip(noise, 0, 1).astype(np.float32))
    assert trained.accuracy(several) <= trained.accuracy(single) < trained.accuracy(trained.images)


def test_statistics_stay_and_the_batch_does_not_matter(trained: Trained):
    """Of 200 images at once, or 70 by 70: starts are the same bits, gradients the same up to rounding."""
    before = [variable.numpy() for variable in trained.model.variables]
    gradient = loss_gradient(trained.model)
    whole = pgd(gradient, trained.images, trained.labels, EPSILON, seed=7, steps=3)
    parts = [
        pgd(gradient, trained.images[n : n + 70], trained.labels[n : n + 70], EPSILON, seed=7, first=n, steps=3)
        for n in range(0, 200, 70)
    ]
    assert np.mean(np.abs(tf.concat(parts, 0) - whole) > 1e-6) < 1e-3
    for variable, values in zip(trained.model.variables, before, strict=True):
        np.testing.assert_array_equal(variable, values)


def test_starts_are_of_the_image_and_the_seed(trained: Trained):
    """Without a step only the start is left."""

    def start(first: int, last: int, seed: int = 5) -> np.ndarray:
        images = tf.fill([last - first, 8, 8, 1], 0.5)
        labels = tf.zeros([last - first], tf.int32)
        return pgd(gradient, images, labels, EPSILON, seed=seed, first=first, steps=0).numpy()

    gradient = loss_gradient(trained.model)
    whole = start(0, 50)
    np.testing.assert_array_equal(np.concatenate([start(0, 1), start(1, 30), start(30, 50)]), whole)
    assert len({image.tobytes() for image in whole}) == 50
    assert (start(0, 50, seed=6) != whole).mean() > 0.99
    change = (whole - 0.5) / EPSILON
    assert abs(change.mean()) < 0.05 and abs(change.std() - 1 / np.sqrt(3)) < 0.05 and np.abs(change).max() > 0.99
    assert start(0, 0).shape == (0, 8, 8, 1)


def test_where_the_gradient_vanishes_nothing_is_added():
    images = random_images(4)
    weights = np.zeros((12, 3), np.float32)
    weights[:5] = np.random.RandomState(1).randn(5, 3)
    changed = fgsm(loss_gradient(linear(weights / 255)), images, tf.constant([0, 1, 2, 0]), EPSILON)
    moved = (changed != images).numpy().reshape(4, 12)
    assert moved[:, :5].all() and not moved[:, 5:].any()


def test_a_model_that_ignores_its_images_leaves_them():
    inputs = tf_keras.Input((3, 4, 1))
    constant = tf_keras.layers.Lambda(lambda x: tf.zeros([tf.shape(x)[0], 3]))
    images = random_images(4)
    changed = fgsm(loss_gradient(tf_keras.Model(inputs, constant(inputs))), images, tf.constant([0, 1, 2, 0]), EPSILON)
    np.testing.assert_array_equal(changed, images)


def test_it_is_traced_once_for_all_batches(trained: Trained):
    gradient: Any = loss_gradient(trained.model)
    for n in (50, 33, 1):
        pgd(gradient, trained.images[:n], trained.labels[:n], EPSILON, seed=0, steps=2)
    assert gradient.experimental_get_tracing_count() <= 2


@pytest.mark.parametrize(
    ("text", "value"), [("8/255", 8 / 255), ("0.03", 0.03), ("1", 1.0), ("1e-3", 0.001), (".5", 0.5)]
)
def test_epsilons(text: str, value: float):
    assert parse_epsilon(text) == value


@pytest.mark.parametrize(
    "text",
    ["", "0", "0/255", "-8/255", "8", "256/255", "1/0", "nan", "inf", "1/inf", "8/", "/255", "1/2/3", "x", "8 to"],
)
def test_other_epsilons_are_one_line(text: str):
    with pytest.raises(UserError) as raised:
        parse_epsilon(text)
    assert str(raised.value) == f"--epsilon: must be above 0 and at most 1, such as 8/255, got {text!r}"


def test_against_the_adversarial_robustness_toolbox(trained: Trained):
    attacks = pytest.importorskip("art.attacks.evasion")
    estimators = pytest.importorskip("art.estimators.classification")
    inputs = tf_keras.Input((8, 8, 1))
    classifier = estimators.TensorFlowV2Classifier(
        tf_keras.Model(inputs, trained.model(tf_keras.layers.Rescaling(255.0)(inputs))),
        nb_classes=10,
        input_shape=(8, 8, 1),
        loss_object=tf_keras.losses.SparseCategoricalCrossentropy(from_logits=True),
        clip_values=(0.0, 1.0),
    )
    images, labels = trained.images.numpy(), trained.labels.numpy()
    gradient = loss_gradient(trained.model)
    theirs = attacks.FastGradientMethod(classifier, eps=EPSILON).generate(images, labels)
    ours = fgsm(gradient, trained.images, trained.labels, EPSILON)
    assert np.mean(np.abs(theirs - ours) > 1e-6) < 1e-3
    settings = {"eps": EPSILON, "eps_step": 2 / 255, "max_iter": 20, "num_random_init": 1, "verbose": False}
    theirs = attacks.ProjectedGradientDescent(classifier, **settings).generate(images, labels)
    ours = pgd(gradient, trained.images, trained.labels, EPSILON, seed=0)
    assert trained.loss(ours) == pytest.approx(trained.loss(theirs), rel=0.05)
    assert trained.accuracy(ours) == pytest.approx(trained.accuracy(theirs), abs=0.03)
