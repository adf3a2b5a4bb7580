from __future__ import annotations

from collections.abc import Callable

import numpy as np
import pytest
import tensorflow as tf
import tf_keras
from tf_keras import layers

from tf_dlth.config import TrainingConfig
from tf_dlth.training.devices import mirrored
from tf_dlth.training.losses import per_example_loss
from tf_dlth.training.masking import Unmasked
from tf_dlth.training.network import Network
from tf_dlth.training.objectives import Classification
from tf_dlth.training.randomness import Randomness

SIDE, IMAGES = 8, 12
DRAWING: dict[str, Callable[[], tf_keras.layers.Layer]] = {
    "dropout": lambda: layers.Dropout(0.5, name="drawing"),
    "dropout with a seed": lambda: layers.Dropout(0.5, seed=3, name="drawing"),
    "spatial dropout": lambda: layers.SpatialDropout2D(0.5, name="drawing"),
    "alpha dropout": lambda: layers.AlphaDropout(0.5, name="drawing"),
    "gaussian dropout": lambda: layers.GaussianDropout(0.5, name="drawing"),
    "gaussian noise": lambda: layers.GaussianNoise(0.5, name="drawing"),
    "flip": lambda: layers.RandomFlip(name="drawing"),
    "rotation": lambda: layers.RandomRotation(0.2, name="drawing"),
    "zoom": lambda: layers.RandomZoom(0.3, 0.3, name="drawing"),
    "translation": lambda: layers.RandomTranslation(0.3, 0.3, name="drawing"),
    "crop": lambda: layers.RandomCrop(5, 5, name="drawing"),
    "contrast": lambda: layers.RandomContrast(0.5, name="drawing"),
    "brightness": lambda: layers.RandomBrightness(0.5, name="drawing"),
    "attention": lambda: layers.MultiHeadAttention(1, 2, dropout=0.5, attention_axes=(1,), name="drawing"),
    "convolutional lstm": lambda: layers.ConvLSTM1D(2, 3, dropout=0.5, recurrent_dropout=0.5, name="drawing"),
}


def model_with(layer: tf_keras.layers.Layer) -> tf_keras.Model:
    images = tf_keras.Input((SIDE, SIDE, 1), name="images")
    twice = isinstance(layer, layers.MultiHeadAttention)
    return tf_keras.Model(images, layer(images, images) if twice else layer(images))


def drawer(model: tf_keras.Model, stream: str = "training:0") -> Callable[[int, int, int], list[np.ndarray]]:
    """Runs two steps of ``model`` in training from an address on, in one compiled graph."""
    randomness = Randomness(model, stream)
    images = np.random.RandomState(0).uniform(0, 255, (IMAGES, SIDE, SIDE, 1)).astype(np.float32)

    @tf.function
    def steps() -> tf.Tensor:
        found = tf.TensorArray(tf.float32, 2)
        for step in tf.range(2):
            randomness.begin_step()
            found = found.write(step, model(images, training=True))
            randomness.end_step()
        return found.stack()

    def run(iteration: int, epoch: int, step: int) -> list[np.ndarray]:
        randomness.set_address(iteration, epoch, step)
        return list(steps().numpy())

    return run


@pytest.mark.parametrize("name", DRAWING)
def test_draws_belong_to_their_address(name: str):
    model = model_with(DRAWING[name]())
    draw = drawer(model)
    first, second = draw(1, 2, 3)
    assert not np.array_equal(first, second)
    others = [draw(*address) for address in [(0, 2, 3), (1, 1, 3), (1, 2, 5)]]
    assert not any(np.array_equal(first, other) for other, _ in others)
    np.testing.assert_array_equal(draw(1, 2, 4)[0], second)
    np.testing.assert_array_equal(draw(1, 2, 3)[0], first)
    copy = tf_keras.models.clone_model(model)
    copy.set_weights(model.get_weights())
    np.testing.assert_array_equal(drawer(copy)(1, 2, 3)[0], first)
    assert not np.array_equal(drawer(copy, "training:1")(1, 2, 3)[0], first)


