"""What follows a convolution without looking at more than one channel is taken into it."""

from __future__ import annotations

from dataclasses import replace

from tf_dlth.exporting.graph import (
    Affine,
    Convolution,
    Depthwise,
    Graph,
    Linear,
    Margins,
    Node,
    Pad,
    reachable,
)

Weighted = Convolution | Depthwise | Linear


def folded(graph: Graph) -> Graph:
    """Padding goes into the convolution after it, BatchNorm into the one before it where nobody else reads that."""
    nodes: list[Node] = []
    uses = graph.uses()
    names: dict[str, str] = {}
    for node in graph.nodes:
        node = replace(node, inputs=tuple(names.get(name, name) for name in node.inputs))
        before = next((n for n in nodes if n.name in node.inputs), None)
        if isinstance(node, Convolution | Depthwise) and isinstance(before, Pad):
            nodes.append(replace(node, inputs=before.inputs, margins=_sum(before.margins, node.margins)))
        elif isinstance(node, Affine) and isinstance(before, Weighted) and uses[before.name] == 1:
            nodes[nodes.index(before)] = _scaled(before, node)
            names[node.name] = before.name
        else:
            nodes.append(node)
    output = names.get(graph.output, graph.output)
    return Graph(reachable(nodes, output), graph.channels)


def _sum(one: Margins, other: Margins) -> Margins:
    above, below, left, right = (a + b for a, b in zip(one, other, strict=True))
    return above, below, left, right


def _scaled(node: Weighted, affine: Affine) -> Weighted:
    scale = affine.scale.reshape(node.kernel.shape[2:]) if isinstance(node, Depthwise) else affine.scale
    return replace(node, kernel=node.kernel * scale, bias=node.bias * affine.scale + affine.shift)
