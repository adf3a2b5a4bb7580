"""From a plain Keras model to the graph of what it computes in inference."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import tf_keras

from tf_dlth.errors import UserError
from tf_dlth.exporting.graph import (
    NO_MARGINS,
    Add,
    Affine,
    Convolution,
    Depthwise,
    Graph,
    Images,
    Linear,
    Margins,
    MaxPool,
    MeanPool,
    Node,
    Other,
    Pad,
    Relu,
    reachable,
)
from tf_dlth.models.harmonic import DctBank, HarmonicConv2D, dct_bank
from tf_dlth.models.layers import Normalise

layers = tf_keras.layers
Inputs = tuple[str, ...]
Read = Callable[[str, Inputs, Any], list[Node] | None]
"""The nodes of a layer, none where it changes nothing; None where its options are none of an operation's."""


def read_graph(model: tf_keras.Model) -> Graph:
    """The graph of a flat functional model; a layer that no operation stands for is kept as it is.

    Raises UserError for a layer with several outputs.
    """
    values: dict[int, str] = {}
    nodes: list[Node] = []
    channels: dict[str, int] = {}
    for depth in sorted(model._nodes_by_depth, reverse=True):
        for call in model._nodes_by_depth[depth]:
            made = _nodes_of(call, tuple(values[id(tensor)] for tensor in call.keras_inputs), channels)
            nodes += made
            channels.update({node.name: int(call.outputs.shape[-1]) for node in made})
            values[id(call.outputs)] = made[-1].name if made else values[id(call.keras_inputs[0])]
    return Graph(reachable(nodes, values[id(model.output)]), channels)


def _nodes_of(call: Any, inputs: Inputs, taken: dict[str, int]) -> list[Node]:
    layer = call.layer
    name = layer.name if layer.name not in taken else f"{layer.name}_call{len(taken)}"
    if call.is_input:
        return [Images(name, (), tuple(layer.output_shape[0][1:]))]
    if isinstance(call.outputs, list | tuple | dict):
        raise UserError(f"layer {layer.name} ({type(layer).__name__}) has several outputs; compact takes one a layer")
    read = READERS.get(type(layer))
    made = read(name, inputs, layer) if read else None
    if made is not None:
        return made
    keywords = {key: value for key, value in call.call_kwargs.items() if key != "training"}
    return [Other(name, inputs, layer, tuple(call.keras_inputs), call.call_args, keywords)]


def _normalise(name: str, inputs: Inputs, layer: Any) -> list[Node]:
    mean, std = np.array(layer.mean, np.float64), np.array(layer.std, np.float64)
    return [Affine(name, inputs, 1 / (255 * std), -mean / std)]


def _batch_norm(name: str, inputs: Inputs, layer: Any) -> list[Node] | None:
    if list(layer.axis) != [len(layer.input_shape) - 1]:
        return None
    scale = 1 / np.sqrt(_array(layer.moving_variance) + layer.epsilon)
    scale = scale * _array(layer.gamma) if layer.scale else scale
    shift = -_array(layer.moving_mean) * scale
    return [Affine(name, inputs, scale, shift + _array(layer.beta) if layer.center else shift)]


def _convolution(name: str, inputs: Inputs, layer: Any) -> list[Node] | None:
    if not _plain(layer) or layer.groups != 1:
        return None
    kernel = _array(layer.kernel)
    made = Convolution(name, inputs, kernel, _bias(layer, kernel.shape[-1]), layer.strides, _margins(layer))
    return _activated(made, layer.activation)


def _depthwise(name: str, inputs: Inputs, layer: Any) -> list[Node] | None:
    if not _plain(layer):
        return None
    kernel = _array(layer.depthwise_kernel)
    bias = _bias(layer, kernel.shape[2] * kernel.shape[3])
    return _activated(Depthwise(name, inputs, kernel, bias, layer.strides, _margins(layer)), layer.activation)


def _harmonic(name: str, inputs: Inputs, layer: Any) -> list[Node]:
    kernel = np.einsum("uvxy,uvio->xyio", dct_bank(layer.size).astype(np.float64), _array(layer.coefficients))
    return [Convolution(name, inputs, kernel, np.zeros(layer.filters), (layer.stride,) * 2, _own_margins(layer))]


