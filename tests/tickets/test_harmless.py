from __future__ import annotations

import os
import re
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import tensorflow as tf
import tf_keras
from tensorflow.core.protobuf import saved_model_pb2
from tf_keras import layers

from tf_dlth import files
from tf_dlth.config import Normalisation
from tf_dlth.data.images import Preprocessing
from tf_dlth.errors import UserError
from tf_dlth.models import registry
from tf_dlth.models.build import build
from tf_dlth.models.spec import ModelSpec
from tf_dlth.tickets import saved_model
from tf_dlth.tickets.harmless import MAX_GRAPH, require_harmless
from tf_dlth.tickets.saved_model import Serving

NORMALISATION = Normalisation(mean=(0.4, 0.5, 0.6), std=(0.2, 0.25, 0.3))
FOUR = [
    ("resnet18", "linear"),
    ("mobilenet_v2", "cosine"),
    ("fullconv_resnet18", "linear"),
    ("harmonic_resnet18", "tvmf"),
]
ALL = [(architecture, head) for architecture in registry.BUILT_IN for head in ("linear", "cosine", "tvmf")]
SLOW = [pytest.param(*network, marks=pytest.mark.slow) for network in ALL if network not in FOUR]


@pytest.mark.parametrize(("architecture", "head"), [*FOUR, *SLOW])
def test_our_own_networks_are_harmless(architecture: str, head: str, tmp_path: Path):
    spec = {"architecture": architecture, "width": 4, "stem": "small", "head": head, "classes": 3}
    model = build(ModelSpec.model_validate({**spec, "input_shape": (32, 32, 3)}), NORMALISATION)
    saved_model.write(tmp_path / "saved_model", Serving(model, ["a", "b", "c"], Preprocessing.of_shape((32, 32, 3))))
    require_harmless(tmp_path / "saved_model")


def test_a_plain_keras_model_is_harmless(tmp_path: Path):
    model = tf_keras.Sequential(
        [
            layers.Rescaling(1 / 255, input_shape=(8, 8, 3)),
            layers.Conv2D(4, 3),
            layers.BatchNormalization(),
            layers.ReLU(),
            layers.MaxPooling2D(),
            layers.Flatten(),
            layers.Dense(3, "softmax"),
        ]
    )
    model.export(str(tmp_path / "exported"))
    tf.saved_model.save(model, str(tmp_path / "saved"))
    tf.random.set_seed(0)
    model.compile("adam", "mse")
    model.train_on_batch(np.zeros((2, 8, 8, 3)), np.zeros((2, 3)))
    model.save(str(tmp_path / "kept"), save_format="tf")
    for name in ("exported", "saved", "kept"):
        require_harmless(tmp_path / name)


def test_a_signature_that_takes_encoded_images_is_harmless(tmp_path: Path):
    def decoded(content: tf.Tensor) -> tf.Tensor:
        image = tf.io.decode_image(content, channels=3, expand_animations=False)
        image.set_shape([None, None, 3])
        tf.debugging.assert_greater(tf.shape(image)[0], 0)
        return tf.image.resize(image, [8, 8], antialias=True)

    def serve(contents: tf.Tensor) -> dict[str, tf.Tensor]:
        return {"images": tf.map_fn(decoded, contents, fn_output_signature=tf.TensorSpec([8, 8, 3]))}

    require_harmless(_saved(tmp_path, serve, tf.TensorSpec([None], tf.string)))


def _saved(
    folder: Path, function: Callable[..., Any], *specs: tf.TensorSpec, tracked: Any = None, unused: Any = None
) -> Path:
    """A SavedModel with one signature, an object ``tracked`` beside it, and a function that no signature calls."""
    module = tf.Module()
    module.serve = tf.function(function, input_signature=specs or [X])
    module.tracked = tracked
    if unused is not None:
        module.unused = tf.function(unused, input_signature=[X])
    tf.saved_model.save(module, str(folder / "hostile"), signatures=module.serve)
    return folder / "hostile"


X = tf.TensorSpec([], tf.float32)


def _write(path: str, x: tf.Tensor) -> tf.Tensor:
    with tf.control_dependencies([tf.io.write_file(path, "x")]):
        return tf.identity(x)


def _nested(path: str, x: tf.Tensor) -> tf.Tensor:
    inner = tf.function(lambda x: _write(path, x))
    return tf.function(lambda x: inner(x) + 1.0)(x)


def _in_a_branch(path: str, x: tf.Tensor) -> tf.Tensor:
    return tf.cond(x > 1e9, lambda: _write(path, x), lambda: x)


