from __future__ import annotations

import numpy as np
import pytest
import tensorflow as tf
import tf_keras

from tf_dlth.config import TrainingConfig
from tf_dlth.errors import UserError
from tf_dlth.lottery import wrapping
from tf_dlth.lottery.masks import Masks
from tf_dlth.models.initialisation import initial_weights
from tf_dlth.models.prunable import prunable_names
from tf_dlth.runs.checkpoint import Checkpoint
from tf_dlth.training import scaling
from tf_dlth.training.devices import mirrored
from tf_dlth.training.losses import cross_entropy
from tf_dlth.training.network import Network
from tf_dlth.training.objectives import Classification
from tf_dlth.training.optimizer import MaskedSGD
from tf_dlth.training.scaling import FIRST, LARGEST, LossScale, ScaledSGD, counted
from tf_dlth.training.schedule import Schedule
from tf_dlth.training.session import Session
from tf_dlth.training.signals import StopRequest

from .starting import start

IMAGES, BATCH = 24, 8
MASK = np.array([[1, 0, 1], [0, 0, 1]], np.float32)
CONFIG = TrainingConfig(precision="mixed_float16")


def values(scale: LossScale) -> tuple[float, int]:
    factor, steps = scale.variables.values()
    return float(factor), int(steps)


def network_on(devices: int) -> Network:
    model = plain()
    network = Network(
        model, CONFIG, mirrored([f"/CPU:{i}" for i in range(devices)]), wrapping, Classification(cross_entropy)
    )
    start(network, model)
    return network


def plain() -> tf_keras.Model:
    layers = tf_keras.layers
    images = layers.Input((6, 6, 1), name="images")
    x = layers.Conv2D(4, 3, use_bias=False, name="conv")(layers.Rescaling(1 / 255, name="scale")(images))
    x = layers.ReLU(name="relu")(layers.BatchNormalization(momentum=0.9, name="bn")(x))
    return tf_keras.Model(images, layers.Dense(3, name="head")(layers.GlobalAveragePooling2D(name="pool")(x)))


def batches(epochs: int = 9) -> tf.data.Dataset:
    random = np.random.RandomState(0)
    images, labels = random.randint(0, 256, (IMAGES, 6, 6, 1), np.uint8), random.randint(0, 3, IMAGES)
    return tf.data.Dataset.from_tensor_slices((images, labels.astype(np.int32))).batch(BATCH).repeat(epochs)


def begun_at(network: Network, factor: float) -> None:
    network.set_momentum({**network.momentum(), "loss_scale": np.array(factor, np.float32)})


def state(network: Network) -> dict[str, np.ndarray]:
    return {**network.weights(), **{f"{name} slot": value for name, value in network.momentum().items()}}


def changed(one: dict[str, np.ndarray], two: dict[str, np.ndarray]) -> set[str]:
    return {name for name, value in one.items() if not np.array_equal(value, two[name])}


