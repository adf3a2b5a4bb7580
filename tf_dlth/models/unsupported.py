"""What a Keras model may bring along that a run cannot follow; each is refused by name rather than dropped."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import chain
from typing import Any

import tensorflow as tf
import tf_keras
from tf_keras.src.engine.functional import Functional

METHODS = ("train_step", "compute_loss", "compute_metrics", "make_train_function", "fit")
"""Ways to train otherwise than :mod:`tf_dlth.training` does."""


def problem(network: Any) -> str | None:
    """The first such thing, as the end of a sentence about the architecture, or None."""
    return next(chain(_of_models(network), _of_layers(network)), None)


def _of_models(network: Any) -> Iterator[str]:
    if getattr(network, "optimizer", None) is not None:
        yield "is compiled, but loss and optimizer are the config's; leave compile out (load_model: compile=False)"
    for method in METHODS:
        if getattr(type(network), method) is not getattr(tf_keras.Model, method):
            yield f"has a {method} of its own ({type(network).__name__}), which is not called; return a plain Model"
    for model in (part for part in network._flatten_layers() if isinstance(part, tf_keras.Model)):
        if type(model).call not in (Functional.call, tf_keras.Sequential.call):
            yield f"holds {model.name} ({type(model).__name__}), whose call is its own; return a plain Model"
        if model._callable_losses:
            yield f"adds a function as a loss to {model.name}; add a tensor, or give the layer a regularizer"
    if network.metrics:
        yield f"has the metric {network.metrics[0].name}, which no run reports; leave add_metric out"


def _of_layers(network: Any) -> Iterator[str]:
    layers = [part for part in network._flatten_layers() if not isinstance(part, tf_keras.Model)]
    for layer in layers:
        named = f"holds {layer.name} ({type(layer).__name__}), which"
        if getattr(layer, "stateful", False):
            yield f"{named} is stateful: its state would run from one batch into the next; leave stateful out"
        if layer.dynamic:
            yield f"{named} is dynamic and cannot be compiled; write its call in TensorFlow operations"
        if layer.compute_dtype != "float32":
            yield f"{named} computes in {layer.compute_dtype}; own models compute in float32"
        if any(isinstance(value, tf.random.Generator) for value in vars(layer).values()):
            yield f"{named} has a random generator of its own; derive it from Keras' BaseRandomLayer"
        for variable in layer.weights:
            if variable.dtype != tf.float32:
                yield f"{named} keeps {variable.name} as {variable.dtype.name}; a ticket holds float32 variables"