def _in_a_case(path: str, x: tf.Tensor) -> tf.Tensor:
    return tf.switch_case(tf.cast(x, tf.int32), [lambda: x, lambda: x + 1.0, lambda: _write(path, x)])


def _in_a_loop(path: str, x: tf.Tensor) -> tf.Tensor:
    return tf.while_loop(lambda x: x < 0.0, lambda x: [_write(path, x) + 1.0], [x])[0]


def _in_a_gradient(path: str, x: tf.Tensor) -> tf.Tensor:
    return tf.custom_gradient(lambda x: (tf.identity(x), lambda upstream: _write(path, upstream)))(x)


def _read(path: str, x: tf.Tensor) -> tf.Tensor:
    return tf.strings.to_number(tf.io.read_file(path)) + x


def _python(path: str, x: tf.Tensor) -> tf.Tensor:
    return tf.py_function(lambda x: Path(path).write_text("x") and x, [x], tf.float32)


def _numpy(path: str, x: tf.Tensor) -> tf.Tensor:
    return tf.numpy_function(lambda x: Path(path).write_text("x") and x, [x], tf.float32)


def _print(path: str, x: tf.Tensor) -> tf.Tensor:
    tf.raw_ops.PrintV2(input="x", output_stream=f"file://{path}")
    return x


def _save(path: str, x: tf.Tensor) -> tf.Tensor:
    tf.raw_ops.SaveV2(prefix=path, tensor_names=["x"], shape_and_slices=[""], tensors=[x])
    return x


def _restore(path: str, x: tf.Tensor) -> tf.Tensor:
    return tf.raw_ops.RestoreV2(prefix=path, tensor_names=["x"], shape_and_slices=[""], dtypes=[tf.float32])[0]


def _match(path: str, x: tf.Tensor) -> tf.Tensor:
    return tf.cast(tf.size(tf.io.matching_files(f"{path}*")), tf.float32)


def _dataset(path: str, x: tf.Tensor) -> tf.Tensor:
    return tf.data.Dataset.from_tensor_slices([path]).reduce(x, lambda x, line: x + 1.0)


HOSTILE = {
    "WriteFile": [_write, _nested, _in_a_branch, _in_a_case, _in_a_loop, _in_a_gradient],
    "ReadFile": [_read],
    "EagerPyFunc": [_python],
    "PyFunc": [_numpy],
    "PrintV2": [_print],
    "SaveV2": [_save],
    "RestoreV2": [_restore],
    "MatchingFiles": [_match],
    "TensorSliceDataset": [_dataset],
}


@pytest.mark.parametrize(
    ("operation", "function"), [(op, function) for op, functions in HOSTILE.items() for function in functions]
)
@pytest.mark.parametrize("called", [True, False])
def test_operations_beyond_tensors_are_refused(operation: str, function: Any, called: bool, tmp_path: Path):
    canary = tmp_path / "canary"

    def hostile(x: tf.Tensor) -> tf.Tensor:
        return function(str(canary), x)

    def harmless(x: tf.Tensor) -> tf.Tensor:
        return x + 1.0

    folder = _saved(tmp_path, hostile) if called else _saved(tmp_path, harmless, unused=hostile)
    with pytest.raises(UserError, match=rf"^{re.escape(str(folder))} .* holds the operation '{operation}'; pass --tr"):
        require_harmless(folder)
    assert list(tmp_path.iterdir()) == [folder]


class Writer(tf.saved_model.experimental.TrackableResource):
    """Writes a file when it is loaded, before anyone calls anything."""

    def __init__(self, path: str) -> None:
        super().__init__()
        self.path = path

    def _create_resource(self) -> tf.Tensor:
        return tf.raw_ops.VarHandleOp(dtype=tf.float32, shape=[], shared_name="writer")

    def _initialize(self) -> None:
        if self.path:
            tf.io.write_file(self.path, "x")


def test_loading_would_run_an_initialiser(tmp_path: Path):
    """Why all this is needed; the canary sings."""
    canary = tmp_path / "canary"
    folder = _saved(tmp_path, lambda x: x, tracked=Writer(str(canary)))
    with pytest.raises(UserError, match="the operation 'WriteFile'"):
        require_harmless(folder)
    assert not canary.exists()
    tf.saved_model.load(str(folder))
    assert canary.exists()


def test_an_initialiser_is_refused_whatever_it_runs(tmp_path: Path):
    folder = _saved(tmp_path, lambda x: x, tracked=Writer(""))
    with pytest.raises(UserError, match="an object of the kind resource"):
        require_harmless(folder)


