"""The pieces that the built-in networks are made of, with PyTorch's semantics in Keras.

Initialisers are made anew for every layer: one object shared by layers draws equal kernels for them.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any

import tensorflow as tf
import tf_keras

Tensor = Any
"""A symbolic Keras tensor, [N, H, W, C] or [N, D]."""

Initialiser = Any
"""A Keras initialiser, whose type the layers' own annotations do not admit."""

Convolve = Callable[[Tensor, int, int, int, str], Tensor]
"""``convolve(x, filters, size, stride, name)`` adds a convolution layer of that name."""


def default_kernel() -> Initialiser:
    """U(-b, b) with b = 1/sqrt(fan_in): what PyTorch gives convolutions and linear layers."""
    return tf_keras.initializers.VarianceScaling(1 / 3, mode="fan_in", distribution="uniform")


def uniform(fan_in: int) -> Initialiser:
    """U(-b, b) with b = 1/sqrt(fan_in), for variables whose shape does not tell the fan-in."""
    bound = 1 / math.sqrt(fan_in)
    return tf_keras.initializers.RandomUniform(-bound, bound)


def he_kernel() -> Initialiser:
    """He's normal distribution by fan-out, not truncated."""
    return tf_keras.initializers.VarianceScaling(2.0, mode="fan_out", distribution="untruncated_normal")


def zero_pad(x: Tensor, margin: int, name: str) -> Tensor:
    """Adds ``margin`` zeros on all four sides."""
    return tf_keras.layers.ZeroPadding2D(margin, name=name)(x)


def convolution(
    x: Tensor,
    filters: int,
    size: int,
    stride: int,
    name: str,
    initialiser: Callable[[], Initialiser] = default_kernel,
    bias: bool = False,
) -> Tensor:
    """A convolution padded by size // 2 on every side."""
    if size == 1:
        x, stride = subsampled(x, stride, name), 1
    layer = tf_keras.layers.Conv2D(
        filters,
        size,
        stride,
        padding="same" if stride == 1 else "valid",
        use_bias=bias,
        kernel_initializer=initialiser(),
        name=name,
    )
    return layer(padded(x, size, stride, name))


def subsampled(x: Tensor, stride: int, name: str) -> Tensor:
    """Every ``stride``-th row and column: what a strided 1x1 convolution looks at.

    Apart from the convolution, because the gradient of a strided 1x1 one with fewer than 12 input channels on maps of
    64 px and more writes past its memory in TensorFlow 2.21's CPU kernels and ends the process.
    """
    return x if stride == 1 else tf_keras.layers.MaxPooling2D(1, stride, name=f"{name}_subsample")(x)


def he_convolution(x: Tensor, filters: int, size: int, stride: int, name: str) -> Tensor:
    """:func:`convolution` with He-normal kernels."""
    return convolution(x, filters, size, stride, name, he_kernel)


def padded(x: Tensor, size: int, stride: int, name: str) -> Tensor:
    """Symmetric zeros before a strided layer: Keras' own 'same' pads only right and bottom there."""
    return x if stride == 1 else zero_pad(x, size // 2, f"{name}_pad")


def batch_norm(x: Tensor, name: str, affine: bool = True) -> Tensor:
    """BatchNorm with PyTorch's constants (its momentum 0.1 is 0.9 here)."""
    layer = tf_keras.layers.BatchNormalization(momentum=0.9, epsilon=1e-5, center=affine, scale=affine, name=name)
    return layer(x)


def relu(x: Tensor, name: str) -> Tensor:
    """max(x, 0)."""
    return tf_keras.layers.ReLU(name=name)(x)


def block_output(x: Tensor, name: str) -> Tensor:
    """Gives a linear block's output a layer of its own, so that every block ends in ``<block>_out``."""
    return tf_keras.layers.Activation("linear", name=name)(x)


def max_pool_3x3(x: Tensor, name: str) -> Tensor:
    """Max-pool 3x3, stride 2, padded by 1.

    It follows a ReLU and every window holds a pixel, so that zeros pad exactly as minus infinity would.
    """
    return tf_keras.layers.MaxPooling2D(3, 2, name=name)(zero_pad(x, 1, f"{name}_pad"))


def classifier(x: Tensor, classes: int, kernel: Initialiser | None = None) -> Tensor:
    """Global average pool and a linear layer, ``pool`` and ``head``; zero bias if a ``kernel`` is given."""
    x = tf_keras.layers.GlobalAveragePooling2D(name="pool")(x)
    return linear(x, classes, "head", kernel)


def linear(x: Tensor, units: int, name: str, kernel: Initialiser | None = None) -> Tensor:
    """A linear layer [N, D] -> [N, units] with PyTorch's initialisers; zero bias if a ``kernel`` is given."""
    layer = tf_keras.layers.Dense(
        units,
        kernel_initializer=kernel or default_kernel(),
        bias_initializer="zeros" if kernel else uniform(int(x.shape[-1])),
        name=name,
    )
    return layer(x)


@tf_keras.utils.register_keras_serializable(package="tf_dlth")
class Normalise(tf_keras.layers.Layer):
    """(x / 255 - mean) / std per channel, constants only; images float32 [N, H, W, C] in 0..255."""

    def __init__(self, mean: list[float], std: list[float], **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self.mean, self.std = [float(m) for m in mean], [float(s) for s in std]

    def call(self, inputs: tf.Tensor) -> tf.Tensor:
        mean, std = (tf.constant(list(values), inputs.dtype) for values in (self.mean, self.std))
        return (inputs / 255.0 - mean) / std

    def get_config(self) -> dict[str, Any]:
        return {**super().get_config(), "mean": list(self.mean), "std": list(self.std)}
