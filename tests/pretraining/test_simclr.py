from __future__ import annotations

import numpy as np
import pytest
import tensorflow as tf
import tf_keras

from tf_dlth.config import Normalisation, TrainingConfig
from tf_dlth.models.build import build, features
from tf_dlth.models.initialisation import initial_weights
from tf_dlth.models.spec import ModelSpec
from tf_dlth.models.variables import assign, read
from tf_dlth.pretraining.contrast import Contrast
from tf_dlth.pretraining.nt_xent import nt_xent, similarities
from tf_dlth.pretraining.simclr import with_projection
from tf_dlth.training.devices import mirrored
from tf_dlth.training.masking import Unmasked
from tf_dlth.training.network import Network

TRAINING = TrainingConfig(learning_rate=0.1, batch_size=6)
SPEC = ModelSpec(
    architecture=f"{__name__}:small_net", width=8, stem="small", head="linear", classes=3, input_shape=(8, 8, 4)
)
NORMALISATION = Normalisation(mean=(0.5,) * 4, std=(0.5,) * 4)


def small_net(input_shape: tuple[int, int, int], classes: int, width: int) -> tf_keras.Model:
    """Shallow, so that roundings do not grow from step to step as they do through a ResNet's BatchNorms.

    Its convolutions keep the shape: oneDNN's give the output of an empty batch the shape of its input.
    """
    images = tf_keras.Input(input_shape)
    x = tf_keras.layers.DepthwiseConv2D(3, padding="same", name="first")(images)
    x = tf_keras.layers.ReLU()(tf_keras.layers.BatchNormalization(name="norm")(x))
    x = tf_keras.layers.DepthwiseConv2D(3, padding="same", name="second")(x)
    x = tf_keras.layers.GlobalAveragePooling2D()(x)
    return tf_keras.Model(images, tf_keras.layers.Dense(classes)(x))


def classifier() -> tf_keras.Model:
    return build(SPEC, NORMALISATION)


def views(images: int, seed: int = 0) -> tuple[np.ndarray, np.ndarray]:
    drawn = np.random.RandomState(seed).randint(0, 256, (images, 2, 8, 8, 4), np.uint8)
    return drawn, np.zeros(images, np.int32)


def contrastive(model: tf_keras.Model, devices: int) -> Network:
    strategy = mirrored([f"CPU:{i}" for i in range(devices)])
    return Network(model, TRAINING, strategy, Unmasked(), Contrast(0.5))


def trained(devices: int, sizes: list[int]) -> tuple[dict[str, np.ndarray], np.ndarray]:
    """Weights and totals after one step on each batch."""
    model = with_projection(classifier(), 6)
    network = contrastive(model, devices)
    network.load(initial_weights(model, 0), {})
    for number, size in enumerate(sizes):
        network.run(network.batches(tf.data.Dataset.from_tensor_slices(views(size, number)).batch(size)), 1)
    return network.weights(), network.totals


def differences(one: dict[str, np.ndarray], two: dict[str, np.ndarray]) -> dict[str, float]:
    """The largest of each variable, but the moving variance: one device's fused BatchNorm takes the unbiased one."""
    return {n: float(np.abs(w - two[n]).max()) for n, w in one.items() if not n.endswith("moving_variance")}


def test_the_projection_sits_on_the_penultimate_features() -> None:
    plain = classifier()
    model = with_projection(plain, 6)
    weights = initial_weights(model, 3)
    assign(model, weights)
    assign(plain, {**read(plain), **{n: w for n, w in weights.items() if not n.startswith("projection")}})
    images = np.random.RandomState(0).randint(0, 256, (5, 8, 8, 4)).astype(np.float32)
    encoded = features(plain)(images)[0].numpy()
    hidden = np.maximum(encoded @ weights["projection_hidden/kernel"] + weights["projection_hidden/bias"], 0)
    expected = hidden @ weights["projection/kernel"] + weights["projection/bias"]
    assert encoded.shape == (5, 4)
    assert weights["projection_hidden/kernel"].shape == (4, 4)
    assert np.allclose(model(images), expected, atol=1e-5)


def test_the_encoder_is_the_network_without_its_head() -> None:
    names = set(initial_weights(with_projection(classifier(), 6), 0))
    added = {f"{layer}/{leaf}" for layer in ("projection_hidden", "projection") for leaf in ("kernel", "bias")}
    assert names - added == {n for n in read(classifier()) if not n.startswith("head/")}


def test_losses_of_the_model_come_along() -> None:
    plain = classifier()
    plain.add_loss(tf.reduce_mean(plain.get_layer("norm").output))
    model = with_projection(plain, 6)
    images = np.random.RandomState(0).uniform(0, 255, (5, 8, 8, 4)).astype(np.float32)
    normalised = tf_keras.Model(plain.input, plain.get_layer("norm").output)(images)
    model(images)
    assert float(model.losses[0]) == pytest.approx(float(tf.reduce_mean(normalised)), rel=1e-5)


def test_one_step_against_a_plain_one() -> None:
    """The loss is the mean over all views; momentum SGD with coupled decay makes the first step."""
    model = with_projection(classifier(), 6)
    weights = initial_weights(model, 0)
    assign(model, weights)
    pairs, _ = views(6)
    with tf.GradientTape() as tape:
        projections = model(pairs.reshape(12, 8, 8, 4), training=True)
        losses = nt_xent(*similarities(projections, projections, 0, 0.5))
        loss = tf.reduce_mean(losses)
    kernel = model.get_layer("second").depthwise_kernel
    before, gradient = kernel.numpy(), tape.gradient(loss, kernel).numpy()
    after, totals = trained(1, [6])
    assert np.allclose(after["second/depthwise_kernel"], before - 0.1 * (gradient + 0.0005 * before), atol=1e-6)
    assert totals[0] == pytest.approx(6 * float(loss), rel=1e-5)
    assert totals[2] == 6


@pytest.mark.parametrize("sizes", [[6, 6, 5], [3]])
def test_two_devices_equal_one(sizes: list[int]) -> None:
    """The candidates are those of the global batch; an uneven last batch gives one device fewer images."""
    (one, totals), (two, totals_of_two) = trained(1, sizes), trained(2, sizes)
    for name, difference in differences(one, two).items():
        assert difference < 1e-5, name
    assert np.allclose(totals, totals_of_two, atol=1e-4)


def test_a_device_without_images_changes_nothing() -> None:
    (one, _), (two, totals) = trained(1, [6, 1]), trained(2, [6, 1])
    assert totals[2] == 7
    assert max(differences(one, two).values()) < 1e-5
