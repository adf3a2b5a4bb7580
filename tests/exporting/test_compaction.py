"""Smaller networks say the same, for every architecture; what must go is gone, and what must stay is there."""

from __future__ import annotations

import numpy as np
import pytest
import tf_keras

from tf_dlth.exporting.compaction import compacted
from tf_dlth.exporting.keras_model import keras_model
from tf_dlth.exporting.reading import read_graph
from tf_dlth.models.macs import macs
from tf_dlth.models.registry import BUILT_IN

layers = tf_keras.layers
HEADS = [("resnet18", "cosine"), ("resnet18", "tvmf"), ("harmonic_resnet18", "cosine")]


def smaller(model: tf_keras.Model) -> tf_keras.Model:
    return keras_model(compacted(read_graph(model)), "compact")


def check(model: tf_keras.Model, same) -> float:
    """The multiplications that are left, as a fraction."""
    found = smaller(model)
    same(lambda x: found(x.astype(np.float32), training=False).numpy(), model)
    return macs(found) / macs(model)


@pytest.mark.parametrize("architecture", BUILT_IN)
def test_dead_channels_go(network, prune, same, architecture: str) -> None:
    assert check(prune(network(architecture), "dead"), same) < 0.75


@pytest.mark.parametrize(("architecture", "head"), HEADS)
def test_normalised_heads_keep_all_features(network, prune, same, architecture: str, head: str) -> None:
    assert check(prune(network(architecture, head=head), "dead"), same) < 0.85


MASKS = [("resnet18", 0.3), ("resnet18", 0.1), ("resnet18", 0.05), ("mobilenet_v2", 0.5), ("mobilenet_v2", 0.25)]


@pytest.mark.parametrize(("architecture", "density"), MASKS)
def test_random_masks(network, prune, same, architecture: str, density: float) -> None:
    assert check(prune(network(architecture), density), same) <= 1


@pytest.mark.parametrize("architecture", ["resnet18", "vgg11"])
def test_a_dense_network_stays_as_large(network, same, architecture: str) -> None:
    assert check(network(architecture), same) == 1


def test_other_stems_and_sizes(network, prune, same) -> None:
    assert check(prune(network("resnet50", stem="full", input_shape=(40, 56, 3)), "dead"), same) < 0.75


def test_a_branch_without_weights_becomes_a_shift(network, prune, same) -> None:
    model = prune(network("resnet18"), "none", "stage1_block2_conv2/kernel", "stage3_block1_shortcut/kernel")
    found = smaller(model)
    names = {layer.name for layer in found.layers}
    assert not names & {"stage1_block2_conv1", "stage1_block2_conv2", "stage3_block1_shortcut"}
    assert isinstance(found.get_layer("stage1_block2_add"), layers.Rescaling)
    assert isinstance(found.get_layer("stage2_block2_add"), layers.Add)
    same(lambda x: found(x.astype(np.float32), training=False).numpy(), model)


def test_a_network_without_any_weights_is_a_constant(network, prune) -> None:
    model = prune(network("resnet18"), "none")
    images = np.random.default_rng(0).uniform(0, 255, (4, 32, 32, 3)).astype(np.float32)
    np.testing.assert_allclose(smaller(model)(images), model(images, training=False), rtol=1e-5)


def test_own_layers_are_left_alone(same) -> None:
    images = tf_keras.Input((12, 12, 3), name="images")
    x = layers.Conv2D(8, 3, name="conv")(tf_keras.layers.Rescaling(1 / 255)(images))
    x = layers.ReLU()(layers.Conv2D(8, 1, name="inner")(layers.ReLU()(x)))
    x = layers.AveragePooling2D(name="average")(x)
    model = tf_keras.Model(images, layers.Dense(4, name="head")(layers.Flatten(name="flat")(x)))
    for name in ("conv", "inner"):
        kernel = model.get_layer(name).kernel
        kernel.assign(kernel * np.array([1, 0] * 4))
    found = smaller(model)
    assert [found.get_layer(name).output_shape[-1] for name in ("conv", "inner", "average")] == [4, 8, 8]
    same(lambda x: found(x.astype(np.float32), training=False).numpy(), model)
