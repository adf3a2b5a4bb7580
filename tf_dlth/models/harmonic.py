"""Harmonic ResNet-18 (Ulicny et al.): kernels are learned combinations of fixed cosine filters.

Layer names are ResNet-18's; a block's 3x3 layers hold ``coefficients`` in place of ``kernel``. The stem is a
fixed ``stem_dct`` with ``stem_dct_bn``, then the 1x1 convolution ``stem``.
"""

from __future__ import annotations

from functools import partial
from typing import Any

import numpy as np
import tensorflow as tf
import tf_keras

from tf_dlth.models.layers import Tensor, batch_norm, classifier, he_convolution, he_kernel, padded
from tf_dlth.models.resnet import Shape, basic_block, stages, stem_layers
from tf_dlth.startup import without_keras_3

with without_keras_3():
    from tensorflow_model_optimization.sparsity.keras import PrunableLayer


def dct_bank(size: int) -> np.ndarray:
    """The DCT-II filters, each over its L1 norm: float32 [u, v, row, column]."""
    frequency, place = np.meshgrid(np.arange(size), np.arange(size), indexing="ij")
    cosines = np.cos(np.pi * (place + 0.5) * frequency / size)
    bank = np.einsum("ux,vy->uvxy", cosines, cosines)
    return (bank / np.abs(bank).sum((2, 3), keepdims=True)).astype(np.float32)


@tf_keras.utils.register_keras_serializable(package="tf_dlth")
class HarmonicConv2D(tf_keras.layers.Layer, PrunableLayer):
    """A convolution without bias whose kernel is sum_uv coefficients[u, v, in, out] * D_uv.

    Padding is symmetric for stride 1 and left to the layer before for other strides.
    """

    def __init__(self, filters: int, size: int, stride: int = 1, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self.filters, self.size, self.stride = filters, size, stride
        self.coefficients_initializer = he_kernel()

    def build(self, input_shape: tf.TensorShape) -> None:
        shape = (self.size, self.size, input_shape[-1], self.filters)
        self.coefficients = self.add_weight("coefficients", shape, initializer=self.coefficients_initializer)
        super().build(input_shape)

    def call(self, inputs: tf.Tensor) -> tf.Tensor:
        kernel = tf.einsum("uvxy,uvio->xyio", tf.constant(dct_bank(self.size), self.compute_dtype), self.coefficients)
        return tf.nn.conv2d(inputs, kernel, self.stride, "SAME" if self.stride == 1 else "VALID")

    def get_prunable_weights(self) -> list[tf.Variable]:
        """The coefficients: what the network learns in place of kernels."""
        return [self.coefficients]

    def get_config(self) -> dict[str, Any]:
        own = {"filters": self.filters, "size": self.size, "stride": self.stride}
        return {**super().get_config(), **own}


@tf_keras.utils.register_keras_serializable(package="tf_dlth")
class DctBank(tf_keras.layers.Layer):
    """Each channel through all cosine filters: [N, H, W, C] -> [N, H', W', C * size^2]; no variables."""

    def __init__(self, size: int, stride: int = 1, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self.size, self.stride = size, stride

    def call(self, inputs: tf.Tensor) -> tf.Tensor:
        size = self.size
        filters = dct_bank(size).reshape(size * size, size, size).transpose(1, 2, 0)
        kernel = tf.constant(np.stack([filters] * int(inputs.shape[-1] or 0), axis=2), self.compute_dtype)
        strides = [1, self.stride, self.stride, 1]
        return tf.nn.depthwise_conv2d(inputs, kernel, strides, "SAME" if self.stride == 1 else "VALID")

    def get_config(self) -> dict[str, Any]:
        return {**super().get_config(), "size": self.size, "stride": self.stride}


def harmonic_resnet18(input_shape: Shape, classes: int, width: int, stem: str = "small") -> tf_keras.Model:
    """ResNet-18 with as many learned weights, the coefficients among them prunable."""
    # paper: a Harmonic ticket, whose code prunes only the three 1x1 shortcuts; here: the coefficients are
    # ranked with the rest, because otherwise 98 % of the network could never be pruned.
    images = tf_keras.Input(input_shape, name="images")
    x = stem_layers(images, width, stem, _stem)
    x = stages(x, width, (2, 2, 2, 2), partial(basic_block, convolve=_convolution))
    return tf_keras.Model(images, classifier(x, classes), name="harmonic_resnet18")


def _stem(x: Tensor, filters: int, size: int, stride: int, name: str) -> Tensor:
    x = DctBank(size, stride, name=f"{name}_dct")(padded(x, size, stride, f"{name}_dct"))
    return he_convolution(batch_norm(x, f"{name}_dct_bn", affine=False), filters, 1, 1, name)


def _convolution(x: Tensor, filters: int, size: int, stride: int, name: str) -> Tensor:
    if size == 1:
        return he_convolution(x, filters, size, stride, name)
    return HarmonicConv2D(filters, size, stride, name=name)(padded(x, size, stride, name))
