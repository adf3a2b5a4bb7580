"""Which channels of every value must be kept, so that each operation finds the ones it needs.

Operations that work channel by channel, residual sums among them, tie the channels of their inputs and outputs
together: those form one group, which keeps what any reader of one of its values needs.
"""

from __future__ import annotations

import numpy as np

from tf_dlth.exporting.constants import Constants, padded
from tf_dlth.exporting.graph import Convolution, Depthwise, Graph, Images, Linear, Node, Other

Kept = dict[str, np.ndarray]
"""By a node's name, bool [channels]."""


def kept_channels(graph: Graph, constants: Constants) -> Kept:
    """The smallest choice that computes the output; at least one channel of everything."""
    groups = _groups(graph)
    kept = {group: np.zeros(graph.channels[name], bool) for name, group in groups.items()}
    kept[groups[graph.output]][:] = True
    for node in graph.nodes:
        if is_boundary(node) and not isinstance(node, Convolution | Linear):
            kept[groups[node.name]][:] = True
    grown = True
    while grown:
        grown = False
        for node in reversed(graph.nodes):
            for name in node.inputs:
                own = kept[groups[name]]
                needed = own | _needed(node, kept[groups[node.name]], constants, name)
                if not needed.any():
                    needed[0] = True
                grown |= bool((needed != own).any())
                kept[groups[name]] = needed
    return {name: kept[group] for name, group in groups.items()}


def is_boundary(node: Node) -> bool:
    """Whether the channels that a node gives are others than those that it reads."""
    if isinstance(node, Depthwise):
        return node.kernel.shape[3] != 1
    return isinstance(node, Images | Convolution | Linear | Other)


def foldable(node: Convolution | Linear, constants: Constants) -> np.ndarray:
    """The constants that a node may take into its bias, float64 [in]; NaN where it has to read the channel."""
    values = constants[node.inputs[0]]
    return padded(values, node.margins) if isinstance(node, Convolution) else values


def _groups(graph: Graph) -> dict[str, str]:
    """Each node's group, named after the first node in it."""
    groups: dict[str, str] = {}
    for node in graph.nodes:
        groups[node.name] = node.name
        if is_boundary(node):
            continue
        tied = {groups[name] for name in node.inputs} | {node.name}
        first = next(n.name for n in graph.nodes if n.name in tied)
        groups = {name: first if group in tied else group for name, group in groups.items()}
    return groups


def _needed(node: Node, kept: np.ndarray, constants: Constants, name: str) -> np.ndarray:
    """The channels of its input ``name`` that a node needs to give those of its own that are ``kept``."""
    if isinstance(node, Convolution | Linear):
        used = np.any(node.kernel[..., kept], (*range(node.kernel.ndim - 2), -1))
        return used & np.isnan(foldable(node, constants))
    if is_boundary(node):
        return np.ones(len(constants[name]), bool)
    return kept
