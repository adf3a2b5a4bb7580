from __future__ import annotations

import numpy as np
import pytest
import tensorflow as tf
import tf_keras
from tensorflow_model_optimization.python.core.sparsity.keras.prune_registry import PruneRegistry
from tensorflow_model_optimization.sparsity.keras import PrunableLayer

from tf_dlth.lottery import wrapping
from tf_dlth.lottery.masks import Masks, prune_global
from tf_dlth.models import variables
from tf_dlth.models.initialisation import initial_weights
from tf_dlth.models.prunable import prunable_names

layers = tf_keras.layers


@tf_keras.utils.register_keras_serializable(package="test")
class Gate(layers.Layer, PrunableLayer):
    """A layer of a user's own that says what to prune: ``mix``, not ``offset``."""

    def build(self, input_shape: tf.TensorShape) -> None:
        self.mix_initializer = self.offset_initializer = tf_keras.initializers.Ones()
        self.mix = self.add_weight("anything", (3, 2), initializer="ones")
        self.offset = self.add_weight("else", (2,), initializer="ones")
        super().build(input_shape)

    def call(self, inputs: tf.Tensor) -> tf.Tensor:
        return tf.matmul(inputs, self.mix) + self.offset

    def get_prunable_weights(self) -> list[tf.Variable]:
        return [self.mix]


LAYERS = {
    "plain": (lambda: layers.Conv2D(5, 3, name="x"), (8, 8, 4), {"x/kernel": 3 * 3 * 4 * 5}),
    "strided": (lambda: layers.Conv2D(5, 3, 2, name="x"), (8, 8, 4), {"x/kernel": 180}),
    "1x1": (lambda: layers.Conv2D(6, 1, use_bias=False, name="x"), (8, 8, 4), {"x/kernel": 24}),
    "depthwise": (lambda: layers.DepthwiseConv2D(3, name="x"), (8, 8, 4), {"x/depthwise_kernel": 36}),
    "depthwise, multiplied": (
        lambda: layers.DepthwiseConv2D(3, depth_multiplier=2, name="x"), (8, 8, 4), {"x/depthwise_kernel": 72},
    ),
    "separable": (
        lambda: layers.SeparableConv2D(5, 3, name="x"), (8, 8, 4), {"x/depthwise_kernel": 36, "x/pointwise_kernel": 20},
    ),
    "transposed": (lambda: layers.Conv2DTranspose(5, 2, name="x"), (8, 8, 4), {"x/kernel": 2 * 2 * 5 * 4}),
    "1-D": (lambda: layers.Conv1D(5, 3, name="x"), (8, 4), {"x/kernel": 60}),
    "3-D": (lambda: layers.Conv3D(5, 2, name="x"), (4, 4, 4, 2), {"x/kernel": 80}),
    "3-D transposed": (lambda: layers.Conv3DTranspose(2, 2, name="x"), (4, 4, 4, 2), {"x/kernel": 32}),
    "dense": (lambda: layers.Dense(7, name="x"), (6,), {"x/kernel": 42}),
    "own": (lambda: Gate(name="x"), (3,), {"x/mix": 6}),
    "head": (lambda: layers.Dense(7, name="head"), (6,), {}),
    "BatchNorm": (lambda: layers.BatchNormalization(name="x"), (6,), {}),
}  # fmt: skip


def model_of(name: str) -> tf_keras.Model:
    make, shape, _ = LAYERS[name]
    images = layers.Input(shape, name="images")
    return tf_keras.Model(images, make()(images))


def wrapped_copy(model: tf_keras.Model) -> tf_keras.Model:
    return tf_keras.models.clone_model(model, clone_function=wrapping.wrapper_for(model))


def small_net() -> tf_keras.Model:
    images = layers.Input((8, 8, 2), name="images")
    x = layers.Conv2D(4, 3, use_bias=False, name="conv")(images)
    x = layers.BatchNormalization(name="bn")(x)
    y = layers.DepthwiseConv2D(3, padding="same", name="depthwise")(x)
    x = layers.Add(name="add")([x, layers.ReLU(name="relu")(y)])
    x = layers.SeparableConv2D(5, 3, name="separable")(x)
    x = layers.GlobalAveragePooling2D(name="pool")(x)
    return tf_keras.Model(images, layers.Dense(3, name="head")(layers.Dense(6, name="hidden")(x)))


@pytest.fixture(scope="module")
def plain() -> tf_keras.Model:
    return small_net()


@pytest.fixture(scope="module")
def wrapped(plain: tf_keras.Model) -> tf_keras.Model:
    return wrapped_copy(plain)


