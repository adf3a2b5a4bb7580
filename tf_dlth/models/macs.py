"""Multiply-accumulates of one image's forward pass."""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any

import tf_keras

from tf_dlth.models.harmonic import DctBank, HarmonicConv2D
from tf_dlth.models.heads import CosineHead

keras_layers = tf_keras.layers
TRANSPOSED = (keras_layers.Conv1DTranspose, keras_layers.Conv2DTranspose, keras_layers.Conv3DTranspose)
SEPARABLE = (keras_layers.SeparableConv1D, keras_layers.SeparableConv2D)
DEPTHWISE = (keras_layers.DepthwiseConv1D, keras_layers.DepthwiseConv2D)
DENSE = (keras_layers.Conv1D, keras_layers.Conv2D, keras_layers.Conv3D, keras_layers.Dense, CosineHead)


def macs(model: tf_keras.Model) -> int:
    """Sum over convolutions and linear layers at the model's input size, padding included, for a plain model.

    Not counted: biases, BatchNorm, activations, pools, and the once-per-batch synthesis of harmonic kernels.
    """
    return sum(layer_macs(layer) for layer in model.layers)


def layer_macs(layer: tf_keras.layers.Layer) -> int:
    """One layer's share, over all its calls."""
    weights = _multiplications(layer)
    if weights is None:
        return 0
    shape_at: Callable[[int], Any] = (
        layer.get_input_shape_at if isinstance(layer, TRANSPOSED) else layer.get_output_shape_at
    )
    return sum(weights * _positions(shape_at(call)) for call in range(len(layer._inbound_nodes)))


def _multiplications(layer: tf_keras.layers.Layer) -> int | None:
    """Multiplications at each position of the output map (of the input map for a transposed convolution)."""
    if isinstance(layer, HarmonicConv2D):
        return math.prod(layer.coefficients.shape)
    if isinstance(layer, DctBank):
        return layer.size**2 * int(layer.output_shape[-1])
    if isinstance(layer, SEPARABLE):
        return math.prod(layer.depthwise_kernel.shape) + math.prod(layer.pointwise_kernel.shape)
    if isinstance(layer, DEPTHWISE):
        return math.prod(layer.depthwise_kernel.shape)
    if isinstance(layer, DENSE):
        return math.prod(layer.kernel.shape)
    return None


def _positions(shape: Any) -> int:
    return math.prod(shape[1:-1])
