"""What a SavedModel from a stranger may hold, looked at before TensorFlow loads it.

``tf.saved_model.load`` runs graphs: those that fill variables, and later every signature that is called. An operation
can read and write files or run Python, so a SavedModel is a program. Here each operation must be in a short list that
touches tensors alone. How long a graph computes and how much memory it takes is not looked at.
"""

from __future__ import annotations

import os
import stat
from collections.abc import Iterator
from copy import deepcopy
from pathlib import Path, PurePosixPath
from typing import Any

from google.protobuf.message import DecodeError
from tensorflow.core.protobuf import saved_model_pb2

from tf_dlth import files
from tf_dlth.errors import UserError

MAX_GRAPH = 16 * 2**20
"""Bytes that a graph's file may have; the largest of our networks takes 1.3 million."""

_HARMLESS = """
Const Identity IdentityN NoOp Placeholder PlaceholderWithDefault StopGradient
Bitcast BroadcastTo Cast Concat ConcatV2 EnsureShape ExpandDims Fill Gather GatherNd GatherV2 OneHot OnesLike Pack
Pad PadV2 MirrorPad Range Rank Reshape ReverseV2 Select SelectV2 Shape ShapeN Size Slice Split SplitV Squeeze
StridedSlice Tile Transpose Unpack Where ZerosLike
Abs Add AddN AddV2 Ceil Div DivNoNan Erf Erfc Exp Expm1 Floor FloorDiv FloorMod Log Log1p Maximum Minimum Mul Neg
Pow RealDiv Reciprocal Rint Round Rsqrt Sigmoid Sign Sqrt Square SquaredDifference Sub Tanh
Equal Greater GreaterEqual IsFinite IsNan Less LessEqual LogicalAnd LogicalNot LogicalOr NotEqual
All Any ArgMax ArgMin Max Mean Min Prod Sum TopKV2 BatchMatMulV2 Einsum L2Loss MatMul
AvgPool BatchToSpaceND BiasAdd Conv2D Conv2DBackpropInput DepthToSpace DepthwiseConv2dNative Elu FusedBatchNorm
FusedBatchNormV2 FusedBatchNormV3 LeakyRelu LogSoftmax MaxPool Relu Relu6 Selu Softmax Softplus SpaceToBatchND
SpaceToDepth
RandomStandardNormal RandomUniform RngReadAndSkip StatelessRandomGetKeyCounter StatelessRandomUniformFullIntV2
StatelessRandomUniformV2
CropAndResize DecodeAndCropJpeg DecodeBmp DecodeGif DecodeImage DecodeJpeg DecodePng DecodeRaw ResizeArea
ResizeBicubic ResizeBilinear ResizeNearestNeighbor ScaleAndTranslate
Assert Case If PartitionedCall StatefulPartitionedCall StatelessCase StatelessIf StatelessWhile While
TensorListFromTensor TensorListGetItem TensorListReserve TensorListSetItem TensorListStack
AssignAddVariableOp AssignSubVariableOp AssignVariableOp DisableCopyOnRead ReadVariableOp VarHandleOp
VarIsInitializedOp
StaticRegexFullMatch StringJoin
"""

HARMLESS = frozenset(_HARMLESS.split())
"""Operations that see nothing but their tensors and the SavedModel's own variables."""

SAVER = frozenset({"SaveV2", "MergeV2Checkpoints", "ShardedFilename", "RestoreV2"})
"""Operations on files that stand in every SavedModel, in two functions that loading never calls."""

KINDS = frozenset(
    {"user_object", "function", "bare_concrete_function", "variable", "captured_tensor", "constant", "asset"}
)
"""Objects that run nothing when they are made; a ``resource`` runs its creator and its initialiser."""

CLASSES = frozenset({"", "tf.TrackableConstant"})
"""Python classes that an object may ask for by name, whatever its kind says."""


def require_harmless(folder: Path) -> None:
    """Raises UserError unless all that ``folder``'s SavedModel can do is compute; loads and runs nothing."""
    _require_plain_files(folder)
    graph = _meta_graph(folder)
    for found in (*_foreign_operations(graph), *_foreign_objects(graph), *_foreign_assets(graph)):
        raise _refused(folder, found)


def _refused(folder: Path, found: str) -> UserError:
    return UserError(
        f"{folder} is a SavedModel that can do more than compute: it holds {found}; "
        "pass --trust if you know where it comes from"
    )