@pytest.mark.parametrize("name", LAYERS)
def test_prunable_counts_through_the_wrapper(name: str):
    wrapped = wrapped_copy(model_of(name))
    found = {key: int(tf.size(mask)) for key, mask in wrapping.mask_variables(wrapped).items()}
    assert found == LAYERS[name][2]
    assert set(prunable_names(wrapped)) == set(found)
    assert variables.named_variables(wrapped).keys() == variables.named_variables(model_of(name)).keys()


def test_the_stock_registry_would_leave_depthwise_kernels_dense():
    """Why depthwise and separable convolutions have classes of their own here."""
    for layer, taken in (
        (layers.DepthwiseConv2D(3), []),
        (layers.SeparableConv2D(5, 3), ["pointwise_kernel"]),
    ):
        layer.build((None, 8, 8, 4))
        assert PruneRegistry.supports(layer)
        PruneRegistry.make_prunable(layer)
        assert [id(w) for w in layer.get_prunable_weights()] == [id(getattr(layer, leaf)) for leaf in taken]


def test_names_are_those_of_the_plain_model(plain: tf_keras.Model, wrapped: tf_keras.Model):
    assert list(variables.named_variables(wrapped)) == list(variables.named_variables(plain))
    assert set(wrapping.mask_variables(wrapped)) == set(prunable_names(plain))
    assert set(prunable_names(plain)) == {
        "conv/kernel", "depthwise/depthwise_kernel", "separable/depthwise_kernel", "separable/pointwise_kernel",
        "hidden/kernel",
    }  # fmt: skip


def masked(plain: tf_keras.Model) -> tuple[dict[str, np.ndarray], Masks]:
    weights = initial_weights(plain, 0)
    masks = prune_global(weights, Masks.ones(weights, prunable_names(plain)), 0.6)
    return masks.apply(weights), masks


def test_masks_go_in_and_come_out(plain: tf_keras.Model, wrapped: tf_keras.Model):
    _, masks = masked(plain)
    wrapping.set_masks(wrapped, masks)
    held = wrapping.mask_variables(wrapped)
    assert all(np.array_equal(held[name].numpy() > 0.5, mask) for name, mask in masks.items())


def test_masks_that_do_not_fit(plain: tf_keras.Model, wrapped: tf_keras.Model):
    _, masks = masked(plain)
    missing = {name: mask for name, mask in masks.items() if name != "conv/kernel"}
    for wrong in (missing, {**masks, "other/kernel": np.ones(3, bool)}):
        with pytest.raises(KeyError, match=r"conv/kernel|other/kernel"):
            wrapping.set_masks(wrapped, wrong)


@pytest.mark.parametrize("training", [False, True])
def test_a_forward_pass_changes_no_weight(plain: tf_keras.Model, wrapped: tf_keras.Model, training: bool):
    """The stock wrapper writes weights at every call. Pruned ones must stay pruned, kept ones as they are."""
    weights, masks = masked(plain)
    wrapping.set_masks(wrapped, masks)
    variables.assign(wrapped, weights)
    wrapped(np.random.RandomState(0).rand(4, 8, 8, 2).astype(np.float32), training=training)
    after = variables.read(wrapped)
    assert all(np.array_equal(after[n], w) for n, w in weights.items() if not n.startswith("bn/moving"))
    assert np.array_equal(after["bn/moving_mean"], weights["bn/moving_mean"]) == (not training)


def test_stripping_gives_the_plain_model_with_these_weights(plain: tf_keras.Model):
    wrapped = wrapped_copy(plain)
    weights, masks = masked(plain)
    wrapping.set_masks(wrapped, masks)
    variables.assign(wrapped, weights)
    images = np.random.RandomState(0).rand(4, 8, 8, 2).astype(np.float32)
    rebuilt = small_net()
    variables.assign(rebuilt, variables.read(wrapped))
    stripped = wrapping.strip(wrapped)
    expected = rebuilt(images, training=False).numpy()
    assert np.array_equal(stripped(images, training=False).numpy(), expected)
    assert np.array_equal(wrapped(images, training=False).numpy(), expected)
    assert not any("prune" in type(layer).__name__.lower() for layer in stripped.layers if layer.name == "conv")
    assert expected.any()


def test_the_schedule_never_prunes():
    schedule = wrapping.NeverPrune()
    for step in (0, 1, 10**6):
        should, sparsity = schedule(tf.constant(step))
        assert not bool(should)
        assert float(sparsity) == 0.0
    assert wrapping.NeverPrune.from_config(schedule.get_config()["config"]) is not schedule
