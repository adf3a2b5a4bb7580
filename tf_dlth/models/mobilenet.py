"""MobileNet-v2 in its CIFAR variant.

Layers are ``stage2_block1_expand``, ``_depthwise``, ``_project`` and, where a block of stride 1 changes the
number of channels, ``_shortcut``. Every block ends in ``<block>_out``, of stride 1 after ``<block>_add``.
"""

from __future__ import annotations

import tf_keras

from tf_dlth.models.layers import (
    Tensor,
    batch_norm,
    block_output,
    classifier,
    convolution,
    padded,
    relu,
    uniform,
)

STAGES = (
    (1, 16, 1, 1),
    (6, 24, 2, 1),
    (6, 32, 3, 2),
    (6, 64, 4, 2),
    (6, 96, 3, 1),
    (6, 160, 3, 2),
    (6, 320, 1, 1),
)
"""(expansion, channels, blocks, stride) of each stage, at width 64."""
STEM_CHANNELS, LAST_CHANNELS, PUBLISHED_WIDTH = 32, 1280, 64


def mobilenet_v2(input_shape: tuple[int, int, int], classes: int, width: int, stem: str = "small") -> tf_keras.Model:
    """All channel numbers are the published ones times width / 64; ReLU in place of ReLU6."""
    del stem  # There is one: 3x3, stride 1.
    images = tf_keras.Input(input_shape, name="images")
    x = convolution(images, scaled(STEM_CHANNELS, width), 3, 1, "stem")
    x = relu(batch_norm(x, "stem_bn"), "stem_relu")
    for stage, (expansion, channels, count, stage_stride) in enumerate(STAGES, start=1):
        for index in range(count):
            stride = stage_stride if index == 0 else 1
            x = inverted_residual(x, expansion, scaled(channels, width), stride, f"stage{stage}_block{index + 1}")
    x = relu(batch_norm(convolution(x, scaled(LAST_CHANNELS, width), 1, 1, "last"), "last_bn"), "last_relu")
    return tf_keras.Model(images, classifier(x, classes), name="mobilenet_v2")


def scaled(channels: int, width: int) -> int:
    """The number of channels at a width, at least 1."""
    return max(1, round(channels * width / PUBLISHED_WIDTH))


def inverted_residual(x: Tensor, expansion: int, filters: int, stride: int, name: str) -> Tensor:
    """1x1 expansion, 3x3 depthwise, linear 1x1 projection; the residual sum in every block of stride 1."""
    hidden = expansion * int(x.shape[-1])
    y = relu(batch_norm(convolution(x, hidden, 1, 1, f"{name}_expand"), f"{name}_expand_bn"), f"{name}_expand_relu")
    y = relu(
        batch_norm(depthwise(y, stride, f"{name}_depthwise"), f"{name}_depthwise_bn"),
        f"{name}_depthwise_relu",
    )
    y = batch_norm(convolution(y, filters, 1, 1, f"{name}_project"), f"{name}_project_bn")
    if stride == 1:
        y = tf_keras.layers.Add(name=f"{name}_add")([y, _shortcut(x, filters, name)])
    return block_output(y, f"{name}_out")


def depthwise(x: Tensor, stride: int, name: str) -> Tensor:
    """A 3x3 filter a channel; its fan-in is 9, where Keras' variance scaling reads 9 times the channels."""
    layer = tf_keras.layers.DepthwiseConv2D(
        3,
        stride,
        padding="same" if stride == 1 else "valid",
        use_bias=False,
        depthwise_initializer=uniform(9),
        name=name,
    )
    return layer(padded(x, 3, stride, name))


def _shortcut(x: Tensor, filters: int, name: str) -> Tensor:
    # The published network adds only where the widths agree; its CIFAR variant projects where they differ.
    if x.shape[-1] == filters:
        return x
    return batch_norm(convolution(x, filters, 1, 1, f"{name}_shortcut"), f"{name}_shortcut_bn")
