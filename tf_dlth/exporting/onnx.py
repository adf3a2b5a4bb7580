"""A network as an ONNX file, written operation by operation from its graph."""

from __future__ import annotations

import os
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np

from tf_dlth import files
from tf_dlth.errors import UserError
from tf_dlth.exporting.graph import (
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
from tf_dlth.models.heads import KAPPA, CosineHead, TvmfHead

OPSET, IR_VERSION = 17, 8
"""Of 2022, which every runtime of today reads."""
NORM_FLOOR = 1e-12
"""The least length that a cosine divides by."""
Logits = Callable[[np.ndarray], np.ndarray]
"""From uint8 images [N, H, W, C] to float32 logits [N, classes]."""


def write_onnx(path: Path, graph: Graph) -> None:
    """Writes the network from uint8 ``images`` [N, H, W, C] to float32 ``logits`` and ``probabilities``.

    Raises UserError for a layer that no operation stands for.
    """
    content = _Writer(graph).model().SerializeToString()
    files.write_bytes(path, content)


def open_onnx(path: Path) -> Logits:
    """The file's logits by onnxruntime, on all cores."""
    import onnxruntime

    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = len(os.sched_getaffinity(0))
    options.add_session_config_entry("session.intra_op.allow_spinning", "0")  # idle threads would slow down others
    options.log_severity_level = 3
    session = onnxruntime.InferenceSession(str(path), options, providers=["CPUExecutionProvider"])
    return lambda images: np.asarray(session.run(["logits"], {"images": images})[0])


class _Writer:
    """Maps are [N, C, H, W] inside. Zeros are stored: of the runtimes only onnxruntime reads sparse tensors."""

    def __init__(self, graph: Graph) -> None:
        import onnx

        self._onnx: Any = onnx
        self._graph = graph
        self._nodes: list[Any] = []
        self._tensors: list[Any] = []
        self._rows: set[str] = set()

    def model(self) -> Any:
        for node in self._graph.nodes:
            self._write(node)
            if isinstance(node, MeanPool | Linear | Other) or self._rows & set(node.inputs):
                self._rows.add(node.name)
        self._add("Identity", [_value(self._graph.output)], "logits")
        self._add("Softmax", ["logits"], "probabilities", axis=1)
        return self._finished(self._graph.nodes[0])

    def _finished(self, images: Any) -> Any:
        helper, kinds = self._onnx.helper, self._onnx.TensorProto
        classes = self._graph.channels[self._graph.output]
        given = [helper.make_tensor_value_info("images", kinds.UINT8, ["N", *images.shape])]
        results = [helper.make_tensor_value_info(n, kinds.FLOAT, ["N", classes]) for n in ("logits", "probabilities")]
        made = helper.make_graph(self._nodes, "network", given, results, self._tensors)
        model = helper.make_model(made, opset_imports=[helper.make_opsetid("", OPSET)], ir_version=IR_VERSION)
        self._onnx.checker.check_model(model)
        return model

    def _write(self, node: Node) -> None:
        match node:
            case Images():
                self._add("Cast", ["images"], f"{node.name}/float", to=self._onnx.TensorProto.FLOAT)
                self._add("Transpose", [f"{node.name}/float"], _value(node.name), perm=[0, 3, 1, 2])
            case Convolution():
                self._convolve(node, node.kernel.transpose(3, 2, 0, 1), groups=1)
            case Depthwise():
                filters = node.kernel.transpose(2, 3, 0, 1)
                channels, multiplier, *size = filters.shape
                self._convolve(node, filters.reshape(channels * multiplier, 1, *size), groups=channels)
            case Linear():
                self._call("Gemm", node, node.kernel, node.bias)
            case Affine():
                self._affine(node)
            case Pad(margins=(above, below, left, right)):
                self._call("Pad", node, np.array([0, 0, above, left, 0, 0, below, right]))
            case MaxPool():
                self._call("MaxPool", node, kernel_shape=node.size, strides=node.strides)
            case MeanPool():
                self._add("GlobalAveragePool", [_value(node.inputs[0])], f"{node.name}/map")
                self._add("Flatten", [f"{node.name}/map"], _value(node.name))
            case Relu() | Add():
                self._call(type(node).__name__, node)
            case Other(layer=CosineHead()):
                self._head(node, node.layer)
            case _:
                kind = type(node.layer).__name__ if isinstance(node, Other) else type(node).__name__
                raise UserError(f"--format onnx: no operation stands for layer {node.name} ({kind}); take savedmodel")

    def _convolve(self, node: Convolution | Depthwise, filters: np.ndarray, groups: int) -> None:
        above, below, left, right = node.margins
        pads = [above, left, below, right]
        self._call("Conv", node, filters, node.bias, strides=node.strides, pads=pads, group=groups)

    def _affine(self, node: Affine) -> None:
        shape = (-1,) if self._rows & set(node.inputs) else (-1, 1, 1)
        scaled = f"{node.name}/scaled"
        self._add(
            "Mul", [_value(node.inputs[0]), self._constant(f"{node.name}/scale", node.scale.reshape(shape))], scaled
        )
        self._add("Add", [scaled, self._constant(f"{node.name}/shift", node.shift.reshape(shape))], _value(node.name))

    def _head(self, node: Other, head: Any) -> None:
        """Cosines of the features and the classes' unit vectors, scaled."""
        kernel = head.kernel.numpy().astype(np.float64)
        kernel /= np.maximum(np.linalg.norm(kernel, axis=0), NORM_FLOOR)
        scale = 1 + np.logaddexp(0, float(head.scale.numpy()))
        part = f"{node.name}/{{}}".format
        self._add("ReduceL2", [_value(node.inputs[0])], part("norm"), axes=[1], keepdims=1)
        self._add("Max", [part("norm"), self._constant(part("floor"), np.array(NORM_FLOOR))], part("length"))
        self._add("Div", [_value(node.inputs[0]), part("length")], part("unit"))
        self._add("MatMul", [part("unit"), self._constant(part("kernel"), kernel)], part("cosines"))
        similarity = part("cosines")
        if isinstance(head, TvmfHead):
            similarity = self._tvmf(similarity, part)
        self._add("Mul", [similarity, self._constant(part("scale"), np.array(scale))], _value(node.name))

    def _tvmf(self, cosines: str, part: Callable[[str], str]) -> str:
        """(1 + c) / (1 + kappa - kappa c) - 1."""
        one, kappa = self._constant(part("one"), np.array(1.0)), self._constant(part("kappa"), np.array(KAPPA))
        above = self._constant(part("above"), np.array(1 + KAPPA))
        self._add("Add", [cosines, one], part("numerator"))
        self._add("Mul", [cosines, kappa], part("product"))
        self._add("Sub", [above, part("product")], part("denominator"))
        self._add("Div", [part("numerator"), part("denominator")], part("quotient"))
        self._add("Sub", [part("quotient"), one], part("similarity"))
        return part("similarity")

    def _call(self, operation: str, node: Node, *weights: np.ndarray, **attributes: Any) -> None:
        """An operation on a node's inputs and on ``weights``."""
        constants = [self._constant(f"{node.name}/{number}", one) for number, one in enumerate(weights)]
        self._add(operation, [*map(_value, node.inputs), *constants], _value(node.name), **attributes)

    def _add(self, operation: str, inputs: list[str], output: str, **attributes: Any) -> None:
        self._nodes.append(self._onnx.helper.make_node(operation, inputs, [output], **attributes))

    def _constant(self, name: str, values: np.ndarray) -> str:
        """A tensor of the file, float32 or int64, by its name."""
        values = values.astype(np.int64 if values.dtype.kind == "i" else np.float32)
        self._tensors.append(self._onnx.numpy_helper.from_array(np.ascontiguousarray(values), name))
        return name


def _value(name: str) -> str:
    """A node's value, apart from the names of the file's inputs, outputs and tensors."""
    return f"{name}/value"
