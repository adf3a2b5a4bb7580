"""Compares the first step's float32 gradient with float64's, in a process with the given number of threads.

python first_step.py 1

Prints JSON: ``free`` is the largest difference of any variable's gradient, over that gradient's largest entry;
``gated`` is the same once float64 uses the ReLU pattern of float32; ``kink`` is the largest |input| of a ReLU that
the two see on different sides of zero.
"""

from __future__ import annotations

import json
import sys
from collections.abc import Callable, Iterator
from typing import Any

import numpy as np
import tensorflow as tf
import tf_keras

from tf_dlth.config import Normalisation
from tf_dlth.models.build import build
from tf_dlth.models.initialisation import initial_weights
from tf_dlth.models.spec import ModelSpec
from tf_dlth.models.variables import assign, named_variables
from tf_dlth.training.losses import cross_entropy

DRAWS, BATCH, SHAPE, CLASSES = 5, 100, (8, 8, 3), 10
SPEC = ModelSpec(architecture="resnet18", width=8, stem="small", head="linear", classes=CLASSES, input_shape=SHAPE)
Arrays = dict[str, np.ndarray]
FirstStep = Callable[[np.ndarray, np.ndarray], tuple[Arrays, Arrays]]


class Gate(tf_keras.layers.Layer):
    """A ReLU; a ``pattern`` of zeros and ones decides in place of the sign."""

    pattern: np.ndarray | None = None

    def call(self, inputs: tf.Tensor) -> tf.Tensor:
        return tf.nn.relu(inputs) if self.pattern is None else inputs * tf.constant(self.pattern, inputs.dtype)


def in_float64(model: tf_keras.Model) -> tf_keras.Model:
    """A copy with gates for ReLUs, under the same names."""

    def clone(layer: Any) -> Any:
        if isinstance(layer, tf_keras.layers.ReLU):
            return Gate(name=layer.name, dtype="float64")
        return layer.__class__.from_config({**layer.get_config(), "dtype": "float64"})

    return tf_keras.models.clone_model(model, clone_function=clone)


def first_step(model: tf_keras.Model, compiled: bool) -> FirstStep:
    """Gives the gradient by variable, and what each ReLU sees; compiled as a training is, or free to change."""
    relus = [layer.name for layer in model.layers if isinstance(layer, tf_keras.layers.ReLU | Gate)]
    watched = tf_keras.Model(model.input, [model.output, *(model.get_layer(name).input for name in relus)])
    named = {name: variable for name, variable in named_variables(model).items() if variable.trainable}

    def step(images: tf.Tensor, labels: tf.Tensor) -> Any:
        with tf.GradientTape() as tape:
            logits, *seen = watched(images, training=True)
            loss = tf.reduce_mean(cross_entropy(labels, logits))
        gradient = tape.gradient(loss, list(named.values()))
        return dict(zip(named, gradient, strict=True)), dict(zip(relus, seen, strict=True))

    run = tf.function(step) if compiled else step

    def arrays(images: np.ndarray, labels: np.ndarray) -> tuple[Arrays, Arrays]:
        gradient, seen = run(tf.constant(images, model.input.dtype), tf.constant(labels))
        return _doubles(gradient), _doubles(seen)

    return arrays


def _doubles(tensors: dict[str, tf.Tensor]) -> Arrays:
    return {name: np.asarray(tensor, np.float64) for name, tensor in tensors.items()}


def difference(found: Arrays, expected: Arrays) -> float:
    """The largest over all variables, in parts of the variable's largest entry."""
    return np.max([np.abs(found[name] - exact).max() / np.abs(exact).max() for name, exact in expected.items()])


def comparisons() -> Iterator[dict[str, float]]:
    """Each with its own weights, images and labels."""
    single = build(SPEC, Normalisation(mean=(0.5, 0.5, 0.5), std=(0.3, 0.3, 0.3)))
    double = in_float64(single)
    run_single, run_double = first_step(single, compiled=True), first_step(double, compiled=False)
    gates = [layer for layer in double.layers if isinstance(layer, Gate)]
    for seed in range(DRAWS):
        rng = np.random.default_rng(seed)
        batch = rng.integers(0, 256, (BATCH, *SHAPE)), rng.integers(0, CLASSES, BATCH)
        drawn = initial_weights(single, seed)
        assign(single, drawn)
        assign(double, {name: weight.astype(np.float64) for name, weight in drawn.items()})
        for gate in gates:
            gate.pattern = None
        (found, seen), (free, exact) = run_single(*batch), run_double(*batch)
        kinks = [np.abs(exact[name][(seen[name] > 0) != (exact[name] > 0)]).max(initial=0) for name in seen]
        for gate in gates:
            gate.pattern = seen[gate.name] > 0
        gated, _ = run_double(*batch)
        yield {"free": difference(found, free), "gated": difference(found, gated), "kink": np.max(kinks)}


if __name__ == "__main__":
    for set_threads in (
        tf.config.threading.set_intra_op_parallelism_threads,
        tf.config.threading.set_inter_op_parallelism_threads,
    ):
        set_threads(int(sys.argv[1]))
    tf.config.experimental.enable_op_determinism()
    draws = list(comparisons())
    print(json.dumps({key: max(draw[key] for draw in draws) for key in draws[0]}))
