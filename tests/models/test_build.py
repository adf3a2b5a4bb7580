from __future__ import annotations

import sys
import textwrap
from itertools import product

import numpy as np
import pytest
import tf_keras

from tf_dlth.config import Normalisation
from tf_dlth.errors import UserError
from tf_dlth.models import admission, registry
from tf_dlth.models.build import build, features
from tf_dlth.models.initialisation import initial_weights
from tf_dlth.models.spec import ModelSpec
from tf_dlth.models.variables import assign, named_variables

GRAY = Normalisation(mean=(0.5,), std=(0.5,))
IMAGES = np.random.default_rng(0).integers(0, 256, (3, 32, 32, 3), dtype=np.uint8)


@pytest.mark.parametrize(
    ("architecture", "head"),
    [
        *product(sorted(set(registry.BUILT_IN) - {"vgg13", "vgg16", "vgg19"}), ["linear", "cosine"]),
        ("resnet18", "tvmf"),
        ("harmonic_resnet18", "tvmf"),
    ],
)
def test_every_network_is_flat_with_every_head(network, architecture: str, head: str):
    model = network(architecture, width=4, head=head, classes=7)
    assert not any(isinstance(layer, tf_keras.Model) for layer in model.layers)
    assert [layer.name for layer in model.layers[:2]] == ["images", "normalise"]
    assert model.layers[-1].name == "head"
    assert model.input.dtype == "float32"
    assert model(IMAGES).shape == (3, 7)
    assert ("head/scale" in named_variables(model)) == (head != "linear")
    assert ("head/bias" in named_variables(model)) == (head == "linear")


def test_normalisation_is_the_first_layer(network):
    model = network()
    first = tf_keras.Model(model.input, model.get_layer("normalise").output)
    expected = (IMAGES / 255 - np.array([0.4, 0.5, 0.6])) / np.array([0.2, 0.25, 0.3])
    np.testing.assert_allclose(first(IMAGES), expected, rtol=1e-5, atol=1e-6)
    assert not model.get_layer("normalise").weights
    np.testing.assert_array_equal(model(IMAGES), model(IMAGES.astype(np.float32)))


def test_normalisation_must_have_the_channels():
    with pytest.raises(UserError, match="1 values for 3 channels"):
        build(
            ModelSpec(
                architecture="resnet18", width=4, stem="small", head="linear", classes=10, input_shape=(32, 32, 3)
            ),
            GRAY,
        )


@pytest.mark.parametrize(
    ("architecture", "side", "stem"),
    [
        ("resnet18", 97, "full"),
        ("harmonic_resnet18", 97, "full"),
        ("resnet50", 8, "small"),
        ("fullconv_resnet18", 8, "small"),
    ],
)
def test_resnets_take_any_size_and_one_channel(network, architecture: str, side: int, stem: str):
    model = network(architecture, width=2, stem=stem, input_shape=(side, side, 1))
    assert np.isfinite(model(np.zeros((1, side, side, 1), np.uint8))).all()


def test_features_are_what_the_head_sees(network):
    model = network(classes=5)
    seen, logits = features(model)(IMAGES)
    head = named_variables(model)
    assert seen.shape == (3, 64)
    np.testing.assert_allclose(logits, seen @ head["head/kernel"] + head["head/bias"], rtol=1e-5, atol=1e-6)
    np.testing.assert_array_equal(logits, model(IMAGES))


def test_too_large_a_network_is_refused_before_it_is_allocated(monkeypatch):
    monkeypatch.setattr(admission, "MAX_PARAMETERS", 100_000)
    with pytest.raises(UserError, match="width 64 has more than 100000 parameters"):
        build(
            ModelSpec(
                architecture="resnet18", width=64, stem="small", head="linear", classes=10, input_shape=(8, 8, 1)
            ),
            GRAY,
        )


