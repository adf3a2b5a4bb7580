from __future__ import annotations

from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest
import tensorflow as tf
import tf_keras

from tf_dlth.config import Jit, Precision, TrainingConfig
from tf_dlth.errors import UserError
from tf_dlth.lottery import wrapping
from tf_dlth.lottery.masks import Masks, prune_global
from tf_dlth.models.initialisation import initial_weights
from tf_dlth.models.prunable import prunable_names
from tf_dlth.training.compiling import SlicedMaxPooling, compiles
from tf_dlth.training.devices import mirrored
from tf_dlth.training.losses import cross_entropy
from tf_dlth.training.network import Network
from tf_dlth.training.objectives import Classification

layers = tf_keras.layers
IMAGES, BATCH = 20, 8


def strategy(*devices: str) -> Any:
    return SimpleNamespace(num_replicas_in_sync=len(devices), extended=SimpleNamespace(worker_devices=devices))


@pytest.mark.parametrize(
    ("jit", "devices", "expected"),
    [
        ("auto", ["/device:CPU:0"], False),
        ("auto", ["/device:GPU:0"], True),
        ("auto", ["/device:GPU:0", "/device:GPU:1"], False),
        (True, ["/device:CPU:0"], True),
        (True, ["/device:GPU:0"], True),
        (False, ["/device:GPU:0"], False),
        (False, ["/device:GPU:0", "/device:GPU:1"], False),
    ],
)
def test_what_is_compiled(jit: Jit, devices: list[str], expected: bool):
    assert compiles(jit, strategy(*devices)) is expected


def test_several_devices_cannot_be_had_compiled():
    with pytest.raises(UserError, match=r"^training\.jit: true is for one device, and 2 train here.* use auto, or"):
        Network(plain(), TrainingConfig(jit=True), mirrored(["/CPU:0", "/CPU:1"]), wrapping, OBJECTIVE)


OBJECTIVE = Classification(cross_entropy)


def plain(*more: tf_keras.layers.Layer) -> tf_keras.Model:
    images = layers.Input((6, 6, 1), name="images")
    x = layers.Conv2D(4, 3, use_bias=False, name="conv")(layers.Rescaling(1 / 255, name="scale")(images))
    x = layers.ReLU(name="relu")(layers.BatchNormalization(momentum=0.9, name="bn")(x))
    for layer in more:
        x = layer(x)
    x = layers.DepthwiseConv2D(3, name="depthwise")(x)
    return tf_keras.Model(images, layers.Dense(3, name="head")(layers.GlobalAveragePooling2D(name="pool")(x)))


def trained(model: tf_keras.Model, jit: Jit, precision: Precision = "float32") -> tuple[dict[str, np.ndarray], Masks]:
    """Weights, momentum and totals after two epochs, whose last batches are smaller."""
    config = TrainingConfig(jit=jit, precision=precision)
    network = Network(model, config, mirrored(["/CPU:0"]), wrapping, OBJECTIVE)
    weights = initial_weights(model, 3)
    masks = prune_global(weights, Masks.ones(weights, prunable_names(model)), 0.5)
    network.load(masks.apply(weights), masks)
    network.set_learning_rate(0.1)
    network.run(network.batches(batches()), 6)
    slots = {f"{name} slot": value for name, value in network.momentum().items()}
    return {**network.weights(), **slots, "totals": network.totals}, masks


def batches() -> tf.data.Dataset:
    random = np.random.RandomState(0)
    images, labels = random.randint(0, 256, (IMAGES, 6, 6, 1), np.uint8), random.randint(0, 3, IMAGES)
    return tf.data.Dataset.from_tensor_slices((images, labels.astype(np.int32))).batch(BATCH).repeat(2)


@pytest.mark.parametrize(
    ("precision", "tolerance"), [("float32", 1e-5), ("mixed_bfloat16", 2e-2), ("mixed_float16", 2e-3)]
)
def test_compiled_steps_equal_the_others_within_roundings(precision: Precision, tolerance: float):
    model = plain()
    (found, masks), (expected, _) = (trained(model, jit, precision) for jit in (True, False))
    assert found.keys() == expected.keys()
    for name, value in expected.items():
        np.testing.assert_allclose(found[name], value, rtol=tolerance, atol=tolerance, err_msg=name)
    for name, mask in masks.items():
        assert not found[name][~mask].any() and not found[f"{name} slot"][~mask].any()


def test_compiled_steps_give_the_same_bits_again():
    model = plain(layers.Dropout(0.5, name="dropout"))
    (one, _), (other, _) = (trained(model, True) for _ in range(2))
    assert all(np.array_equal(one[name], other[name]) for name in one)


