"""Putting copies of a model's layers onto another input, and giving copies the state of what they were copied from."""

from __future__ import annotations

import inspect
from collections.abc import Callable
from typing import Any

import numpy as np
import tensorflow as tf
import tf_keras
from tf_keras.src.engine.base_layer import AddLoss

from tf_dlth.errors import UserError
from tf_dlth.models.layers import Tensor
from tf_dlth.models.variables import of_layer

Layer = tf_keras.layers.Layer
Copy = Callable[[Layer], Layer]


class Copier:
    """Applies a model's layers to another input, sub-models opened up; ``copy`` is called once a layer.

    Copies, because a layer that is called twice has two outputs and no longer answers to ``layer.output``.
    ``pairs`` has every layer with its copy, ``losses`` the tensors that ``add_loss`` was given on the models.
    """

    def __init__(self, copy: Copy) -> None:
        self._copy = copy
        self._copies: dict[int, Layer] = {}
        self.pairs: list[tuple[Layer, Layer]] = []
        self.losses: list[Tensor] = []

    def apply(self, model: tf_keras.Model, inputs: Any, training: bool | None = None) -> Any:
        """The outputs of the copied layers, in the structure of ``model.output``.

        ``training`` is what a sub-model was called with, which reaches all of its layers that do not say otherwise.
        """
        tensors = dict(zip(map(id, tf.nest.flatten(model.inputs)), tf.nest.flatten(inputs), strict=True))
        for depth in sorted(model._nodes_by_depth, reverse=True):
            for node in model._nodes_by_depth[depth]:
                if not node.is_input:
                    self._call(node, tensors, training)
        return tf.nest.map_structure(lambda t: tensors[id(t)], model.output)

    def _call(self, node: Any, tensors: dict[int, Tensor], training: bool | None) -> None:
        args, kwargs = tf.nest.map_structure(lambda t: tensors.get(id(t), t), (node.call_args, node.call_kwargs))
        own = inspect.signature(node.layer.call).bind(*args, **kwargs).arguments.get("training")
        if own:
            raise UserError(
                f"model.architecture: {node.layer.name} ({type(node.layer).__name__}) is called with training=True, "
                "which would hold in inference too; leave it out"
            )
        training = training if own is None else own
        if isinstance(node.layer, tf_keras.Model):
            outputs = self.apply(node.layer, args[0], training)
        elif isinstance(node.layer, AddLoss):
            outputs = args[0]
            self.losses.append(outputs)
        else:
            outputs = self._layer(node.layer)(*args, **_with_training(node.layer, kwargs, own, training))
        new = tf.nest.flatten(outputs)
        tensors.update(zip(map(id, tf.nest.flatten(node.output_tensors)), new, strict=True))

    def _layer(self, layer: Layer) -> Layer:
        if id(layer) not in self._copies:
            self._copies[id(layer)] = self._copy(layer)
            self.pairs.append((layer, self._copies[id(layer)]))
        return self._copies[id(layer)]


def added_losses(model: tf_keras.Model) -> list[Tensor]:
    """The tensors that were added to a flat model as losses."""
    return [layer.input for layer in model.layers if isinstance(layer, AddLoss)]


def copied(layer: Layer, name: str, kind: type[Layer] | None = None, policy: str | None = None) -> Layer:
    """A new layer of the same configuration, of class ``kind`` and with Keras' dtype ``policy`` if they are given.

    Raises UserError for a layer whose get_config does not suffice.
    """
    try:
        config = {**layer.get_config(), "name": name, **({"dtype": policy} if policy else {})}
        if type(layer) is tf_keras.layers.Lambda:  # a configuration holds its code without what the code refers to
            config = {key: config[key] for key in ("name", "trainable", "dtype")}
            return tf_keras.layers.Lambda(layer.function, layer._output_shape, layer.mask, layer.arguments, **config)
        return (kind or type(layer)).from_config(config)
    except (NotImplementedError, TypeError, ValueError) as error:
        reason = str(error).rpartition("Exception encountered: ")[2]  # what comes before is the configuration
        raise UserError(
            f"model.architecture: layer {layer.name} ({type(layer).__name__}) cannot be copied from its "
            f"get_config: {' '.join(reason.split())[:200]}"
        ) from error


def carry_state(layer: Layer, copy: Layer, trained: set[int]) -> None:
    """Gives a copy what a configuration may lack: what is frozen, and regularisers of activities.

    Frozen are the layer itself, layers inside of it, and the variables not among the ids ``trained``. Raises UserError
    when the two do not name their variables alike.
    """
    for theirs, ours in zip(layer._flatten_layers(), copy._flatten_layers(), strict=True):
        ours.trainable = theirs.trainable  # from the outside inwards, as Keras hands it down
        ours._activity_regularizer = theirs._activity_regularizer
    for named, ours in reversed(same_variables(layer, copy)):
        if id(named) not in trained:
            _freeze(copy, ours)


def carry_values(layer: Layer, copy: Layer) -> None:
    """Assigns the layer's values; raises UserError unless all its regularisers and constraints came along."""
    for theirs, ours in same_variables(layer, copy):
        ours.assign(theirs)
        if type(theirs.constraint) is not type(ours.constraint):
            raise _lost(layer, "constraint")
    if not np.allclose(_penalties(layer), _penalties(copy)):
        raise _lost(layer, "regulariser")


def same_variables(layer: Layer, copy: Layer) -> list[tuple[tf.Variable, tf.Variable]]:
    """Each variable of a layer with the copy's of the same name; raises UserError where names differ."""
    theirs, ours = of_layer(layer), of_layer(copy)
    if theirs.keys() != ours.keys():
        raise UserError(
            f"model.architecture: layer {layer.name} ({type(layer).__name__}) and its copy differ in the variable "
            f"{min(theirs.keys() ^ ours.keys())}; give the layers inside it names of their own"
        )
    return [(named.variable, ours[name].variable) for name, named in theirs.items()]


def _penalties(layer: Layer) -> float:
    return float(sum(penalty() for part in layer._flatten_layers() for penalty in part._callable_losses))


def _lost(layer: Layer, what: str) -> UserError:
    return UserError(
        f"model.architecture: the {what} of layer {layer.name} ({type(layer).__name__}) is not the one that a copy by "
        "its get_config has; give it to the constructor, and return it from get_config"
    )


def _freeze(layer: Layer, variable: tf.Variable) -> None:
    """Takes one variable of a layer out of training, as if it had been made with ``trainable=False``."""
    for owner in layer._flatten_layers():
        kept = [v for v in owner._trainable_weights if v is not variable]
        if len(kept) < len(owner._trainable_weights):
            owner._trainable_weights[:] = kept
            owner._non_trainable_weights.insert(0, variable)


def _with_training(layer: Layer, kwargs: dict[str, Any], own: bool | None, training: bool | None) -> dict[str, Any]:
    """Keras hands a sub-model's ``training`` down by a context that a flat model has not: each call is told it."""
    if own is not None or training is None:
        return kwargs
    listening = [x for x in layer._flatten_layers() if "training" in inspect.signature(x.call).parameters]
    if not listening:
        return kwargs
    if layer not in listening:
        raise UserError(
            f"model.architecture: layer {layer.name} ({type(layer).__name__}) lies in a sub-model that is called with "
            f"training={training}; its call must take training and hand it to {listening[0].name}"
        )
    return {**kwargs, "training": training}
