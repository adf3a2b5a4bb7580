"""What a network must be to be trained and pruned: above all a check of users' own models."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

import tensorflow as tf
import tf_keras

from tf_dlth.errors import UserError
from tf_dlth.models import unsupported
from tf_dlth.models.spec import ModelSpec

RESERVED = ("images", "normalise", "head")
"""Names of the layers that are put around every architecture: input, normalisation, last layer."""
MAX_PARAMETERS = 2**29
"""Refused beyond (2 GiB in float32), so that a hostile ticket cannot claim the machine's memory."""


def check(network: Any, spec: ModelSpec) -> None:
    """Raises UserError unless the network is functional, maps images to logits and leaves our names free."""
    if problem := _graph_problem(network) or _shape_problem(network, spec):
        raise UserError(f"model.architecture: {spec.architecture} {problem}")
    if (
        problem := unsupported.problem(network)
        or _name_problem(network)
        or _head_problem(last_layer(network), spec.head)
    ):
        raise UserError(f"model.architecture: {spec.architecture} {problem}")


def last_layer(model: Any) -> tf_keras.layers.Layer:
    """The layer that gives the model's output, inside sub-models too."""
    layer = model.output._keras_history.layer
    return last_layer(layer) if isinstance(layer, tf_keras.Model) else layer


@contextmanager
def limited_parameters(spec: ModelSpec) -> Iterator[None]:
    """Raises UserError before a variable is allocated that takes the total beyond MAX_PARAMETERS."""
    total = 0

    def creator(next_creator: Callable[..., tf.Variable], **kwargs: Any) -> tf.Variable:
        nonlocal total
        shape = tf.TensorShape(kwargs.get("shape") or ())
        total += math.prod(size or 0 for size in shape.as_list())
        if total > MAX_PARAMETERS:
            raise UserError(
                f"model: {spec.architecture} of width {spec.width} has more than {MAX_PARAMETERS} "
                "parameters; choose a smaller model.width"
            )
        return next_creator(**kwargs)

    with tf.variable_creator_scope(creator):
        yield


def _graph_problem(network: Any) -> str | None:
    if not isinstance(network, tf_keras.Model):
        return f"must return a tf_keras model, got {type(network).__module__}.{type(network).__name__}"
    models = [network, *(part for part in network.submodules if isinstance(part, tf_keras.Model))]
    if not all(hasattr(model, "_nodes_by_depth") for model in models):
        return "must be functional or Sequential with a known input shape, without subclassed models in it"
    if len(tf.nest.flatten(network.input)) != 1 or len(tf.nest.flatten(network.output)) != 1:
        return "must have one input and one output"
    return None


def _shape_problem(network: Any, spec: ModelSpec) -> str | None:
    if tuple(network.input_shape[1:]) != spec.input_shape:
        return f"must take images of shape {spec.input_shape}, got {tuple(network.input_shape[1:])}"
    if tuple(network.output_shape[1:]) != (spec.classes,):
        return f"must give logits of shape (None, {spec.classes}), got {network.output_shape}"
    return None


def _name_problem(network: Any) -> str | None:
    last = last_layer(network)
    layers = [part for part in network.submodules if isinstance(part, tf_keras.layers.Layer)]
    inner = [x for x in layers if x is not last and not isinstance(x, tf_keras.layers.InputLayer)]
    if taken := sorted({x.name for x in inner} & set(RESERVED)):
        return f"must leave the layer name {taken[0]} free: images, normalise and head are put around it"
    return None


def _head_problem(last: Any, head: str) -> str | None:
    activation = getattr(getattr(last, "activation", None), "__name__", "linear")
    if isinstance(last, tf_keras.layers.Softmax) or "softmax" in str(getattr(last, "symbol", "")):
        activation = "softmax"
    if activation != "linear":
        return f"ends in {activation} but must give logits (the loss has the softmax); drop the activation"
    if head != "linear" and not isinstance(last, tf_keras.layers.Dense):
        return f"must end in a Dense layer for model.head: {head} to take its place"
    return None