def _dct(name: str, inputs: Inputs, layer: Any) -> list[Node]:
    size, channels = layer.size, int(layer.input_shape[-1])
    filters = dct_bank(size).astype(np.float64).reshape(size * size, size, size).transpose(1, 2, 0)
    kernel = np.stack([filters] * channels, axis=2)
    bias = np.zeros(channels * size * size)
    return [Depthwise(name, inputs, kernel, bias, (layer.stride,) * 2, _own_margins(layer))]


def _dense(name: str, inputs: Inputs, layer: Any) -> list[Node] | None:
    if len(layer.input_shape) != 2:
        return None
    kernel = _array(layer.kernel)
    return _activated(Linear(name, inputs, kernel, _bias(layer, kernel.shape[1])), layer.activation)


def _relu(name: str, inputs: Inputs, layer: Any) -> list[Node] | None:
    plain = layer.max_value is None and not layer.negative_slope and not layer.threshold
    return [Relu(name, inputs)] if plain else None


def _activation(name: str, inputs: Inputs, layer: Any) -> list[Node] | None:
    kind = layer.activation.__name__
    return [] if kind == "linear" else [Relu(name, inputs)] if kind == "relu" else None


def _pad(name: str, inputs: Inputs, layer: Any) -> list[Node] | None:
    (above, below), (left, right) = layer.padding
    return [Pad(name, inputs, (above, below, left, right))] if layer.data_format == "channels_last" else None


def _max_pool(name: str, inputs: Inputs, layer: Any) -> list[Node] | None:
    plain = layer.padding == "valid" and layer.data_format == "channels_last"
    return [MaxPool(name, inputs, layer.pool_size, layer.strides)] if plain else None


def _mean_pool(name: str, inputs: Inputs, layer: Any) -> list[Node] | None:
    return [MeanPool(name, inputs)] if not layer.keepdims and layer.data_format == "channels_last" else None


def _add(name: str, inputs: Inputs, layer: Any) -> list[Node] | None:
    shapes = {tuple(shape) for shape in layer.input_shape}
    return [Add(name, inputs)] if len(shapes) == 1 else None


READERS: dict[type, Read] = {
    Normalise: _normalise,
    HarmonicConv2D: _harmonic,
    DctBank: _dct,
    layers.BatchNormalization: _batch_norm,
    layers.Conv2D: _convolution,
    layers.DepthwiseConv2D: _depthwise,
    layers.Dense: _dense,
    layers.ReLU: _relu,
    layers.Activation: _activation,
    layers.Dropout: lambda name, inputs, layer: [],
    layers.ZeroPadding2D: _pad,
    layers.MaxPooling2D: _max_pool,
    layers.GlobalAveragePooling2D: _mean_pool,
    layers.Add: _add,
}
"""By exact type: a subclass may compute something else."""


def _activated(node: Node, activation: Any) -> list[Node] | None:
    kind = activation.__name__
    if kind not in ("linear", "relu"):
        return None
    return [node] if kind == "linear" else [node, Relu(f"{node.name}_activation", (node.name,))]


def _plain(layer: Any) -> bool:
    known = layer.padding in ("valid", "same") and layer.data_format == "channels_last"
    return known and tuple(layer.dilation_rate) == (1, 1) and len(layer._inbound_nodes) == 1


def _margins(layer: Any) -> Margins:
    """What Keras' padding adds at this input size: for even sums as much on both sides, else one more at the end."""
    if layer.padding == "valid":
        return NO_MARGINS
    (above, below), (left, right) = (
        _side(*axis) for axis in zip(layer.input_shape[1:3], layer.kernel_size, layer.strides, strict=True)
    )
    return above, below, left, right


def _side(length: int, size: int, stride: int) -> tuple[int, int]:
    total = max(0, (-(-length // stride) - 1) * stride + size - length)
    return total // 2, total - total // 2


def _own_margins(layer: Any) -> Margins:
    """A stride of 1 is padded symmetrically, others by the layer before."""
    return (layer.size // 2,) * 4 if layer.stride == 1 else NO_MARGINS


def _bias(layer: Any, channels: int) -> np.ndarray:
    return _array(layer.bias) if layer.use_bias else np.zeros(channels)


def _array(variable: Any) -> np.ndarray:
    return variable.numpy().astype(np.float64)