def _require_plain_files(folder: Path) -> None:
    """TensorFlow follows links, waits at pipes, and reads a ``.pb`` file of any size as a whole."""
    for path in _entries(folder):
        status = path.lstat()
        if stat.S_ISDIR(status.st_mode) and path.suffix != ".pb":
            continue
        if not stat.S_ISREG(status.st_mode):
            raise _refused(folder, f"{path.relative_to(folder).as_posix()!r:.100}, which is no ordinary file")
        if path.suffix == ".pb" and status.st_size > MAX_GRAPH:
            raise UserError(f"{path} has {status.st_size} bytes, but a SavedModel's graph may have {MAX_GRAPH}")


def _entries(folder: Path) -> Iterator[Path]:
    def unreadable(error: OSError) -> None:
        raise UserError(f"{folder} cannot be read: {error.strerror}") from None

    for parent, folders, names in os.walk(folder, onerror=unreadable):
        yield from (Path(parent, name) for name in (*folders, *names))


def _meta_graph(folder: Path) -> Any:
    """The one graph with objects: for any other, TensorFlow takes another way, which runs the main graph too."""
    path = folder / "saved_model.pb"
    try:
        graphs = saved_model_pb2.SavedModel.FromString(files.read_bytes(path)).meta_graphs
    except DecodeError:
        raise UserError(f"{path} is damaged: not a SavedModel; restore it from a copy") from None
    if len(graphs) != 1 or not graphs[0].HasField("object_graph_def"):
        raise UserError(f"{path} is damaged or of TensorFlow 1: it must hold one graph with objects; save it anew")
    return graphs[0]


def _foreign_operations(graph: Any) -> Iterator[str]:
    """Each operation that is not harmless, in whatever function, called or not."""
    library, savers = graph.graph_def.library, _saver_functions(graph)
    yield from _foreign_nodes(graph.graph_def.node, HARMLESS)
    for function in library.function:
        is_saver = function.signature.name in savers
        yield from _foreign_nodes(function.node_def, HARMLESS | SAVER if is_saver else HARMLESS)
        if is_saver and any(not key.startswith("_") for key in function.attr):
            # `api_implements` lets the graph optimiser put one function in place of another.
            yield f"the saving function {function.signature.name!r:.100} with attributes"
    rest = _without_savers(graph, savers)
    for name in savers:
        if name.encode() in rest:
            yield f"another use of the saving function {name!r:.100}"


def _foreign_nodes(nodes: Any, allowed: frozenset[str]) -> Iterator[str]:
    for node in nodes:
        if node.op not in allowed:
            yield f"the operation {node.op!r:.100}"
        for value in node.attr.values():
            # The loader renames functions, but not those named here: they might be anyone's.
            if value.placeholder or any(function.attr for function in (value.func, *value.list.func)):
                yield f"the operation {node.op!r:.100} that names a function indirectly"


def _saver_functions(graph: Any) -> set[str]:
    """The functions that the main graph's two saver nodes call; the loader never runs the main graph."""
    saver = graph.saver_def
    nodes = {saver.save_tensor_name.partition(":")[0], saver.restore_op_name}
    return {function for node in graph.graph_def.node if node.name in nodes for function in _called(node)}


def _called(node: Any) -> list[str]:
    return [value.func.name for key, value in node.attr.items() if key == "f" and value.func.name]


def _without_savers(graph: Any, savers: set[str]) -> bytes:
    """All of ``graph`` but the saving functions and the nodes of the main graph that call them."""
    rest = deepcopy(graph)
    del rest.graph_def.node[:]
    rest.graph_def.node.extend(n for n in graph.graph_def.node if savers.isdisjoint(_called(n)))
    del rest.graph_def.library.function[:]
    rest.graph_def.library.function.extend(
        f for f in graph.graph_def.library.function if f.signature.name not in savers
    )
    return rest.SerializeToString()


def _foreign_objects(graph: Any) -> Iterator[str]:
    for node in graph.object_graph_def.nodes:
        kind = node.WhichOneof("kind")
        if kind not in KINDS:
            yield f"an object of the kind {kind}"
        if node.registered_name not in CLASSES:
            yield f"an object of the class {node.registered_name!r:.100}"


def _foreign_assets(graph: Any) -> Iterator[str]:
    for asset in graph.asset_file_def:
        path = PurePosixPath(asset.filename)
        if path.is_absolute() or ".." in path.parts:
            yield f"the asset {asset.filename!r:.100}"
