from __future__ import annotations

import pytest
import tf_keras

from tf_dlth.models.macs import layer_macs, macs


@pytest.mark.parametrize(("architecture", "mega"), [("resnet18", 555), ("fullconv_resnet18", 3265), ("vgg16", 313)])
def test_macs_at_32_pixels(network, architecture: str, mega: int):
    assert round(macs(network(architecture, width=64)) / 1e6) == mega


def test_macs_of_other_layers():
    layers = tf_keras.layers
    images = tf_keras.Input((8, 8, 4))
    shared = layers.Conv2D(4, 3, padding="same")
    x = shared(shared(images))
    x = layers.DepthwiseConv2D(3, padding="same")(x)
    x = layers.SeparableConv2D(6, 3, padding="same")(x)
    x = layers.Conv2DTranspose(5, 2, strides=2)(x)
    x = layers.Conv2D(6, 1, groups=1)(layers.BatchNormalization()(x))
    x = layers.Dense(3)(layers.Flatten()(x))
    expected = 2 * 64 * 9 * 4 * 4 + 64 * 9 * 4 + 64 * (9 * 4 + 4 * 6) + 64 * 4 * 6 * 5 + 256 * 5 * 6 + 256 * 6 * 3
    assert macs(tf_keras.Model(images, x)) == expected


def test_harmonic_layers_and_normalised_heads_count_what_they_multiply(network):
    model = network("harmonic_resnet18", width=4, head="cosine")
    layer = model.get_layer("stage1_block1_conv1")
    assert layer_macs(layer) == 32 * 32 * 9 * 4 * 4
    assert layer_macs(model.get_layer("stem_dct")) == 32 * 32 * 9 * (3 * 9)
    assert layer_macs(model.get_layer("head")) == 32 * 10
    assert layer_macs(model.get_layer("stem_bn")) == 0
