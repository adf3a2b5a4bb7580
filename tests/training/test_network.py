from __future__ import annotations

from collections.abc import Callable
from functools import cache
from pathlib import Path

import numpy as np
import pytest
import tensorflow as tf
import tf_keras

from tf_dlth.config import DataConfig, Normalisation, TrainingConfig
from tf_dlth.data import Examples
from tf_dlth.data.examples import ArrayExamples, FileExamples
from tf_dlth.data.images import Preprocessing
from tf_dlth.data.pipeline import training_batches
from tf_dlth.errors import UserError
from tf_dlth.lottery import wrapping
from tf_dlth.lottery.masks import Masks
from tf_dlth.models import variables
from tf_dlth.models.initialisation import initial_weights
from tf_dlth.training.devices import mirrored
from tf_dlth.training.losses import per_example_loss
from tf_dlth.training.masking import Unmasked
from tf_dlth.training.network import Network, SynchronisedBatchNorm
from tf_dlth.training.objectives import Classification

from .starting import start

BATCH = 8
OBJECTIVE = Classification(per_example_loss("cross_entropy"))
DATA = DataConfig(
    augment="none", flip="none", crop_padding=0, cutout=0, normalisation=Normalisation(mean=(0.5,), std=(0.5,))
)
NetworkOn = Callable[..., Network]


def conv_net() -> tf_keras.Model:
    """One convolution, BatchNorm, a depthwise convolution, and a linear layer."""
    layers = tf_keras.layers
    images = layers.Input((6, 6, 1), name="images")
    x = layers.Rescaling(1 / 255, name="scale")(images)
    x = layers.Conv2D(4, 3, use_bias=False, name="conv")(x)
    x = layers.BatchNormalization(momentum=0.9, name="bn")(x)
    x = layers.ReLU(name="relu")(x)
    x = layers.DepthwiseConv2D(3, name="depthwise")(x)
    x = layers.GlobalAveragePooling2D(name="pool")(x)
    return tf_keras.Model(images, layers.Dense(3, name="head")(x))


class SynchronisedEverywhere:
    """The wrappers, with the BatchNorm of several devices on a single one too: fused BatchNorm has another variance."""

    mask_variables = staticmethod(wrapping.mask_variables)
    set_masks = staticmethod(wrapping.set_masks)

    def wrapper_for(self, model: tf_keras.Model) -> Callable[[tf_keras.layers.Layer], tf_keras.layers.Layer]:
        wrap = wrapping.wrapper_for(model)

        def clone(layer: tf_keras.layers.Layer) -> tf_keras.layers.Layer:
            if isinstance(layer, tf_keras.layers.BatchNormalization):
                return SynchronisedBatchNorm.from_config({**layer.get_config(), "synchronized": True})
            return wrap(layer)

        return clone


def depthwise_net() -> tf_keras.Model:
    """Convolves by layers that keep the channels: on a CPU, oneDNN gives an empty batch the input's, which is wrong."""
    layers = tf_keras.layers
    images = layers.Input((6, 6, 1), name="images")
    x = layers.Rescaling(1 / 255, name="scale")(images)
    x = layers.Dense(4, name="pointwise")(x)
    x = layers.BatchNormalization(momentum=0.9, name="bn")(layers.DepthwiseConv2D(3, name="depthwise")(x))
    x = layers.GlobalAveragePooling2D(name="pool")(x)
    return tf_keras.Model(images, layers.Dense(3, name="head")(x))


NETS = {"conv": conv_net, "depthwise": depthwise_net}


@pytest.fixture(scope="module")
def plain() -> tf_keras.Model:
    return conv_net()


@pytest.fixture(scope="module")
def network_on() -> NetworkOn:
    """A network on so many virtual devices, each built and traced once."""

    @cache
    def make(devices: int, net: str = "conv") -> Network:
        names = [f"/CPU:{i}" for i in range(devices)]
        config = TrainingConfig(weight_decay=0.01)
        return Network(NETS[net](), config, mirrored(names), SynchronisedEverywhere(), OBJECTIVE)

    return make


