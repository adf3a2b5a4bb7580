"""An inference network as a list of plain operations on arrays, which can be cut down and written in any format.

Values are maps [N, H, W, C] or rows [N, C], named after the node that gives them. Nodes stand in the order in which
they can be computed; the first is the input, the last gives the logits.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import tf_keras

Margins = tuple[int, int, int, int]
"""Zeros above, below, left and right."""
NO_MARGINS: Margins = (0, 0, 0, 0)


@dataclass(frozen=True, eq=False)
class Node:
    name: str
    inputs: tuple[str, ...]


@dataclass(frozen=True, eq=False)
class Images(Node):
    """float32 [N, H, W, C] in 0..255."""

    shape: tuple[int, int, int]


@dataclass(frozen=True, eq=False)
class Convolution(Node):
    """``kernel`` float64 [h, w, in, out], ``bias`` float64 [out]."""

    kernel: np.ndarray
    bias: np.ndarray
    strides: tuple[int, int]
    margins: Margins


@dataclass(frozen=True, eq=False)
class Depthwise(Node):
    """``kernel`` float64 [h, w, C, m], ``bias`` float64 [C m]: m filters for each channel."""

    kernel: np.ndarray
    bias: np.ndarray
    strides: tuple[int, int]
    margins: Margins


@dataclass(frozen=True, eq=False)
class Linear(Node):
    """``kernel`` float64 [in, out], ``bias`` float64 [out], on rows."""

    kernel: np.ndarray
    bias: np.ndarray


@dataclass(frozen=True, eq=False)
class Affine(Node):
    """``x * scale + shift``, float64 [C] each."""

    scale: np.ndarray
    shift: np.ndarray


@dataclass(frozen=True, eq=False)
class Relu(Node):
    pass


@dataclass(frozen=True, eq=False)
class Pad(Node):
    margins: Margins


@dataclass(frozen=True, eq=False)
class MaxPool(Node):
    """Without padding."""

    size: tuple[int, int]
    strides: tuple[int, int]


@dataclass(frozen=True, eq=False)
class MeanPool(Node):
    """Over the whole map: [N, H, W, C] -> [N, C]."""


@dataclass(frozen=True, eq=False)
class Add(Node):
    pass


@dataclass(frozen=True, eq=False)
class Other(Node):
    """A layer without an operation here: it is kept as it is, and called as it was on the Keras tensors ``given``."""

    layer: tf_keras.layers.Layer
    given: tuple[Any, ...]
    arguments: tuple[Any, ...]
    keywords: dict[str, Any]


@dataclass(frozen=True, eq=False)
class Graph:
    """``channels`` has the last axis' length of each node's value."""

    nodes: tuple[Node, ...]
    channels: dict[str, int]

    @property
    def output(self) -> str:
        return self.nodes[-1].name

    @property
    def by_name(self) -> dict[str, Node]:
        return {node.name: node for node in self.nodes}

    def uses(self) -> Counter[str]:
        """How many inputs of nodes each value is; the output counts once more."""
        return Counter([self.output, *(name for node in self.nodes for name in node.inputs)])


def reachable(nodes: Sequence[Node], output: str) -> tuple[Node, ...]:
    """Those that ``output`` needs, in their order; it comes last."""
    needed, kept = {output}, []
    for node in reversed(nodes):
        if node.name in needed:
            needed.update(node.inputs)
            kept.append(node)
    return tuple(reversed(kept))
