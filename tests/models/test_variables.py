from __future__ import annotations

import hashlib
import subprocess
import sys

import numpy as np
import pytest
import tf_keras
from tensorflow_model_optimization.sparsity.keras import prune_low_magnitude

from tf_dlth.errors import UserError
from tf_dlth.models.initialisation import initial_weights
from tf_dlth.models.prunable import prunable_leaves, prunable_names, unprunable_layers
from tf_dlth.models.variables import assign, named_variables, read

layers = tf_keras.layers


def wrapped(model: tf_keras.Model) -> tf_keras.Model:
    """The model with every prunable layer in TFMOT's wrapper."""

    def clone(layer: layers.Layer) -> layers.Layer:
        copy = type(layer).from_config(layer.get_config())
        return prune_low_magnitude(copy) if prunable_leaves(layer) else copy

    return tf_keras.models.clone_model(model, clone_function=clone)


def test_names_in_layer_order(network):
    names = list(named_variables(network()))
    assert names[:6] == [
        "stem/kernel",
        "stem_bn/gamma",
        "stem_bn/beta",
        "stem_bn/moving_mean",
        "stem_bn/moving_variance",
        "stage1_block1_conv1/kernel",
    ]
    assert names[-2:] == ["head/kernel", "head/bias"]
    assert len(names) == 20 * 5 + 2
    assert "stage1_block1_depthwise/depthwise_kernel" in named_variables(network("mobilenet_v2", width=4))


@pytest.mark.parametrize("architecture", ["resnet18", "mobilenet_v2", "harmonic_resnet18"])
def test_wrapped_models_have_the_same_names(network, architecture: str):
    plain = network(architecture, width=4)
    masked = wrapped(plain)
    assert len(masked.weights) > len(plain.weights)
    assert list(named_variables(masked)) == list(named_variables(plain))
    assert prunable_names(masked) == prunable_names(plain)
    assert unprunable_layers(masked) == unprunable_layers(plain) == ()


def test_read_and_assign_go_between_plain_and_wrapped(network):
    plain = network(width=4)
    masked = wrapped(plain)
    weights = initial_weights(plain, 5)
    assign(masked, weights)
    for name, value in read(masked).items():
        np.testing.assert_array_equal(value, weights[name])


def test_read_gives_copies(network):
    model = network(width=4)
    before = read(model)
    first = before["stem/kernel"].copy()
    named_variables(model)["stem/kernel"].assign_add(np.ones(first.shape))
    np.testing.assert_array_equal(before["stem/kernel"], first)


def test_assign_names_what_does_not_fit_and_changes_nothing(network):
    model = network(width=4)
    weights = read(model)
    changed = {**weights, "stem/kernel": weights["stem/kernel"] + 1}
    for unfit, message in [
        ({k: v for k, v in changed.items() if k != "head/bias"}, "lack variable head/bias"),
        ({**changed, "tail/kernel": np.zeros(3)}, "no variable tail/kernel"),
        ({**changed, "head/bias": np.zeros(11)}, r"head/bias has shape \[11\], the model needs \[10\]"),
    ]:
        with pytest.raises(UserError, match=message):
            assign(model, unfit)
    np.testing.assert_array_equal(read(model)["stem/kernel"], weights["stem/kernel"])


class Scaled(layers.Layer):
    """Two layers inside and a weight of its own under another attribute than its Keras name."""

    def build(self, input_shape):
        self.inner = layers.Dense(3, name="inner")
        self.gain = self.add_weight("another_name", (), initializer="ones")
        super().build(input_shape)

    def call(self, inputs):
        return self.gain * self.inner(inputs)


def test_names_are_those_of_attributes_and_inner_layers():
    images = tf_keras.Input((4, 4, 1))
    x = layers.Flatten()(images)
    x = Scaled(name="own")(x)
    x = layers.Dropout(0.5)(x)
    x = layers.MultiHeadAttention(2, 4, name="attention")(x[:, None], x[:, None])
    model = tf_keras.Model(images, layers.Flatten()(x))
    names = list(named_variables(model))
    assert set(names[:3]) == {"own/gain", "own/inner/kernel", "own/inner/bias"}
    assert "attention/query/kernel" in names
    assert len(names) == len(model.weights)
    assert unprunable_layers(model) == ("own", "attention")


class Twins(layers.Layer):
    def build(self, input_shape):
        self.one, self.two = layers.Dense(3, name="twin"), layers.Dense(3, name="twin")
        super().build(input_shape)

    def call(self, inputs):
        return self.one(inputs) + self.two(inputs)


class Hidden(layers.Layer):
    def build(self, input_shape):
        self.some = [self.add_weight("some", (3,))]
        super().build(input_shape)

    def call(self, inputs):
        return inputs * self.some[0]


@pytest.mark.parametrize(
    ("layer", "message"),
    [
        (Twins(name="t"), "two variables are called t/twin/"),
        (Hidden(name="h"), "layer h .*attribute of its own"),
    ],
)
def test_names_that_cannot_be_had(layer, message: str):
    images = tf_keras.Input((3,))
    with pytest.raises(UserError, match=message):
        named_variables(tf_keras.Model(images, layer(images)))


TWO_DEVICES = """
import hashlib, numpy as np, tf_dlth, tensorflow as tf
cpu = tf.config.list_physical_devices("CPU")[0]
tf.config.set_logical_device_configuration(cpu, [tf.config.LogicalDeviceConfiguration()] * 2)
from tf_dlth.config import Normalisation
from tf_dlth.models.build import build
from tf_dlth.models.initialisation import initial_weights
from tf_dlth.models.spec import ModelSpec
from tf_dlth.models.variables import assign, named_variables, read
strategy = tf.distribute.MirroredStrategy(["CPU:0", "CPU:1"], tf.distribute.ReductionToOneDevice())
with strategy.scope():
    spec = ModelSpec(
        architecture="resnet18", width=4, stem="small", head="cosine", classes=10, input_shape=(8, 8, 3)
    )
    model = build(spec, Normalisation(mean=(0.5,) * 3, std=(0.5,) * 3))
weights = initial_weights(model, 3)
assign(model, {name: value + 1 for name, value in weights.items()})
for name, variable in named_variables(model).items():
    copies = strategy.experimental_local_results(variable)
    assert len(copies) == 2, name
    assert all(np.array_equal(copy, weights[name] + 1) for copy in copies), name
assign(model, weights)
found = read(model)
print(hashlib.sha256(b"".join(n.encode() + found[n].tobytes() for n in sorted(found))).hexdigest())
"""


def test_two_devices_and_another_process_have_the_same_bits(network):
    model = network(width=4, head="cosine", input_shape=(8, 8, 3))
    weights = initial_weights(model, 3)
    here = hashlib.sha256(b"".join(n.encode() + weights[n].tobytes() for n in sorted(weights))).hexdigest()
    other = subprocess.run([sys.executable, "-c", TWO_DEVICES], capture_output=True, text=True, check=False)
    assert other.stdout.split()[-1:] == [here], other.stderr[-2000:]
