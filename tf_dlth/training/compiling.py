"""Compiling a step by XLA: where that can be had, and what it refuses."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

import tensorflow as tf

from tf_dlth.config import Jit
from tf_dlth.errors import UserError

REFUSALS = ("unsupported operations when trying to compile", "JIT compilation failed", "XlaMustCompile")
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
