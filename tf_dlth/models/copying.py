"""Putting copies of a model's layers onto another input."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import tensorflow as tf
import tf_keras

from tf_dlth.errors import UserError
from tf_dlth.models.layers import Tensor

Copy = Callable[[tf_keras.layers.Layer], tf_keras.layers.Layer]


class Copier:
    """Applies a model's layers to another input, sub-models opened up; ``copy`` is called once a layer.

    Copies, because a layer that is called twice has two outputs and no longer answers to ``layer.output``.
    """

    def __init__(self, copy: Copy) -> None:
        self._copy = copy
        self._copies: dict[int, tf_keras.layers.Layer] = {}

    def apply(self, model: tf_keras.Model, inputs: Any) -> Any:
        """The outputs of the copied layers, in the structure of ``model.output``."""
        tensors = dict(zip(map(id, tf.nest.flatten(model.inputs)), tf.nest.flatten(inputs), strict=True))
        for depth in sorted(model._nodes_by_depth, reverse=True):
            for node in model._nodes_by_depth[depth]:
                if not node.is_input:
                    self._call(node, tensors)
        return tf.nest.map_structure(lambda t: tensors[id(t)], model.output)

    def _call(self, node: Any, tensors: dict[int, Tensor]) -> None:
        args, kwargs = tf.nest.map_structure(lambda t: tensors.get(id(t), t), (node.call_args, node.call_kwargs))
        if isinstance(node.layer, tf_keras.Model):
            outputs = self.apply(node.layer, args[0])
        else:
            outputs = self._layer(node.layer)(*args, **kwargs)
        new = tf.nest.flatten(outputs)
        tensors.update(zip(map(id, tf.nest.flatten(node.output_tensors)), new, strict=True))

    def _layer(self, layer: tf_keras.layers.Layer) -> tf_keras.layers.Layer:
        if id(layer) not in self._copies:
            self._copies[id(layer)] = self._copy(layer)
        return self._copies[id(layer)]


def copied(layer: tf_keras.layers.Layer, name: str) -> tf_keras.layers.Layer:
    """A new layer of the same configuration; raises UserError for one whose get_config does not suffice."""
    try:
        return layer.__class__.from_config({**layer.get_config(), "name": name})
    except (NotImplementedError, TypeError, ValueError) as error:
        raise UserError(
            f"model.architecture: layer {layer.name} ({type(layer).__name__}) cannot be copied from its "
            f"get_config: {' '.join(str(error).split())[:200]}"
        ) from error
