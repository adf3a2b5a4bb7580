"""Compiling a step by XLA: where that can be had, and what it refuses."""

from __future__ import annotations

import functools
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

import tensorflow as tf
import tf_keras

from tf_dlth.config import Jit
from tf_dlth.errors import UserError

REFUSALS = (
    "unsupported operations when trying to compile",
    "deterministic XLA implementation",
    "JIT compilation failed",
    "XlaMustCompile",
)
"""Of which one stands in TensorFlow's error where a graph cannot be compiled."""


def compiles(jit: Jit, strategy: tf.distribute.Strategy) -> bool:
    """Whether steps are compiled: ``auto`` compiles on one GPU.

    Raises UserError for true on several devices.
    """
    if jit == "auto":
        return strategy.num_replicas_in_sync == 1 and "GPU" in strategy.extended.worker_devices[0]
    if jit and (devices := strategy.num_replicas_in_sync) > 1:
        raise UserError(
            f"training.jit: true is for one device, and {devices} train here, which exchange BatchNorm's statistics in "
            "mid-step; use auto, or --devices cpu or gpu:0"
        )
    return bool(jit)


def compiled(function: Callable[..., Any]) -> Callable[..., Any]:
    """``function`` as one program of XLA's for each shape that its arguments have."""
    return tf.function(function, autograph=False, reduce_retracing=True, jit_compile=True)


class SlicedMaxPooling(tf_keras.layers.MaxPooling2D):
    """Max-pooling without padding as the maximum of strided slices.

    XLA has no gradient of the operation itself where operations must be deterministic. Of equal values in a window the
    first one gets it here too.
    """

    @classmethod
    def replaces(cls, layer: tf_keras.layers.Layer) -> bool:
        """Whether it computes what ``layer`` does."""
        plain = type(layer) is tf_keras.layers.MaxPooling2D and None not in layer.input_shape[1:3]
        return plain and layer.padding == "valid" and layer.data_format == "channels_last"

    def call(self, inputs: tf.Tensor) -> tf.Tensor:
        (rows, columns), (down, right) = self.pool_size, self.strides
        height, width = (int(side or 0) for side in inputs.shape[1:3])
        slices = [
            inputs[:, row : row + height - rows + 1 : down, column : column + width - columns + 1 : right]
            for row in range(rows)
            for column in range(columns)
        ]
        return functools.reduce(tf.maximum, slices)


@contextmanager
def refusals_told() -> Iterator[None]:
    """Raises UserError where XLA cannot compile what a network does."""
    try:
        yield
    except tf.errors.OpError as error:
        lines = [line.strip() for line in str(error).splitlines()]
        reason = next((line for line in lines if any(sign in line for sign in REFUSALS)), None)
        if reason is None:
            raise
        raise UserError(f"training.jit: XLA cannot compile the network ({reason[:200]}); use false") from error
