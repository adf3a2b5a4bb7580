"""What a network's layers say of images, in inference mode."""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from typing import Any

import numpy as np
import tensorflow as tf
import tf_keras

from tf_dlth.data import Examples
from tf_dlth.data.pipeline import evaluation_batches
from tf_dlth.errors import UserError
from tf_dlth.models.inference import predictor
from tf_dlth.models.layers import Tensor

LARGEST = 2**30
"""Bytes of activations that one call gives, if they are more than one tap's."""

STEM_OUTPUTS = ("stem_pool", "stem_relu")


def layer_taps(model: tf_keras.Model) -> dict[str, Tensor]:
    """Outputs after the stem, after every BatchNorm and of every block, by layer name, in layer order.

    Raises UserError for a network without any of them.
    """
    layers: dict[str, Any] = {layer.name: layer for layer in model.layers}
    stem = next((name for name in STEM_OUTPUTS if name in layers), None)
    taps = {
        name: layer.output
        for name, layer in layers.items()
        if isinstance(layer, tf_keras.layers.BatchNormalization) or name == stem or name.endswith("_out")
    }
    if not taps:
        raise UserError(f"{model.name} has no BatchNorm and no layer named ..._out; there is nothing to compare")
    return taps


def branch_taps(model: tf_keras.Model) -> dict[str, tuple[Tensor, Tensor]]:
    """(shortcut, main) of each residual block, as they are added, by the block's name.

    Raises UserError for a network that is no ResNet: one where not every block ends in a sum.
    """
    names = {layer.name for layer in model.layers}
    blocks = [name.removesuffix("_out") for name in names if name.endswith("_out")]
    if not blocks or not all(f"{block}_add" in names for block in blocks):
        raise UserError(f"{model.name} is no ResNet: branch norms need a shortcut in every block")
    sums: list[Any] = [layer for layer in model.layers if layer.name.endswith("_add")]
    return {layer.name.removesuffix("_add"): (layer.input[1], layer.input[0]) for layer in sums}


def activations(
    model: tf_keras.Model, taps: Sequence[Tensor], examples: Examples, batch: int
) -> Iterator[Iterator[np.ndarray]]:
    """For every batch of images the float32 arrays [N, ...] of ``taps``, in their order.

    The arrays of a batch are to be taken before the next batch; they are computed about a gigabyte at a time.
    """
    calls = [predictor(tf_keras.Model(model.input, group)) for group in _groups(taps, batch)]
    for images, _ in evaluation_batches(examples, batch):
        seen = tf.constant(images)
        yield (output.numpy() for call in calls for output in tf.nest.flatten(call(seen)))


def _groups(taps: Sequence[Tensor], batch: int) -> list[list[Tensor]]:
    groups: list[list[Tensor]] = []
    total = LARGEST
    for tap in taps:
        size = 4 * batch * math.prod(side or 1 for side in tap.shape[1:])
        if total + size > LARGEST:
            groups, total = [*groups, []], 0
        groups[-1].append(tap)
        total += size
    return groups
