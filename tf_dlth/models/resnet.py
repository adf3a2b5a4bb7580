"""ResNet-18 and ResNet-50 (He et al.) for small and for large images.

Layers are named ``stem``, ``stage1_block1_conv1``, ``stage2_block1_shortcut`` and so on; every block ends in
``<block>_add`` (before the last ReLU) and ``<block>_out`` (after it). In ``model.layers``, convolutions come
in the order of the paper's layer plots (figure 6): stem, then block by block conv1, conv2[, conv3], shortcut.
"""

from __future__ import annotations

from collections.abc import Callable

import tf_keras

from tf_dlth.models.layers import (
    Convolve,
    Tensor,
    batch_norm,
    classifier,
    convolution,
    max_pool_3x3,
    relu,
)

Block = Callable[[Tensor, int, int, str], Tensor]
"""``block(x, filters, stride, name)`` adds a residual block."""

Shape = tuple[int, int, int]
BOTTLENECK_EXPANSION = 4


def resnet18(input_shape: Shape, classes: int, width: int, stem: str = "small") -> tf_keras.Model:
    """ResNet-18: basic blocks 2-2-2-2."""
    images = tf_keras.Input(input_shape, name="images")
    x = stem_layers(images, width, stem)
    x = stages(x, width, (2, 2, 2, 2), basic_block)
    return tf_keras.Model(images, classifier(x, classes), name="resnet18")


def resnet50(input_shape: Shape, classes: int, width: int, stem: str = "small") -> tf_keras.Model:
    """ResNet-50: bottlenecks 3-4-6-3 with the stride on the 3x3 convolution."""
    images = tf_keras.Input(input_shape, name="images")
    x = stem_layers(images, width, stem)
    x = stages(x, width, (3, 4, 6, 3), bottleneck)
    return tf_keras.Model(images, classifier(x, classes), name="resnet50")


def stem_layers(x: Tensor, width: int, stem: str, convolve: Convolve = convolution) -> Tensor:
    """Small: 3x3, stride 1. Full: 7x7, stride 2, then a max-pool 3x3, stride 2."""
    x = convolve(x, width, *((7, 2) if stem == "full" else (3, 1)), "stem")
    x = relu(batch_norm(x, "stem_bn"), "stem_relu")
    return max_pool_3x3(x, "stem_pool") if stem == "full" else x


def stages(x: Tensor, width: int, blocks: tuple[int, ...], block: Block) -> Tensor:
    """Stages of ``width``, 2, 4, 8 times ``width`` filters; all but the first begin with stride 2."""
    for stage, count in enumerate(blocks):
        for index in range(count):
            stride = 2 if stage > 0 and index == 0 else 1
            x = block(x, width * 2**stage, stride, f"stage{stage + 1}_block{index + 1}")
    return x


def basic_block(x: Tensor, filters: int, stride: int, name: str, convolve: Convolve = convolution) -> Tensor:
    """3x3(stride)-BN-ReLU-3x3-BN, plus the shortcut, then ReLU."""
    y = relu(batch_norm(convolve(x, filters, 3, stride, f"{name}_conv1"), f"{name}_bn1"), f"{name}_relu1")
    y = batch_norm(convolve(y, filters, 3, 1, f"{name}_conv2"), f"{name}_bn2")
    return residual_sum(y, shortcut(x, filters, stride, name, convolve), name)


def bottleneck(x: Tensor, filters: int, stride: int, name: str) -> Tensor:
    """1x1-BN-ReLU-3x3(stride)-BN-ReLU-1x1-BN to four times the filters, plus the shortcut, then ReLU."""
    out = filters * BOTTLENECK_EXPANSION
    y = relu(batch_norm(convolution(x, filters, 1, 1, f"{name}_conv1"), f"{name}_bn1"), f"{name}_relu1")
    y = relu(batch_norm(convolution(y, filters, 3, stride, f"{name}_conv2"), f"{name}_bn2"), f"{name}_relu2")
    y = batch_norm(convolution(y, out, 1, 1, f"{name}_conv3"), f"{name}_bn3")
    return residual_sum(y, shortcut(x, out, stride, name), name)


def shortcut(x: Tensor, filters: int, stride: int, name: str, convolve: Convolve = convolution) -> Tensor:
    """Identity, or 1x1(stride)-BN where the stride or the number of channels changes."""
    if stride == 1 and x.shape[-1] == filters:
        return x
    return batch_norm(convolve(x, filters, 1, stride, f"{name}_shortcut"), f"{name}_shortcut_bn")


def residual_sum(main: Tensor, side: Tensor, name: str) -> Tensor:
    """``<block>_add`` and ``<block>_out``. The main path goes first: it orders the layers of equal depth."""
    return relu(tf_keras.layers.Add(name=f"{name}_add")([main, side]), f"{name}_out")