@pytest.mark.parametrize("name", DRAWING)
def test_nothing_is_drawn_in_inference(name: str):
    model = model_with(DRAWING[name]())
    drawer(model)
    images = tf.random.stateless_uniform((4, SIDE, SIDE, 1), (0, 1))
    infer = tf.function(lambda: model(images, training=False))
    np.testing.assert_array_equal(infer(), infer())


def test_layers_and_images_draw_apart():
    images = tf_keras.Input((SIDE, SIDE, 1), name="images")
    one, other = (layers.Dropout(0.5, name=name)(images) for name in ("one", "other"))
    model = tf_keras.Model(images, layers.Concatenate(name="both")([one, other]))
    drawn = drawer(model)(0, 1, 0)[0] == 0
    patterns = [drawn[image, ..., channel].tobytes() for image in range(IMAGES) for channel in range(2)]
    assert len(set(patterns)) == 2 * IMAGES


def test_dropout_drops_its_share_and_scales_the_rest():
    """As in Keras: values are zero or divided by what is kept."""
    images = np.full((500, 20), 3, np.float32)
    inputs = tf_keras.Input((20,))
    model = tf_keras.Model(inputs, layers.Dropout(0.25)(inputs))
    Randomness(model, "training:0").begin_step()
    dropped = model(images, training=True).numpy()
    assert set(np.unique(dropped)) == {0, 4}
    assert np.mean(dropped == 0) == pytest.approx(0.25, abs=0.02)


def network_on(devices: int) -> Network:
    images = tf_keras.Input((SIDE, SIDE, 1), name="images")
    x = layers.Dropout(0.3, name="dropout")(layers.RandomFlip(name="flip")(layers.Rescaling(1 / 255)(images)))
    x = layers.Conv2D(3, 3, kernel_initializer=tf_keras.initializers.HeNormal(seed=1), name="conv")(x)  # type: ignore
    x = layers.GlobalAveragePooling2D(name="pool")(layers.GaussianNoise(0.1, name="noise")(x))
    model = tf_keras.Model(images, layers.Dense(3, kernel_initializer="ones", name="head")(x))
    network = Network(
        model,
        TrainingConfig(),
        mirrored([f"/CPU:{i}" for i in range(devices)]),
        Unmasked(),
        Classification(per_example_loss("cross_entropy")),
    )
    network.load({n: np.array(v) for n, v in network.weights().items()}, {})
    network.set_learning_rate(0.1)
    return network


def dataset(first_step: int = 0) -> tf.data.Dataset:
    random = np.random.RandomState(0)
    images, labels = random.randint(0, 256, (24, SIDE, SIDE, 1)).astype(np.uint8), random.randint(0, 3, 24)
    return tf.data.Dataset.from_tensor_slices((images, labels.astype(np.int32))).batch(4).skip(first_step)


@pytest.mark.parametrize("devices", [1, 2])
def test_a_training_replays_in_one_call_in_several_and_from_the_middle(devices: int):
    network, results = network_on(devices), []
    begin = network.weights()
    for calls in ([6], [1, 2, 3]):
        network.load(begin, {})
        network.set_address(0, 1, 0)
        batches = network.batches(dataset())
        for steps in calls:
            network.run(batches, steps)
        results.append(network.weights())

    network.load(begin, {})
    network.set_address(0, 1, 0)
    network.run(network.batches(dataset()), 4)
    weights, momentum = network.weights(), network.momentum()
    again = network_on(devices)
    again.load(weights, {})
    again.set_momentum(momentum)
    again.set_address(0, 1, 4)
    again.run(again.batches(dataset(4)), 2)
    results.append(again.weights())
    for other in results[1:]:
        assert all(np.array_equal(results[0][name], other[name]) for name in other)


def test_devices_draw_apart():
    inputs = tf_keras.Input((50,))
    strategy = mirrored(["/CPU:0", "/CPU:1"])
    with strategy.scope():
        model = tf_keras.Model(inputs, layers.Dropout(0.5)(inputs))
        randomness = Randomness(model, "training:0")

    @tf.function
    def step() -> tf.Tensor:
        def replica() -> tf.Tensor:
            randomness.begin_step()
            return model(tf.ones([1, 50]), training=True)

        return strategy.gather(strategy.run(replica), axis=0)

    one, other = step().numpy()
    assert not np.array_equal(one, other)
    np.testing.assert_array_equal(step(), [one, other])
