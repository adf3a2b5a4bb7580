from __future__ import annotations

import numpy as np
import pytest
import tf_keras

from tf_dlth.exporting.graph import Convolution, Depthwise, Other
from tf_dlth.exporting.keras_model import keras_model
from tf_dlth.exporting.reading import read_graph

layers = tf_keras.layers


@pytest.mark.parametrize(("length", "size", "stride"), [(8, 3, 2), (7, 3, 2), (9, 2, 2), (8, 5, 3), (6, 1, 2)])
def test_margins_are_what_keras_pads(length: int, size: int, stride: int) -> None:
    images = tf_keras.Input((length, length, 2), name="images")
    model = tf_keras.Model(images, layers.Conv2D(3, size, stride, padding="same")(images))
    x = np.random.default_rng(0).normal(size=(2, length, length, 2)).astype(np.float32)
    read = keras_model(read_graph(model), "read")
    np.testing.assert_allclose(read(x), model(x), atol=1e-5)


def own(x: layers.Layer) -> layers.Layer:
    """Layers of users' networks: some that an operation stands for, and some that none does."""
    x = layers.Conv2D(6, 3, activation="relu", dilation_rate=2)(x)
    x = layers.Conv2D(6, 3, padding="same", activation="relu", name="known")(x)
    x = layers.Dropout(0.5)(layers.BatchNormalization()(x))
    side = layers.Conv2D(6, 3, padding="same", groups=2, activation="gelu")(x)
    x = layers.Concatenate()([layers.LeakyReLU()(x), side])
    shared = layers.Conv2D(12, 1, name="shared")
    x = shared(shared(x))
    x = layers.DepthwiseConv2D(3, depth_multiplier=2, name="depthwise")(layers.AveragePooling2D()(x))
    return layers.Dense(5, name="head")(layers.Flatten()(x))


def test_other_layers_are_kept_and_shared_ones_computed_twice(same) -> None:
    images = tf_keras.Input((16, 16, 3), name="images")
    model = tf_keras.Model(images, own(tf_keras.layers.Rescaling(1 / 255)(images)))
    graph = read_graph(model)
    kinds = {node.name: type(node) for node in graph.nodes}
    assert (kinds["known"], kinds["depthwise"], kinds["shared"]) == (Convolution, Depthwise, Other)
    read = keras_model(graph, "read")
    same(lambda x: read(x.astype(np.float32)).numpy(), model)


def test_activations_of_layers_become_nodes() -> None:
    images = tf_keras.Input((4, 4, 1), name="images")
    model = tf_keras.Model(images, layers.Conv2D(2, 3, activation="relu", name="conv")(images))
    assert [node.name for node in read_graph(model).nodes] == ["images", "conv", "conv_activation"]
