"""One name for every variable: the layer's own and the variable's own, ``stage2_block1_conv1/kernel``.

The same names result for a plain model and for one whose layers are wrapped for pruning.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator, Mapping
from typing import NamedTuple

import numpy as np
import tensorflow as tf
import tf_keras

from tf_dlth.errors import UserError
from tf_dlth.files import Tensors


class NamedVariable(NamedTuple):
    """A variable, its name, and the layer that holds it as attribute ``leaf``."""

    name: str
    owner: tf_keras.layers.Layer
    leaf: str
    variable: tf.Variable


def named_variables(model: tf_keras.Model) -> dict[str, tf.Variable]:
    """Every variable by name, in layer order; raises UserError for a name that is not unique."""
    return {named.name: named.variable for named in walk(model)}


def walk(model: tf_keras.Model) -> list[NamedVariable]:
    """Like :func:`named_variables`, with the layers that own the variables."""
    found = [named for layer in model.layers for named in _layer_variables(unwrapped(layer))]
    _require_unique(found)
    return found


def trainable(model: tf_keras.Model) -> dict[str, tf.Variable]:
    """Those of :func:`named_variables` that Keras trains: none that a layer, a model or the variable itself freezes."""
    ids = {id(variable) for variable in model.trainable_weights}
    return {name: variable for name, variable in named_variables(model).items() if id(variable) in ids}


def of_layer(layer: tf_keras.layers.Layer) -> dict[str, NamedVariable]:
    """A layer's variables by their names within it, ``kernel`` or ``query/kernel``; raises UserError for equal ones."""
    found = list(_layer_variables(layer))
    _require_unique(found)
    return {named.name.partition("/")[2]: named for named in found}


def unwrapped(layer: tf_keras.layers.Layer) -> tf_keras.layers.Layer:
    """The layer inside a pruning wrapper, without the wrapper's masks and thresholds, or the layer itself."""
    is_pruning_wrapper = isinstance(layer, tf_keras.layers.Wrapper) and hasattr(layer, "pruning_vars")
    return layer.layer if is_pruning_wrapper else layer


def read(model: tf_keras.Model) -> dict[str, np.ndarray]:
    """Copies of all variables."""
    return {name: np.array(variable.numpy()) for name, variable in named_variables(model).items()}


def assign(model: tf_keras.Model, weights: Tensors) -> None:
    """Sets all variables; raises UserError before any is changed unless names, shapes and types are the model's."""
    set_all(named_variables(model), weights)


def set_all(variables: Mapping[str, tf.Variable], weights: Tensors) -> None:
    """As :func:`assign`, of a model's variables by name, which take as long to find as to set."""
    require_all(variables, weights)
    for name, variable in variables.items():
        variable.assign(weights[name])


def require_all(variables: Mapping[str, tf.Variable], weights: Tensors) -> None:
    """Raises UserError unless names, shapes and types of ``weights`` are those of the variables."""
    check_fit({name: tuple(variable.shape.as_list()) for name, variable in variables.items()}, weights)
    for name, variable in variables.items():
        if weights[name].dtype != variable.dtype.as_numpy_dtype:
            raise UserError(f"variable {name} is {weights[name].dtype}, the model needs {variable.dtype.name}")


def check_fit(shapes: Mapping[str, tuple[int | None, ...]], weights: Tensors) -> None:
    """Raises UserError naming the first variable that is missing, unknown or of another shape."""
    if missing := [name for name in shapes if name not in weights]:
        raise UserError(f"the weights lack variable {missing[0]} ({len(missing)} missing in all)")
    if unknown := sorted(set(weights) - set(shapes)):
        raise UserError(f"the model has no variable {unknown[0]} ({len(unknown)} unknown in all)")
    for name, shape in shapes.items():
        if tuple(weights[name].shape) != shape:
            raise UserError(f"variable {name} has shape {list(weights[name].shape)}, the model needs {list(shape)}")


def _require_unique(found: Iterable[NamedVariable]) -> None:
    if twice := [name for name, count in Counter(named.name for named in found).items() if count > 1]:
        raise UserError(f"model.architecture: two variables are called {twice[0]}; give the layers names of their own")


def _layer_variables(layer: tf_keras.layers.Layer) -> Iterator[NamedVariable]:
    places = _places(layer)
    for variable in layer.weights:
        if id(variable) not in places:
            raise UserError(
                f"model.architecture: layer {layer.name} ({type(layer).__name__}) must keep {variable.name} "
                "as an attribute of its own, which names it"
            )
        owner, leaf = places[id(variable)]
        path = layer.name if owner is layer else f"{layer.name}/{owner.name}"
        yield NamedVariable(f"{path}/{leaf}", owner, leaf, variable)


def _places(layer: tf_keras.layers.Layer) -> dict[int, tuple[tf_keras.layers.Layer, str]]:
    """Which (sub-)layer holds each object under which attribute; the layer's own come first."""
    places: dict[int, tuple[tf_keras.layers.Layer, str]] = {}
    for owner in (layer, *(m for m in layer.submodules if isinstance(m, tf_keras.layers.Layer))):
        for attribute, value in vars(owner).items():
            if isinstance(value, tf.Variable):
                places.setdefault(id(value), (owner, attribute))
    return places
