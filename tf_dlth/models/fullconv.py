"""Full-Conv ResNet-18 (Kayhan and van Gemert): 3x3 convolutions padded by 2, so that no pixel is favoured.

Every 3x3 convolution of a block grows the map by 2; the identity is padded to match. Layer names are
ResNet-18's, with ``_pad`` layers before the convolutions.
"""

from __future__ import annotations

import tf_keras

from tf_dlth.models.layers import (
    Tensor,
    batch_norm,
    classifier,
    he_convolution,
    he_kernel,
    relu,
    subsampled,
    zero_pad,
)
from tf_dlth.models.resnet import Shape, residual_sum, stages, stem_layers


def fullconv_resnet18(input_shape: Shape, classes: int, width: int, stem: str = "small") -> tf_keras.Model:
    """ResNet-18's parameters on larger maps."""
    # paper: the cited method pads the stem by k - 1 as well; here: ordinary padding, because that is what the
    # paper's code has, and the only variant that is defined for 32x32 images.
    images = tf_keras.Input(input_shape, name="images")
    x = stem_layers(images, width, stem, he_convolution)
    x = stages(x, width, (2, 2, 2, 2), _block)
    return tf_keras.Model(images, classifier(x, classes), name="fullconv_resnet18")


def _block(x: Tensor, filters: int, stride: int, name: str) -> Tensor:
    y = relu(batch_norm(_full(x, filters, 3, stride, 2, f"{name}_conv1"), f"{name}_bn1"), f"{name}_relu1")
    y = batch_norm(_full(y, filters, 3, 1, 2, f"{name}_conv2"), f"{name}_bn2")
    return residual_sum(y, _shortcut(x, filters, stride, name), name)


def _shortcut(x: Tensor, filters: int, stride: int, name: str) -> Tensor:
    if stride == 1 and x.shape[-1] == filters:
        return zero_pad(x, 2, f"{name}_shortcut_pad")
    return batch_norm(_full(x, filters, 1, stride, 3, f"{name}_shortcut"), f"{name}_shortcut_bn")


def _full(x: Tensor, filters: int, size: int, stride: int, margin: int, name: str) -> Tensor:
    x = zero_pad(x, margin, f"{name}_pad")
    if size == 1:
        x, stride = subsampled(x, stride, name), 1
    layer = tf_keras.layers.Conv2D(
        filters, size, stride, padding="valid", use_bias=False, kernel_initializer=he_kernel(), name=name
    )
    return layer(x)
