"""From a graph back to a plain Keras model."""

from __future__ import annotations

from typing import Any

import numpy as np
import tensorflow as tf
import tf_keras

from tf_dlth.exporting.graph import (
    NO_MARGINS,
    Add,
    Affine,
    Convolution,
    Depthwise,
    Graph,
    Images,
    Linear,
    MaxPool,
    MeanPool,
    Node,
    Other,
    Pad,
    Relu,
)
from tf_dlth.models.copying import carry_values, copied
from tf_dlth.models.layers import Tensor

layers = tf_keras.layers


def keras_model(graph: Graph, name: str) -> tf_keras.Model:
    """A functional model from ``images`` to logits, its layers named after the nodes."""
    values: dict[str, Tensor] = {}
    for node in graph.nodes:
        values[node.name] = _value(node, [values[name] for name in node.inputs])
    return tf_keras.Model(values[graph.nodes[0].name], values[graph.output], name=name)


def _value(node: Node, given: list[Tensor]) -> Tensor:
    match node:
        case Images():
            return tf_keras.Input(node.shape, dtype="float32", name=node.name)
        case Convolution() | Depthwise():
            return _convolved(node, given[0])
        case Linear():
            return _filled(layers.Dense(node.kernel.shape[1], name=node.name), given[0], node.kernel, node.bias)
        case Affine():
            scale: Any = _float32(node.scale)
            shift: Any = _float32(node.shift)
            return layers.Rescaling(scale, shift, name=node.name)(given[0])
        case Add():
            return layers.Add(name=node.name)(given)
        case Other():
            return _other(node, given)
    return _stateless(node)(given[0])


def _stateless(node: Node) -> layers.Layer:
    match node:
        case Relu():
            return layers.ReLU(name=node.name)
        case Pad():
            return _padding(node.margins, node.name)
        case MaxPool():
            return layers.MaxPooling2D(node.size, node.strides, name=node.name)
        case MeanPool():
            return layers.GlobalAveragePooling2D(name=node.name)
    raise TypeError(f"no layer for {type(node).__name__}")


def _convolved(node: Convolution | Depthwise, x: Tensor) -> Tensor:
    size = node.kernel.shape[:2]
    height, width = (side // 2 for side in size)
    same = node.strides == (1, 1) and node.margins == (height, height, width, width) and all(k % 2 for k in size)
    if not same and node.margins != NO_MARGINS:
        x = _padding(node.margins, f"{node.name}_pad")(x)
    options: dict[str, Any] = {"strides": node.strides, "padding": "same" if same else "valid", "name": node.name}
    if isinstance(node, Depthwise):
        layer = layers.DepthwiseConv2D(size, depth_multiplier=node.kernel.shape[3], **options)
    else:
        layer = layers.Conv2D(node.kernel.shape[3], size, **options)
    return _filled(layer, x, node.kernel, node.bias)


def _padding(margins: tuple[int, int, int, int], name: str) -> layers.Layer:
    above, below, left, right = margins
    return layers.ZeroPadding2D(((above, below), (left, right)), name=name)


def _other(node: Other, given: list[Tensor]) -> Tensor:
    layer, tensors = copied(node.layer, node.name), dict(zip(map(id, node.given), given, strict=True))
    args, kwargs = tf.nest.map_structure(lambda t: tensors.get(id(t), t), (node.arguments, node.keywords))
    output = layer(*args, **kwargs)
    carry_values(node.layer, layer)
    return output


def _filled(layer: layers.Layer, x: Tensor, *weights: np.ndarray) -> Tensor:
    output = layer(x)
    layer.set_weights([_float32(one) for one in weights])
    return output


def _float32(array: np.ndarray) -> np.ndarray:
    return array.astype(np.float32)
