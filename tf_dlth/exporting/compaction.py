"""Removing what a network computes in vain, without changing what it says.

A channel whose weights are all zero is constant: its value goes into the next layer's bias, unless zeros are padded
around it there, which would make its contribution depend on the place. A channel that nothing reads is not computed.
A residual branch that is constant as a whole becomes a shift. Logits stay what they were, up to float32 rounding.
"""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from tf_dlth.exporting.channels import Kept, foldable, is_boundary, kept_channels
from tf_dlth.exporting.constants import Constants, constants
from tf_dlth.exporting.folding import folded
from tf_dlth.exporting.graph import Add, Affine, Convolution, Depthwise, Graph, Linear, Node, reachable


def compacted(graph: Graph) -> Graph:
    """The same function of the images with as few channels and layers as can be removed exactly."""
    graph = folded(graph)
    while True:
        smaller = folded(_sliced(_without_constant_branches(graph)))
        if _size(smaller) == _size(graph):
            return smaller
        graph = smaller


def _size(graph: Graph) -> tuple[int, int]:
    return len(graph.nodes), sum(graph.channels[node.name] for node in graph.nodes)


def _without_constant_branches(graph: Graph) -> Graph:
    """Sums without the operands that are constant in all channels, whose values are added after them."""
    found, channels = constants(graph), dict(graph.channels)
    nodes: list[Node] = []
    for node in graph.nodes:
        made = _shifted(node, found) if isinstance(node, Add) else [node]
        channels.update({one.name: graph.channels[node.name] for one in made})
        nodes += made
    return Graph(reachable(nodes, graph.output), channels)


def _shifted(node: Add, found: Constants) -> list[Node]:
    varying = [name for name in node.inputs if np.isnan(found[name]).any()] or [node.inputs[0]]
    dropped = list(node.inputs)
    for name in varying:
        dropped.remove(name)
    if not dropped:
        return [node]
    shift = np.sum([found[name] for name in dropped], axis=0)
    if len(varying) == 1:
        return [Affine(node.name, (varying[0],), np.ones_like(shift), shift)]
    rest = f"{node.name}_varying"
    return [Add(rest, tuple(varying)), Affine(node.name, (rest,), np.ones_like(shift), shift)]


def _sliced(graph: Graph) -> Graph:
    found = constants(graph)
    kept = kept_channels(graph, found)
    nodes = tuple(_slice(node, kept, found) for node in graph.nodes)
    return Graph(nodes, {node.name: int(kept[node.name].sum()) for node in nodes})


def _slice(node: Node, kept: Kept, found: Constants) -> Node:
    out = kept[node.name]
    match node:
        case Convolution() | Linear():
            into = kept[node.inputs[0]]
            values = np.where(into, 0, np.nan_to_num(foldable(node, found)))
            bias = node.bias + values @ node.kernel.sum(tuple(range(node.kernel.ndim - 2)))
            return replace(node, kernel=node.kernel[..., into, :][..., out], bias=bias[out])
        case Depthwise() if not is_boundary(node):
            return replace(node, kernel=node.kernel[:, :, out], bias=node.bias[out])
        case Affine():
            return replace(node, scale=node.scale[out], shift=node.shift[out])
    return node
