"""VGG-11/13/16/19 with BatchNorm for 32x32 images.

Convolutions are ``stage1_conv1``, ``stage1_conv2`` ...; every stage ends in ``<stage>_out``.
"""

from __future__ import annotations

from functools import partial

import tf_keras

from tf_dlth.models.layers import Tensor, batch_norm, block_output, classifier, convolution, he_kernel, relu

Shape = tuple[int, int, int]


def _vgg(counts: tuple[int, ...], input_shape: Shape, classes: int, width: int, stem: str = "small") -> tf_keras.Model:
    """Five stages of 3x3 convolutions *with* bias; four max-pools, none after the last stage."""
    del stem  # VGG has no stem of its own: its first stage sees the image.
    images = x = tf_keras.Input(input_shape, name="images")
    for stage, count in enumerate(counts):
        x = _stage(x, min(width * 2**stage, width * 8), count, f"stage{stage + 1}")
        if stage < len(counts) - 1:
            x = tf_keras.layers.MaxPooling2D(2, name=f"stage{stage + 1}_pool")(x)
    kernel = tf_keras.initializers.RandomNormal(0.0, 0.01)
    return tf_keras.Model(images, classifier(x, classes, kernel), name=f"vgg{sum(counts) + 3}")


def _stage(x: Tensor, filters: int, count: int, name: str) -> Tensor:
    for index in range(1, count + 1):
        x = convolution(x, filters, 3, 1, f"{name}_conv{index}", he_kernel, bias=True)
        x = relu(batch_norm(x, f"{name}_bn{index}"), f"{name}_relu{index}")
    return block_output(x, f"{name}_out")


vgg11 = partial(_vgg, (1, 1, 2, 2, 2))
vgg13 = partial(_vgg, (2, 2, 2, 2, 2))
vgg16 = partial(_vgg, (2, 2, 3, 3, 3))
vgg19 = partial(_vgg, (2, 2, 4, 4, 4))
