"""Masks in and out of TensorFlow Model Optimization's pruning wrappers; no other module of this package knows them.

The wrappers carry the masks beside the weights. Their own schedule never prunes: it thresholds layer by layer and
can revive weights where magnitudes tie, while our ranking is global and exact. That pruned weights and their
momentum *stay* zero is the optimizer's work (:mod:`tf_dlth.training.optimizer`).
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from inspect import signature
from typing import Any

import numpy as np
import tensorflow as tf
import tf_keras

from tf_dlth.startup import without_keras_3

with without_keras_3():
    from tensorflow_model_optimization.python.core.sparsity.keras.pruning_wrapper import PruneLowMagnitude
    from tensorflow_model_optimization.sparsity.keras import PrunableLayer, PruningSchedule, strip_pruning

from tf_dlth.models.copying import copied
from tf_dlth.models.prunable import prunable_names

Layer = tf_keras.layers.Layer


class NeverPrune(PruningSchedule):
    """The wrappers' own pruning, switched off."""

    def __call__(self, step: Any) -> tuple[tf.Tensor, tf.Tensor]:
        return tf.constant(False), tf.constant(0.0)

    def get_config(self) -> dict[str, Any]:
        return {"class_name": type(self).__name__, "config": {}}


class PrunableDepthwiseConv2D(tf_keras.layers.DepthwiseConv2D, PrunableLayer):
    """The wrappers' registry takes depthwise convolutions but prunes nothing of them."""

    def get_prunable_weights(self) -> list[tf.Variable]:
        return [self.depthwise_kernel]


class PrunableSeparableConv2D(tf_keras.layers.SeparableConv2D, PrunableLayer):
    """The wrappers' registry prunes only the pointwise half of a separable convolution."""

    def get_prunable_weights(self) -> list[tf.Variable]:
        return [self.depthwise_kernel, self.pointwise_kernel]


class MaskCarrier(PruneLowMagnitude):
    """The wrapper without the work that a fixed mask makes superfluous at every forward pass.

    The stock one multiplies the weights by the mask and writes them back, across devices, before each call, evaluation
    included. Here the optimizer has left them masked already, after every single step.
    """

    def call(self, inputs: Any, training: bool | None = None, **more: Any) -> Any:
        if "training" in signature(self.layer.call).parameters:
            more["training"] = training
        # A whole call, as for any layer: it is where Keras collects activity losses.
        return self.layer(inputs, **more)


_INTERFACES: dict[type, type] = {
    tf_keras.layers.DepthwiseConv2D: PrunableDepthwiseConv2D,
    tf_keras.layers.SeparableConv2D: PrunableSeparableConv2D,
}


def wrapper_for(model: tf_keras.Model) -> Callable[[Layer], Layer]:
    """A clone function that copies a layer of ``model`` and wraps the copy if the layer is prunable."""
    prunable = {name.rpartition("/")[0] for name in prunable_names(model)}

    def clone(layer: Layer) -> Layer:
        copy = copied(layer, layer.name, _INTERFACES.get(type(layer)))
        if layer.name not in prunable:
            return copy
        # With the layer's own policy: another one would cast its inputs first.
        return MaskCarrier(copy, pruning_schedule=NeverPrune(), dtype=copy.dtype_policy)

    return clone


def mask_variables(wrapped: tf_keras.Model) -> dict[str, tf.Variable]:
    """The wrappers' mask variables by the names of the weights that they mask; none for a weight that is frozen."""
    masks = {
        f"{wrapper.layer.name}/{_leaf(wrapper.layer, weight)}": mask
        for wrapper in _wrappers(wrapped)
        for weight, mask, _ in wrapper.pruning_vars
    }
    return {name: masks[name] for name in prunable_names(wrapped)}


def set_masks(wrapped: tf_keras.Model, masks: Mapping[str, np.ndarray]) -> None:
    """Assigns every mask, a boolean array of its weight's shape; a missing or surplus name is a KeyError."""
    variables = mask_variables(wrapped)
    if variables.keys() != masks.keys():
        raise KeyError(f"masks do not fit the model: {sorted(variables.keys() ^ masks.keys())}")
    for name, variable in variables.items():
        variable.assign(masks[name].astype(np.float32))


def strip(wrapped: tf_keras.Model) -> tf_keras.Model:
    """The model without its wrappers, sharing their layers."""
    return strip_pruning(wrapped)


def _wrappers(model: tf_keras.Model) -> list[PruneLowMagnitude]:
    return [layer for layer in model.layers if isinstance(layer, PruneLowMagnitude)]


def _leaf(layer: Layer, weight: tf.Variable) -> str:
    """The variable's own name, read off the layer's attributes as wrappers put prefixes into ``weight.name``."""
    return next(leaf for leaf, value in vars(layer).items() if value is weight)
