"""Which channels have one value everywhere, whatever the image."""

from __future__ import annotations

import numpy as np

from tf_dlth.exporting.graph import (
    NO_MARGINS,
    Add,
    Affine,
    Convolution,
    Depthwise,
    Graph,
    Linear,
    Margins,
    MaxPool,
    MeanPool,
    Node,
    Pad,
    Relu,
)

Constants = dict[str, np.ndarray]
"""By a node's name, float64 [channels]: the channel's value, NaN where it varies."""


def constants(graph: Graph) -> Constants:
    """Of all nodes' values."""
    found: Constants = {}
    for node in graph.nodes:
        found[node.name] = _constants(node, [found[name] for name in node.inputs], graph.channels[node.name])
    return found


def padded(values: np.ndarray, margins: Margins) -> np.ndarray:
    """Zeros around another constant make it vary: what a convolution gives differs at the border then."""
    return values if margins == NO_MARGINS else np.where(values == 0, values, np.nan)


def _constants(node: Node, given: list[np.ndarray], channels: int) -> np.ndarray:
    match node:
        case Convolution():
            return node.bias + through(node.kernel.sum((0, 1)), node.kernel, padded(given[0], node.margins))
        case Linear():
            return node.bias + through(node.kernel, node.kernel, given[0])
        case Depthwise():
            used = np.any(node.kernel, (0, 1))
            values = padded(given[0], node.margins)[:, None]
            return np.where(used, node.kernel.sum((0, 1)) * values, 0).reshape(-1) + node.bias
        case Affine():
            return np.where(node.scale == 0, 0, given[0] * node.scale) + node.shift
        case Relu():
            return np.maximum(given[0], 0)
        case Pad():
            return padded(given[0], node.margins)
        case MaxPool() | MeanPool():
            return given[0]
        case Add():
            return np.sum(given, axis=0)
    return np.full(channels, np.nan)


def through(sums: np.ndarray, kernel: np.ndarray, values: np.ndarray) -> np.ndarray:
    """What constant ``values`` [in] give in each output, without bias; NaN where a varying one has a weight.

    ``sums`` [in, out] is ``kernel`` [..., in, out] summed over space.
    """
    used = np.any(kernel, tuple(range(kernel.ndim - 2)))
    return np.where(used, sums * values[:, None], 0).sum(0)