def test_the_scale_is_halved_after_a_skipped_step_and_doubled_after_many(monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(scaling, "STEPS_TO_DOUBLE", 3)
    scale = LossScale()
    assert values(scale) == (FIRST, 0)
    seen = []
    for taken in (True, False, True, True, True, True, False):
        scale.adapt(tf.constant(taken))
        seen.append(values(scale))
    half = FIRST / 2
    assert seen == [(FIRST, 1), (half, 0), (half, 1), (half, 2), (FIRST, 0), (FIRST, 1), (half, 0)]
    scale.reset()
    assert values(scale) == (FIRST, 0)


def test_the_scale_stays_between_one_and_its_largest(monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(scaling, "STEPS_TO_DOUBLE", 1)
    scale = LossScale()
    for taken, end in ((True, LARGEST), (False, 1.0)):
        for _ in range(40):
            scale.adapt(tf.constant(taken))
        assert values(scale)[0] == end


def test_a_step_of_a_scaled_loss_is_the_step_itself():
    """To the bit, since powers of two divide exactly."""
    random = np.random.RandomState(1)
    steps = random.randn(5, 2, 3).astype(np.float32)
    scaled, plain_ = (kind(TrainingConfig(weight_decay=0.01)) for kind in (ScaledSGD, MaskedSGD))
    ours, theirs = (tf.Variable(tf.constant(MASK)) for _ in range(2))
    for optimizer, variable in ((scaled, ours), (plain_, theirs)):
        optimizer.track([variable], [tf.Variable(tf.constant(MASK))])
    for gradient in steps:
        assert scaled.apply_scaled([(tf.constant(gradient * 1024), ours)], tf.constant(1024.0))
        plain_.apply_gradients([(tf.constant(gradient), theirs)])
    np.testing.assert_array_equal(ours.numpy(), theirs.numpy())
    np.testing.assert_array_equal(scaled.velocities[0].numpy(), plain_.velocities[0].numpy())


@pytest.mark.parametrize("overflow", [np.inf, -np.inf, np.nan])
def test_a_step_with_any_gradient_that_is_no_number_changes_no_variable(overflow: float):
    sgd = ScaledSGD(TrainingConfig(weight_decay=0.5))
    kernel, scale = tf.Variable(tf.constant(MASK)), tf.Variable(tf.constant([1.0, -2.0]))
    sgd.track([kernel, scale], [tf.Variable(tf.constant(MASK)), None])
    assert sgd.apply_scaled([(tf.ones([2, 3]), kernel), (tf.ones([2]), scale)], tf.constant(2.0))
    before = [v.numpy() for v in (kernel, scale, *sgd.velocities)]
    gradients = [(tf.ones([2, 3]), kernel), (tf.constant([0.0, overflow]), scale)]
    assert not sgd.apply_scaled(gradients, tf.constant(2.0))
    for found, expected in zip((kernel, scale, *sgd.velocities), before, strict=True):
        np.testing.assert_array_equal(found.numpy(), expected)
    assert not kernel.numpy()[MASK == 0].any()


@pytest.mark.parametrize(
    ("loss", "taken", "factor", "expected"),
    [
        (2.0, True, 4.0, [2.0, 1.0, 8.0]),
        (2.0, False, 4.0, [2.0, 1.0, 8.0]),
        (np.nan, False, 4.0, [0.0, 0.0, 0.0]),
        (np.inf, False, 2.0, [0.0, 0.0, 0.0]),
        (2.0, False, 1.0, [np.nan] * 3),
        (np.inf, True, 4.0, [np.inf, 1.0, 8.0]),
    ],
)
def test_what_an_epoch_counts(loss: float, taken: bool, factor: float, expected: list[float]):
    totals = tf.constant([loss, 1.0, 8.0], tf.float64)
    np.testing.assert_array_equal(counted(totals, tf.constant(taken), tf.constant(factor)), expected)


@pytest.mark.parametrize("devices", [1, 2])
def test_steps_are_skipped_until_the_gradient_fits(devices: int):
    """At 2**24 the logits' gradients are beyond float16; a skipped step leaves statistics and momentum alone too."""
    network = network_on(devices)
    begun_at(network, LARGEST)
    iterator, skipped = network.batches(batches()), 0
    before = state(network)
    for _ in range(20):
        totals = network.run(iterator, 1)
        after = state(network)
        assert np.isfinite(totals).all()
        if changed(before, after) != {"loss_scale slot"}:
            break
        assert after["loss_scale slot"] == before["loss_scale slot"] / 2
        before, skipped = after, skipped + 1
    assert 3 <= skipped < 20
    assert {"conv/kernel", "conv/kernel slot", "bn/moving_mean", "loss_scale_steps slot"} <= changed(before, after)
    assert totals[2] == (skipped + 1) * BATCH


def test_pruned_weights_and_momentum_are_zero_after_taken_and_skipped_steps():
    network = network_on(1)
    masks = start(network, plain())
    begun_at(network, LARGEST)
    network.run(network.batches(batches()), 27)
    weights, momentum = network.weights(), network.momentum()
    assert momentum["loss_scale"] < LARGEST and momentum["loss_scale_steps"] > 0
    for name, mask in masks.items():
        assert not weights[name][~mask].any() and not momentum[name][~mask].any()
        assert momentum[name][mask].all()


def test_every_training_begins_with_the_first_scale():
    network = network_on(1)
    begun_at(network, LARGEST)
    network.run(network.batches(batches()), 2)
    start(network, plain())
    assert network.momentum()["loss_scale"] == FIRST
    assert network.momentum()["loss_scale_steps"] == 0


def test_going_on_from_saved_weights_momentum_and_scale_is_bit_equal():
    network = network_on(1)
    begun_at(network, LARGEST)
    network.run(network.batches(batches()), 20)
    through = state(network)

    masks = start(network, plain())
    begun_at(network, LARGEST)
    network.run(network.batches(batches()), 4)
    weights, momentum = network.weights(), network.momentum()
    assert momentum["loss_scale"] == LARGEST / 16  # in the midst of skipped steps
    start(network, plain())
    network.load(weights, masks)
    network.set_momentum(momentum)
    network.run(network.batches(batches().skip(4)), 16)
    assert not changed(through, state(network))


class Unkept:
    def append_metrics(self, line: object) -> None: ...
    def save(self, checkpoint: Checkpoint) -> None: ...


def session(network: Network, learning_rate: float) -> Session:
    schedule = Schedule(images=IMAGES, batch_size=BATCH, epochs=8, learning_rate=learning_rate, evaluate_every=8)
    return Session(network, schedule, "training", Unkept(), StopRequest(), lambda *_: None, 1e9)


def test_skipped_steps_are_no_divergence_and_divergence_is_told():
    network = network_on(1)
    model = plain()
    weights = initial_weights(model, 3)
    masks = Masks.ones(weights, prunable_names(model))
    trained = session(network, 0.01)
    trained.begin(weights, masks, 1)
    begun_at(network, LARGEST)
    results = list(trained.epochs(lambda position: batches(), lambda: Checkpoint({})))
    assert len(results) == 8 and all(np.isfinite(result.loss) for result in results)

    huge = {name: values * (1e6 if name == "head/kernel" else 1) for name, values in weights.items()}
    lost = session(network, 0.01)
    lost.begin(huge, masks, 1)
    with pytest.raises(UserError, match=r"the training diverged .* lower training\.learning_rate \(now 0\.01\)"):
        list(lost.epochs(lambda position: batches(), lambda: Checkpoint({})))