OWN = """
    import tensorflow as tf
    import tf_keras
    from tf_keras import layers

    def good(input_shape, classes, width):
        images = tf_keras.Input(input_shape)
        x = layers.Conv2D(width, 3, activation="relu")(images)
        inner = tf_keras.Sequential([layers.Conv2D(width, 1), layers.ReLU()], name="inner")
        x = tf.nn.relu(inner(x) + 1.0)
        x = layers.Dropout(0.5)(x)
        x = layers.Dense(12, activation="relu")(layers.Flatten()(x))
        return tf_keras.Model(images, layers.Dense(classes, kernel_initializer="he_normal")(x))

    def sequential(input_shape, classes, width):
        return tf_keras.Sequential([
            layers.Conv2D(width, 3, input_shape=input_shape), layers.Conv2D(classes, 1, name="maps"),
            layers.GlobalAveragePooling2D()])

    def softmax(input_shape, classes, width):
        return tf_keras.Sequential([
            layers.Flatten(input_shape=input_shape), layers.Dense(classes, "softmax")])

    def softmax_layer(input_shape, classes, width):
        return tf_keras.Sequential([
            layers.Flatten(input_shape=input_shape), layers.Dense(classes), layers.Softmax()])

    def softmax_call(input_shape, classes, width):
        images = tf_keras.Input(input_shape)
        return tf_keras.Model(images, tf.nn.softmax(layers.Dense(classes)(layers.Flatten()(images))))

    def no_shape(input_shape, classes, width):
        return tf_keras.Sequential([layers.Flatten(), layers.Dense(classes)])

    def other_shape(input_shape, classes, width):
        return sequential((9, 9, 1), classes, width)

    def other_classes(input_shape, classes, width):
        return sequential(input_shape, classes + 1, width)

    def no_model(input_shape, classes, width):
        return layers.Dense(classes)

    def taken(input_shape, classes, width):
        return tf_keras.Sequential([
            layers.Flatten(input_shape=input_shape), layers.Dense(4, name="normalise"),
            layers.Dense(classes)])

    def head_of_its_own(input_shape, classes, width):
        return tf_keras.Sequential([
            layers.Flatten(input_shape=input_shape), layers.Dense(classes, name="head")])

    class Subclassed(tf_keras.Model):
        def call(self, x):
            return x

    def subclassed(input_shape, classes, width):
        images = tf_keras.Input(input_shape)
        return tf_keras.Model(images, layers.Dense(classes)(layers.Flatten()(Subclassed()(images))))

    class NoConfig(layers.Layer):
        def __init__(self, size):
            super().__init__()
            self.size = size

    def no_config(input_shape, classes, width):
        images = tf_keras.Input(input_shape)
        return tf_keras.Model(images, layers.Dense(classes)(layers.Flatten()(NoConfig(3)(images))))

    def two_outputs(input_shape, classes, width):
        images = tf_keras.Input(input_shape)
        x = layers.Dense(classes)(layers.Flatten()(images))
        return tf_keras.Model(images, [x, x])
"""
SPEC = ModelSpec(architecture="own_build:good", width=6, stem="small", head="linear", classes=4, input_shape=(8, 8, 1))


@pytest.fixture
def own(tmp_path, monkeypatch):
    """Builds a function of OWN, found in the working directory."""
    (tmp_path / "own_build.py").write_text(textwrap.dedent(OWN))
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(sys, "path", list(sys.path))
    monkeypatch.delitem(sys.modules, "own_build", raising=False)
    return lambda name, **change: build(SPEC.model_copy(update={"architecture": f"own_build:{name}", **change}), GRAY)


def test_own_model_keeps_its_function_and_gets_the_names(own):
    model = own("good")
    assert not any(isinstance(layer, tf_keras.Model) for layer in model.layers)
    kernels = [n for n in named_variables(model) if n.endswith("kernel")]
    assert kernels == ["conv2d/kernel", "conv2d_1/kernel", "dense/kernel", "head/kernel"]
    assert model.get_layer("head").kernel_initializer.__class__.__name__ == "HeNormal"
    weights = initial_weights(model, 0)
    assign(model, weights)
    x = np.random.default_rng(1).integers(0, 256, (2, 8, 8, 1)).astype(np.float32)
    patches = np.lib.stride_tricks.sliding_window_view((x / 255 - 0.5) / 0.5, (3, 3), (1, 2))
    y = np.einsum("nhwcxy,xyco->nhwo", patches, weights["conv2d/kernel"])
    y = np.maximum(np.maximum(y, 0) @ weights["conv2d_1/kernel"][0, 0], 0) + 1
    hidden = np.maximum(y.reshape(2, -1) @ weights["dense/kernel"], 0)
    np.testing.assert_allclose(model(x), hidden @ weights["head/kernel"], rtol=1e-4, atol=1e-5)


def test_names_do_not_depend_on_what_was_built_before(own):
    assert list(named_variables(own("good"))) == list(named_variables(own("good")))


def test_own_model_may_end_in_a_pool_and_its_features_are_averaged(own):
    model = own("sequential")
    assert "maps/kernel" in named_variables(model)
    assert model.layers[-1].name == "head"
    seen, logits = features(model)(np.zeros((2, 8, 8, 1)))
    np.testing.assert_allclose(seen, logits, atol=1e-6)


def test_own_model_takes_the_other_heads(own):
    assert list(named_variables(own("good", head="cosine")))[-2:] == ["head/kernel", "head/scale"]
    with pytest.raises(UserError, match="must end in a Dense layer"):
        own("sequential", head="tvmf")


def test_a_last_layer_called_head_is_fine(own):
    assert list(named_variables(own("head_of_its_own"))) == ["head/kernel", "head/bias"]


@pytest.mark.parametrize(
    ("name", "message"),
    [
        ("softmax", "ends in softmax but must give logits"),
        ("softmax_layer", "ends in softmax"),
        ("softmax_call", "ends in softmax"),
        ("no_shape", "known input shape"),
        ("other_shape", r"images of shape \(8, 8, 1\), got \(9, 9, 1\)"),
        ("other_classes", r"logits of shape \(None, 4\)"),
        ("no_model", "must return a tf_keras model, got tf_keras"),
        ("taken", "leave the layer name normalise free"),
        ("subclassed", "without subclassed models"),
        ("no_config", r"layer no_config \(NoConfig\) cannot be copied"),
        ("two_outputs", "one input and one output"),
    ],
)
def test_own_models_that_cannot_be_used(own, name: str, message: str):
    with pytest.raises(UserError, match=message):
        own(name)