def test_a_table_from_a_file_is_refused(tmp_path: Path):
    (tmp_path / "table.txt").write_text("a\n")
    table = tf.lookup.StaticHashTable(
        tf.lookup.TextFileInitializer(
            str(tmp_path / "table.txt"),
            tf.string,
            tf.lookup.TextFileIndex.WHOLE_LINE,
            tf.int64,
            tf.lookup.TextFileIndex.LINE_NUMBER,
        ),
        -1,
    )
    folder = _saved(tmp_path, table.lookup, tf.TensorSpec([None], tf.string), tracked=table)
    with pytest.raises(UserError, match=r"the operation '.*Table.*V2'"):
        require_harmless(folder)


@pytest.fixture(scope="module")
def harmless(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A SavedModel with a variable, a nested function and an asset, which passes."""
    folder = tmp_path_factory.mktemp("harmless")
    (folder / "names.txt").write_text("a\n")
    inner, variable = tf.function(lambda x: x * 2.0), tf.Variable(tf.constant(1.0))
    tracked = tf.train.Checkpoint(variable=variable, asset=tf.saved_model.Asset(str(folder / "names.txt")))
    saved = _saved(folder, lambda x: inner(x) + variable, tracked=tracked)
    require_harmless(saved)
    return saved


@pytest.fixture
def copied(harmless: Path, tmp_path: Path) -> Path:
    return Path(shutil.copytree(harmless, tmp_path / "copied"))


Edit = Callable[[Any], None]


def _edited(folder: Path, edit: Edit) -> Path:
    path = folder / "saved_model.pb"
    saved = saved_model_pb2.SavedModel.FromString(path.read_bytes())
    edit(saved)
    path.write_bytes(saved.SerializeToString(deterministic=True))
    return folder


def _function(saved: Any, name: str) -> Any:
    (function,) = (f for f in saved.meta_graphs[0].graph_def.library.function if name in f.signature.name)
    return function


def _call(saved: Any) -> Any:
    """The signature's call of the function that computes."""
    nodes = _function(saved, "signature_wrapper").node_def
    return next(node for node in nodes if node.op == "StatefulPartitionedCall")


def _rename_operation(saved: Any) -> None:
    _function(saved, "signature_wrapper").node_def[0].op = "Custom>Operation\x1b[2J\n"


def _main_graph(saved: Any) -> None:
    saved.meta_graphs[0].graph_def.node.add(name="save", op="SaveV2")


def _save_when_called(saved: Any) -> None:
    _call(saved).attr["f"].func.name = _function(saved, "traced_save").signature.name


def _restore_when_called(saved: Any) -> None:
    _call(saved).attr["f"].func.name = _function(saved, "traced_restore").signature.name


def _save_as_an_operation(saved: Any) -> None:
    """A function's name is an operation too; here it is that of a harmless one."""
    function, graph = _function(saved, "traced_save"), saved.meta_graphs[0].graph_def
    for node in graph.node:
        if node.attr["f"].func.name == function.signature.name:
            node.attr["f"].func.name = "AddV2"
    function.signature.name = "AddV2"


def _save_as_a_gradient(saved: Any) -> None:
    library = saved.meta_graphs[0].graph_def.library
    library.registered_gradients.add(
        gradient_func=_function(saved, "traced_save").signature.name, registered_op_type="CustomGradient-1"
    )


def _save_as_an_object(saved: Any) -> None:
    graph = saved.meta_graphs[0]
    (node, *_) = (n for n in graph.object_graph_def.nodes if n.WhichOneof("kind") == "function")
    node.function.concrete_functions.append(_function(saved, "traced_save").signature.name)


def _save_by_the_optimiser(saved: Any) -> None:
    for name in ("traced_save", "signature_wrapper"):
        _function(saved, name).attr["api_implements"].s = b"same"


def _indirect_call(saved: Any) -> None:
    _call(saved).attr["f"].func.attr["g"].func.name = "__inference__traced_save_1"


def _placeholder_call(saved: Any) -> None:
    _call(saved).attr["f"].placeholder = "g"


def _two_graphs(saved: Any) -> None:
    saved.meta_graphs.add().CopyFrom(saved.meta_graphs[0])


def _no_objects(saved: Any) -> None:
    saved.meta_graphs[0].ClearField("object_graph_def")


def _python_class(saved: Any) -> None:
    saved.meta_graphs[0].object_graph_def.nodes[1].registered_name = "tf.StaticHashTable"


def _asset_above(saved: Any) -> None:
    saved.meta_graphs[0].asset_file_def[0].filename = "../../secret"


def _asset_elsewhere(saved: Any) -> None:
    saved.meta_graphs[0].asset_file_def[0].filename = "/etc/passwd"


@pytest.mark.parametrize(
    ("edit", "message"),
    [
        (_rename_operation, r"holds the operation 'Custom>Operation\\x1b\[2J\\n';"),
        (_main_graph, "holds the operation 'SaveV2'"),
        (_save_when_called, "another use of the saving function '.*traced_save"),
        (_restore_when_called, "another use of the saving function '.*traced_restore"),
        (_save_as_an_operation, "another use of the saving function 'AddV2'"),
        (_save_as_a_gradient, "another use of the saving function '.*traced_save"),
        (_save_as_an_object, "another use of the saving function '.*traced_save"),
        (_save_by_the_optimiser, "the saving function '.*traced_save.*' with attributes"),
        (_indirect_call, "'StatefulPartitionedCall' that names a function indirectly"),
        (_placeholder_call, "'StatefulPartitionedCall' that names a function indirectly"),
        (_two_graphs, "one graph with objects"),
        (_no_objects, "one graph with objects"),
        (_python_class, "an object of the class 'tf.StaticHashTable'"),
        (_asset_above, "the asset '../../secret'"),
        (_asset_elsewhere, "the asset '/etc/passwd'"),
    ],
)
def test_forged_graphs_are_refused(edit: Edit, message: str, copied: Path):
    with pytest.raises(UserError, match=message) as refused:
        require_harmless(_edited(copied, edit))
    assert "\n" not in str(refused.value) and str(copied) in str(refused.value)


def test_functions_that_call_each_other_in_a_circle_end(copied: Path):
    def edit(saved: Any) -> None:
        _call(saved).attr["f"].func.name = _function(saved, "signature_wrapper").signature.name

    require_harmless(_edited(copied, edit))


@pytest.mark.parametrize("length", [0, 1, 0.5, -1])
def test_a_truncated_graph_is_one_line(length: float, copied: Path):
    path = copied / "saved_model.pb"
    content = path.read_bytes()
    path.write_bytes(content[: int(len(content) * length) if length == 0.5 else int(length)])
    with pytest.raises(UserError, match=r"saved_model\.pb is damaged"):
        require_harmless(copied)


def test_a_flipped_bit_passes_or_is_one_line(copied: Path):
    path = copied / "saved_model.pb"
    content = np.frombuffer(path.read_bytes(), np.uint8)
    rng = np.random.default_rng(0)
    refused: list[str] = []
    for place, bit in zip(rng.integers(0, len(content), 200), rng.integers(0, 8, 200), strict=True):
        flipped = content.copy()
        flipped[place] ^= 1 << bit
        path.write_bytes(flipped.tobytes())
        try:
            require_harmless(copied)
        except UserError as error:
            refused.append(str(error))
    assert 20 < len(refused) < 200
    assert not any("\n" in message for message in refused)


@pytest.mark.parametrize("name", ["saved_model.pb", "fingerprint.pb", "debug/saved_model_debug_info.pb"])
def test_a_huge_graph_is_not_read(name: str, copied: Path, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(files, "read_bytes", lambda path: pytest.fail(f"{path} was read"))
    (copied / name).parent.mkdir(exist_ok=True)
    (copied / name).touch()
    os.truncate(copied / name, 6 * 2**30)
    with pytest.raises(UserError, match=f"{name} has {6 * 2**30} bytes, .* may have {MAX_GRAPH}"):
        require_harmless(copied)


@pytest.mark.parametrize("name", ["saved_model.pb", "variables/variables.index", "assets/more"])
@pytest.mark.parametrize("kind", ["pipe", "link", "folder link"])
def test_only_ordinary_files_and_folders(name: str, kind: str, copied: Path, harmless: Path):
    path = copied / name
    path.unlink(missing_ok=True)
    if kind == "pipe":
        os.mkfifo(path)
    else:
        path.symlink_to(harmless / "saved_model.pb" if kind == "link" else harmless)
    with pytest.raises(UserError, match=f"'{name}', which is no ordinary file"):
        require_harmless(copied)


def test_a_folder_in_place_of_the_graph(copied: Path):
    (copied / "saved_model.pb").unlink()
    (copied / "saved_model.pb").mkdir()
    with pytest.raises(UserError, match=r"'saved_model\.pb', which is no ordinary file"):
        require_harmless(copied)


def test_nothing_there(tmp_path: Path, copied: Path):
    with pytest.raises(UserError, match="none cannot be read: No such file"):
        require_harmless(tmp_path / "none")
    (copied / "saved_model.pb").unlink()
    with pytest.raises(UserError, match=r"saved_model\.pb does not exist"):
        require_harmless(copied)
