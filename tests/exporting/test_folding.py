from __future__ import annotations

import numpy as np
import tf_keras

from tf_dlth.exporting.folding import folded
from tf_dlth.exporting.graph import Affine, Convolution, Pad
from tf_dlth.exporting.keras_model import keras_model
from tf_dlth.exporting.reading import read_graph

layers = tf_keras.layers


def test_batch_norm_and_padding_are_gone(network, same) -> None:
    model = network("fullconv_resnet18")
    graph = folded(read_graph(model))
    assert [node.name for node in graph.nodes if isinstance(node, Affine)] == ["normalise"]
    convolution = graph.by_name["stage1_block1_conv1"]
    assert isinstance(convolution, Convolution) and convolution.margins == (2, 2, 2, 2)
    left = [node.name for node in graph.nodes if isinstance(node, Pad)]
    assert left and all("shortcut" in name for name in left)
    small = keras_model(graph, "folded")
    same(lambda x: small(x.astype(np.float32)).numpy(), model)


def test_not_where_the_convolution_is_read_by_others_too() -> None:
    images = tf_keras.Input((6, 6, 2), name="images")
    x = layers.Conv2D(2, 3, name="conv")(images)
    model = tf_keras.Model(images, layers.Add()([x, layers.BatchNormalization(name="bn")(x)]))
    assert [node.name for node in folded(read_graph(model)).nodes] == ["images", "conv", "bn", "add"]