def test_steps_are_compiled():
    """XLA compiles the gradients alone: replicas meet in the optimizer, which stays outside."""
    config = TrainingConfig(jit=True)
    network = Network(plain(), config, mirrored(["/CPU:0"]), wrapping, OBJECTIVE)
    assert network._differentiate.experimental_get_compiler_ir is not None
    graph = network._run.get_concrete_function(network.batches(batches()), tf.constant(1)).graph.as_graph_def()
    compiled = [f for f in graph.library.function if f.attr["_XlaMustCompile"].b]
    assert compiled
    operations = {node.op for function in compiled for node in function.node_def}
    assert "Conv2DBackpropFilter" in operations or any("onv2DBackpropFilter" in name for name in operations)


@tf_keras.utils.register_keras_serializable(package="test_compiling")
class InPython(layers.Layer):
    def call(self, inputs: tf.Tensor) -> tf.Tensor:
        return inputs + tf.ensure_shape(tf.numpy_function(lambda: np.float32(0), [], tf.float32), [])


def test_a_network_that_cannot_be_compiled_is_one_line():
    model = plain(InPython(name="python"))
    trained(model, False)
    with pytest.raises(
        UserError, match=r"^training\.jit: XLA cannot compile the network \(.*PyFunc.*; use false$"
    ) as told:
        trained(model, True)
    assert "\n" not in str(told.value)


@pytest.mark.parametrize(("size", "stride", "side"), [(1, 2, 7), (2, 2, 6), (3, 2, 7), (2, 2, 7), (3, 1, 5), (2, 3, 8)])
def test_pooling_by_slices_is_max_pooling_with_its_gradient(size: int, stride: int, side: int):
    """Of whole numbers, so that there are ties; the gradient's sums are of whole numbers too."""
    random = np.random.RandomState(side)
    images = tf.constant(random.randint(0, 3, (2, side, side, 3)).astype(np.float32))
    found = []
    for kind in (layers.MaxPooling2D, SlicedMaxPooling):
        with tf.GradientTape() as tape:
            tape.watch(images)
            pooled = kind(size, stride)(images)
            loss = tf.reduce_sum(pooled * tf.range(1.0, pooled.shape[1] + 1)[None, :, None, None])
        found.append((pooled, tape.gradient(loss, images)))
    for ours, theirs in zip(*found, strict=True):
        np.testing.assert_array_equal(ours, theirs)


def test_pooling_that_slices_cannot_do_stays():
    images = tf_keras.Input((6, 6, 1))
    pooling, same = layers.MaxPooling2D(3, 2), layers.MaxPooling2D(2, padding="same")
    for layer in (pooling, same, average := layers.AveragePooling2D(2)):
        layer(images)
    assert [SlicedMaxPooling.replaces(layer) for layer in (pooling, same, average)] == [True, False, False]


@pytest.mark.slow
@pytest.mark.parametrize(
    ("architecture", "head"),
    [
        *((name, "linear") for name in ("resnet18", "resnet50", "vgg11", "mobilenet_v2", "harmonic_resnet18")),
        *(("fullconv_resnet18", head) for head in ("cosine", "tvmf")),
    ],
)
def test_every_architecture_compiles(architecture: str, head: str):
    """The first step's loss within 1e-5; its gradient, which momentum holds, has a cosine above .99 with the other's.

    Roundings of eight images grow through many BatchNorms and the kinks of ReLUs.
    """
    from tf_dlth.config import Normalisation
    from tf_dlth.models.build import build
    from tf_dlth.models.spec import ModelSpec

    values = {"architecture": architecture, "width": 4, "stem": "small", "head": head, "classes": 3}
    spec = ModelSpec.model_validate({**values, "input_shape": (32, 32, 3)})
    model = build(spec, Normalisation(mean=(0.5,) * 3, std=(0.3,) * 3))
    random, found = np.random.RandomState(0), {}
    images, labels = random.randint(0, 256, (BATCH, 32, 32, 3), np.uint8), np.arange(BATCH, dtype=np.int32) % 3
    for jit in (True, False):
        network = Network(model, TrainingConfig(jit=jit), mirrored(["/CPU:0"]), wrapping, OBJECTIVE)
        weights = initial_weights(model, 0)
        network.load(weights, Masks.ones(weights, prunable_names(model)))
        totals = network.run(network.batches(tf.data.Dataset.from_tensors((images, labels))), 1)
        found[jit] = totals, network.momentum()
    np.testing.assert_allclose(found[True][0], found[False][0], rtol=1e-5)
    ours, theirs = (np.concatenate([value.ravel() for value in found[jit][1].values()]) for jit in (True, False))
    assert ours @ theirs > 0.99 * np.linalg.norm(ours) * np.linalg.norm(theirs)