def examples(n: int) -> Examples:
    random = np.random.RandomState(n)
    return ArrayExamples(random.randint(0, 256, (n, 6, 6, 1), np.uint8), random.randint(0, 3, n), map(str, range(n)))


def batches(n: int, epochs: int = 3) -> tf.data.Dataset:
    return training_batches(examples(n), DATA, batch_size=BATCH, seed=5, last_epoch=epochs)(0, 1)


def state(network: Network) -> dict[str, np.ndarray]:
    velocities = {f"{name} velocity": value for name, value in network.momentum().items()}
    return {**network.weights(), **velocities, "totals": network.totals}


@pytest.mark.parametrize("devices", [2, 3])
@pytest.mark.parametrize(
    ("net", "n"),
    [("conv", 16), ("conv", 21), ("depthwise", 21), ("depthwise", 17), ("depthwise", 1)],
    ids=["even", "uneven last batch", "uneven", "last batch of one image", "one image in all"],
)
def test_several_devices_equal_one(network_on: NetworkOn, devices: int, net: str, n: int):
    """A replica without images contributes nothing."""
    steps, results = 3 * -(-n // BATCH), []
    for count in (1, devices):
        network = network_on(count, net)
        start(network, NETS[net]())
        network.run(network.batches(batches(n)), steps)
        results.append(state(network))
    one, several = results
    assert one["totals"][2] == several["totals"][2] == 3 * n
    for name in one:
        np.testing.assert_allclose(several[name], one[name], rtol=1e-5, atol=1e-5, err_msg=name)


def test_replicas_hold_the_same_bits(network_on: NetworkOn, plain: tf_keras.Model):
    network = network_on(3)
    start(network, plain)
    network.run(network.batches(batches(21)), 3)
    for name, variable in variables.named_variables(network.model).items():
        first, *others = network.strategy.experimental_local_results(variable)
        assert all(np.array_equal(first.numpy(), other.numpy()) for other in others), name


def test_batch_norm_is_synchronised_on_several_devices_alone():
    model = conv_net()
    for devices in (1, 2):
        names = [f"/CPU:{i}" for i in range(devices)]
        network = Network(model, TrainingConfig(), mirrored(names), wrapping, OBJECTIVE)
        assert network.model.get_layer("bn").synchronized == (devices > 1)


@pytest.mark.parametrize("devices", [1, 2])
def test_steps_do_not_depend_on_how_they_are_split_into_calls(
    network_on: NetworkOn, plain: tf_keras.Model, devices: int
):
    network, results = network_on(devices), []
    for calls in ([4], [1, 1, 1, 1], [3, 1]):
        start(network, plain)
        iterator = network.batches(batches(21))
        for steps in calls:
            network.run(iterator, steps)
        results.append(state(network))
    for other in results[1:]:
        assert all(np.array_equal(results[0][name], other[name]) for name in other)


def test_going_on_from_saved_weights_and_momentum_is_bit_equal(network_on: NetworkOn, plain: tf_keras.Model):
    network = network_on(1)
    masks = start(network, plain)
    network.run(network.batches(batches(21)), 6)
    through = state(network)

    start(network, plain)
    network.run(network.batches(batches(21)), 4)
    weights, momentum, totals = network.weights(), network.momentum(), network.totals
    network.load(initial_weights(plain, 99), Masks.ones(weights, masks))
    network.load(weights, masks)
    network.set_momentum(momentum)
    network.reset_totals(totals)
    rest = training_batches(examples(21), DATA, batch_size=BATCH, seed=5, last_epoch=3)(0, 2, 1)
    network.run(network.batches(rest), 2)
    assert all(np.array_equal(through[name], value) for name, value in state(network).items())


def test_one_trace_serves_every_iteration(network_on: NetworkOn, plain: tf_keras.Model):
    """With a last batch that is smaller, and any number of steps a call."""
    network = network_on(1)
    for n, steps in ((16, 2), (21, 3), (21, 1)):
        start(network, plain)
        network.run(network.batches(batches(n)), steps)
    assert network._run.experimental_get_tracing_count() == 1


@pytest.mark.parametrize("devices", [1, 2])
def test_r12_pruned_weights_and_momentum_are_zero_after_many_steps(
    network_on: NetworkOn, plain: tf_keras.Model, devices: int
):
    network = network_on(devices)
    masks = start(network, plain)
    network.run(network.batches(batches(21, epochs=17)), 51)
    weights, momentum = network.weights(), network.momentum()
    assert masks.density == 0.5
    for name, mask in masks.items():
        assert not weights[name][~mask].any()
        assert not momentum[name][~mask].any()
        assert np.all(weights[name][mask] != 0)


def test_loading_forgets_momentum_and_totals(network_on: NetworkOn, plain: tf_keras.Model):
    network = network_on(1)
    start(network, plain)
    network.run(network.batches(batches(16)), 2)
    assert any(value.any() for value in network.momentum().values())
    start(network, plain)
    assert not any(value.any() for value in network.momentum().values())
    assert not network.totals.any()


def test_metrics_are_exact_means_over_images():
    """Not means of batch means: the last batch here has 5 of 21 images. Recomputed in NumPy for a linear network."""
    images = tf_keras.layers.Input((6, 6, 1), name="images")
    flat = tf_keras.layers.Flatten(name="flat")(images)
    model = tf_keras.Model(images, tf_keras.layers.Dense(3, name="head")(flat))
    network = Network(model, TrainingConfig(weight_decay=0.0), mirrored(["/CPU:0"]), wrapping, OBJECTIVE)
    weights = initial_weights(model, 0)
    weights["head/kernel"] = weights["head/kernel"] / 100
    network.load(weights, {})
    network.set_learning_rate(0.0)
    loss, hits, count = network.run(network.batches(batches(21)), 3)

    data = examples(21)
    logits = data.read(np.arange(21)).reshape(21, -1).astype(np.float64) @ weights["head/kernel"]
    right = logits[np.arange(21), data.labels]
    assert count == 21
    assert loss == pytest.approx(np.sum(np.log(np.exp(logits).sum(-1)) - right), rel=1e-5)
    assert hits == np.sum(logits.argmax(-1) == data.labels)


def test_of_a_frozen_network_statistics_alone_follow_the_batches():
    plain = conv_net()
    initial = initial_weights(plain, 0)
    head = ("head/kernel", "head/bias")
    network = Network(plain, TrainingConfig(), mirrored(["/CPU:0"]), Unmasked(), OBJECTIVE, trained=head)
    network.load(initial, {})
    network.run(network.batches(batches(20)), 6)
    found = network.weights()
    changed = {name for name, values in initial.items() if (found[name] != values).any()}
    assert changed == {*head, "bn/moving_mean", "bn/moving_variance"}
    assert set(network.momentum()) == set(head)


def test_the_wrapped_copy_leaves_the_plain_model_alone(network_on: NetworkOn, plain: tf_keras.Model):
    before = variables.read(plain)
    network = network_on(1)
    start(network, plain)
    network.run(network.batches(batches(16)), 2)
    assert all(np.array_equal(before[name], value) for name, value in variables.read(plain).items())
    assert network.weights().keys() == before.keys()


@pytest.mark.parametrize("devices", [1, 2])
def test_an_image_lost_in_mid_run_is_one_line(network_on: NetworkOn, devices: int):
    lost = FileExamples([Path("lost.png")] * 9, np.zeros(9, int), map(str, range(9)), Preprocessing.of_shape((6, 6, 1)))
    network = network_on(devices)
    dataset = training_batches(lost, DATA, batch_size=BATCH, seed=5)(0, 1)
    with pytest.raises(
        UserError, match=r"^image lost.png cannot be read \(No such file or directory\); replace or rem"
    ):
        network.run(network.batches(dataset), 2)
