"""A trial of an own model: what only its graphs show, found out before anything is trained."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from typing import Any

import tensorflow as tf
import tf_keras

from tf_dlth.config import Precision
from tf_dlth.errors import UserError
from tf_dlth.training.precision import lowered
from tf_dlth.training.randomness import Randomness

DRAWS = frozenset(
    (
        *("RandomUniform", "RandomUniformInt", "RandomStandardNormal", "TruncatedNormal", "RandomShuffle"),
        *("ParameterizedTruncatedNormal", "Multinomial", "RandomGamma", "RandomPoissonV2", "StatefulRandomBinomial"),
        *("PyFunc", "EagerPyFunc"),
    )
)
"""Operations that do not give the same when a step is replayed; Python code is taken for one."""
GENERATORS = frozenset({"RngReadAndSkip", "RngSkip"})


def require_replay(plain: tf_keras.Model, precision: Precision = "float32") -> None:
    """Traces a step's forward pass and runs inference on a blank batch.

    Raises UserError for draws that cannot be addressed, draws in inference, variables of no layer, and whatever
    TensorFlow cannot do.
    """
    below = "" if precision == "float32" else f" with training.precision {precision}"
    model = _told(f"copied{below}", lambda: lowered(plain, precision))
    randomness = Randomness(model, "trial")
    images = tf.zeros([2, *plain.input_shape[1:]], tf.uint8)

    def step(batch: tf.Tensor) -> tf.Tensor:
        randomness.begin_step()
        return model(batch, training=True)

    training = _told(f"trained{below}", lambda: tf.function(step).get_concrete_function(images))
    _refuse_draws(training, DRAWS, model, "in a way that a resumed run cannot replay; use a layer such as Dropout")
    _refuse_strangers(training, [*model.variables, *randomness.variables])
    inference: Any = tf.function(lambda batch: model(batch, training=False))
    _told("evaluated", lambda: inference(images))
    graph = inference.get_concrete_function(images)
    _refuse_draws(graph, DRAWS | GENERATORS, model, "in inference too; draw only if training is true")


def _told(what: str, attempt: Callable[[], Any]) -> Any:
    try:
        return attempt()
    except Exception as error:  # Whatever a user's layer or TensorFlow raises.
        lines = [line.strip() for line in str(error).splitlines() if line.strip()]
        reason = " ".join(line for line in lines if not line.startswith(("File ", "in user code", "Call arguments")))
        raise UserError(f"model.architecture: the network cannot be {what}: {reason[:400]}") from error


def _refuse_draws(function: Any, kinds: frozenset[str], model: tf_keras.Model, how: str) -> None:
    for node in _nodes(function):
        if node.op in kinds:
            layer = next((x.name for x in model.layers if x.name in node.name.split("/")), node.name)
            raise UserError(f"model.architecture: layer {layer} draws ({node.op}) {how}")


def _nodes(function: Any) -> Iterator[Any]:
    graph = function.graph.as_graph_def()
    yield from graph.node
    for inner in graph.library.function:
        yield from inner.node_def


def _refuse_strangers(function: Any, known: Sequence[tf.Variable]) -> None:
    handles = {id(variable.handle) for variable in known}  # of a lower precision, others wrap the variables
    for variable in function.graph.variables:
        if id(variable.handle) not in handles:
            raise UserError(
                f"model.architecture: the network uses the variable {variable.name} of no layer, which is neither "
                "trained nor stored; make it by a layer's add_weight"
            )
