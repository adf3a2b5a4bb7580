"""Parameter counts, sizes and layer orders against the published networks, at full width."""

from __future__ import annotations

import math

import numpy as np
import pytest
import scipy.signal
import tf_keras

from tf_dlth.models.harmonic import DctBank, HarmonicConv2D, dct_bank
from tf_dlth.models.layers import max_pool_3x3
from tf_dlth.models.macs import macs
from tf_dlth.models.prunable import prunable_names, unprunable_layers
from tf_dlth.models.variables import named_variables

RGB, ISIC, GRAY = (32, 32, 3), (224, 224, 3), (224, 224, 1)


def counts(model: tf_keras.Model) -> tuple[int, int, int]:
    """Prunable layers, prunable weights, trainable parameters."""
    sizes = {name: math.prod(v.shape) for name, v in named_variables(model).items() if v.trainable}
    prunable = prunable_names(model)
    return len(prunable), sum(sizes[name] for name in prunable), sum(sizes.values())


@pytest.mark.parametrize(
    ("architecture", "stem", "shape", "classes", "expected"),
    [
        ("resnet18", "small", RGB, 10, (20, 11_159_232, 11_173_962)),
        ("resnet18", "small", RGB, 100, (20, 11_159_232, 11_220_132)),
        ("resnet18", "full", ISIC, 7, (20, 11_166_912, 11_180_103)),
        ("resnet18", "full", GRAY, 12, (20, 11_160_640, 11_176_396)),
        ("resnet18", "full", ISIC, 1000, (20, 11_166_912, 11_689_512)),
        ("resnet50", "small", RGB, 10, (53, 23_447_232, 23_520_842)),
        ("resnet50", "full", ISIC, 1000, (53, 23_454_912, 25_557_032)),
        pytest.param("resnet50", "full", ISIC, 7, (53, 23_454_912, 23_522_375), marks=pytest.mark.slow),
        pytest.param("resnet50", "full", GRAY, 12, (53, 23_448_640, 23_526_348), marks=pytest.mark.slow),
        ("vgg11", "small", RGB, 10, (8, 9_217_728, 9_231_114)),
        ("vgg13", "small", RGB, 10, (10, 9_402_048, 9_416_010)),
        ("vgg16", "small", RGB, 10, (13, 14_710_464, 14_728_266)),
        ("vgg19", "small", RGB, 10, (16, 20_018_880, 20_040_522)),
        ("mobilenet_v2", "small", RGB, 10, (57, 2_249_024, 2_296_922)),
        ("fullconv_resnet18", "small", RGB, 10, (20, 11_159_232, 11_173_962)),
        ("harmonic_resnet18", "small", RGB, 10, (20, 11_159_232, 11_173_962)),
    ],
)
def test_counts_at_width_64(network, architecture, stem, shape, classes, expected):
    model = network(architecture, width=64, stem=stem, input_shape=shape, classes=classes)
    assert counts(model) == expected
    assert unprunable_layers(model) == ()


@pytest.mark.parametrize(
    ("width", "convolutions", "total"),
    [
        (58, 9_165_102, 9_178_452),
        (52, 7_367_100, 7_379_070),
        (40, 4_359_480, 4_368_690),
        (12, 392_580, 395_350),
    ],
)
def test_counts_of_the_small_dense_networks(network, width: int, convolutions: int, total: int):
    assert counts(network(width=width)) == (20, convolutions, total)


def test_order_of_resnet18_convolutions(network):
    """The x axis of the paper's figure 6, with shortcuts at 7, 12 and 17."""
    model = network(width=64)
    variables = named_variables(model)
    sizes = [math.prod(variables[name].shape) for name in prunable_names(model)]
    stages = [
        [1728],
        [36864] * 4,
        [73728, 147456, 8192, 147456, 147456],
        [294912, 589824, 32768, 589824, 589824],
        [1179648, 2359296, 131072, 2359296, 2359296],
    ]
    assert sizes == [size for stage in stages for size in stage]
    layers = [name.partition("/")[0] for name in prunable_names(model)]
    assert layers[:3] == ["stem", "stage1_block1_conv1", "stage1_block1_conv2"]
    assert [layers[i] for i in (7, 12, 17)] == [f"stage{s}_block1_shortcut" for s in (2, 3, 4)]


@pytest.mark.parametrize("architecture", ["fullconv_resnet18", "harmonic_resnet18"])
def test_variants_have_the_layers_of_resnet18(network, architecture: str):
    expected = [name.partition("/")[0] for name in prunable_names(network(width=4))]
    assert [name.partition("/")[0] for name in prunable_names(network(architecture, width=4))] == expected


def test_order_of_a_bottleneck(network):
    names = [n for n in prunable_names(network("resnet50", width=4)) if n.startswith("stage2_block1")]
    assert names == [f"stage2_block1_{x}/kernel" for x in ("conv1", "conv2", "conv3", "shortcut")]


def test_the_stride_of_a_bottleneck_is_on_its_3x3(network):
    model = network("resnet50", width=4)
    assert model.get_layer("stage2_block1_conv1").output_shape[1:3] == (32, 32)
    assert model.get_layer("stage2_block1_conv2").output_shape[1:3] == (16, 16)


@pytest.mark.parametrize("architecture", ["resnet18", "resnet50", "mobilenet_v2", "harmonic_resnet18"])
def test_every_block_ends_in_out(network, architecture: str):
    names = {layer.name for layer in network(architecture, width=4).layers}
    blocks = {name[: len("stage1_block1")] for name in names if name.startswith("stage")}
    assert blocks
    assert all(f"{block}_out" in names for block in blocks)


def test_batchnorm_constants(network):
    norms = [x for x in network().layers if isinstance(x, tf_keras.layers.BatchNormalization)]
    assert len(norms) == 20
    assert {(x.epsilon, x.momentum) for x in norms} == {(1e-5, 0.9)}


@pytest.mark.parametrize(
    ("side", "stem", "sizes"),
    [
        (32, "small", (32, 36, 40, 23, 27, 17, 21, 14, 18)),
        (64, "small", (64, 68, 72, 39, 43, 25, 29, 18, 22)),
        (224, "full", (56, 60, 64, 35, 39, 23, 27, 17, 21)),
    ],
)
def test_fullconv_map_sizes(network, side: int, stem: str, sizes: tuple[int, ...]):
    model = network("fullconv_resnet18", width=4, stem=stem, input_shape=(side, side, 3))
    first = "stem_pool" if stem == "full" else "stem_relu"
    outputs = [x for x in model.layers if x.name == first or x.name.endswith("_out")]
    assert tuple(x.output_shape[1] for x in outputs) == sizes


def test_fullconv_identity_meets_the_main_path_in_the_middle(network):
    """With a main path of zeros, a block is its input with a margin of 2."""
    model = network("fullconv_resnet18", width=4)
    for name, variable in named_variables(model).items():
        if name.startswith("stage1_block1_bn2"):
            variable.assign(np.zeros(variable.shape) if "variance" not in name else np.ones(variable.shape))
    taps = tf_keras.Model(model.input, [model.get_layer(n).output for n in ("stem_relu", "stage1_block1_out")])
    before, after = taps(np.random.default_rng(0).integers(0, 256, (1, 32, 32, 3)).astype(np.float32))
    np.testing.assert_array_equal(after[:, 2:-2, 2:-2], before)
    assert np.count_nonzero(after) == np.count_nonzero(before)


def test_vgg_has_four_pools_and_biases(network):
    model = network("vgg16", width=64)
    pools = [x for x in model.layers if isinstance(x, tf_keras.layers.MaxPooling2D)]
    assert [x.name for x in pools] == ["stage1_pool", "stage2_pool", "stage3_pool", "stage4_pool"]
    assert model.get_layer("stage5_out").output_shape[1:] == (2, 2, 512)
    assert "stage1_conv1/bias" in named_variables(model)


def test_mobilenet_pools_a_4x4_map_and_projects_four_shortcuts(network):
    model = network("mobilenet_v2", width=64)
    assert model.get_layer("last_relu").output_shape[1:] == (4, 4, 1280)
    shortcuts = [name for name in prunable_names(model) if "shortcut" in name]
    assert shortcuts == [f"stage{s}_block1_shortcut/kernel" for s in (1, 2, 5, 7)]
    sums = [x.name for x in model.layers if isinstance(x, tf_keras.layers.Add)]
    assert len(sums) == 17 - 3  # all blocks but the three of stride 2


def test_max_pool_is_padded_as_if_with_minus_infinity_after_a_relu():
    images = tf_keras.Input((9, 8, 2))
    model = tf_keras.Model(images, max_pool_3x3(tf_keras.layers.ReLU()(images), "pool"))
    x = np.random.default_rng(0).normal(-1, 1, (2, 9, 8, 2)).astype(np.float32)
    padded = np.pad(np.maximum(x, 0), ((0, 0), (1, 1), (1, 1), (0, 0)), constant_values=-np.inf)
    windows = np.lib.stride_tricks.sliding_window_view(padded, (3, 3), (1, 2))[:, ::2, ::2]
    np.testing.assert_array_equal(model(x), windows.max((-1, -2)))


def test_dct_bank():
    bank = dct_bank(3)
    np.testing.assert_allclose(np.abs(bank).sum((2, 3)), np.ones((3, 3)), rtol=1e-6)
    np.testing.assert_allclose(bank[0, 0], np.full((3, 3), 1 / 9), rtol=1e-6)
    np.testing.assert_allclose(bank[1, 0], np.array([[1.0] * 3, [0] * 3, [-1] * 3]) / 6, atol=1e-7)
    np.testing.assert_allclose(bank[0, 2], np.array([[0.5, -1, 0.5]] * 3) / 6, atol=1e-7)
    flat = dct_bank(7).reshape(49, 49).astype(np.float64)
    gram = flat @ flat.T
    np.testing.assert_allclose(gram, np.diag(np.diag(gram)), atol=1e-7)


@pytest.mark.parametrize("stride", [1, 2])
def test_harmonic_convolution_is_a_sum_of_filtered_channels(stride: int):
    draws = np.random.default_rng(0)
    x = draws.normal(size=(1, 7, 7, 2)).astype(np.float32)
    layer = HarmonicConv2D(3, 3, stride)
    padded = np.pad(x, ((0, 0), (1, 1), (1, 1), (0, 0)))
    ours = layer(x if stride == 1 else padded).numpy()
    coefficients, bank, expected = layer.coefficients.numpy(), dct_bank(3), np.zeros((7, 7, 3))
    for u, v, i, o in np.ndindex(3, 3, 2, 3):
        filtered = scipy.signal.correlate2d(padded[0, :, :, i], bank[u, v], mode="valid")
        expected[:, :, o] += coefficients[u, v, i, o] * filtered
    np.testing.assert_allclose(ours[0], expected[::stride, ::stride], rtol=1e-4, atol=1e-5)


def test_dct_layer_filters_every_channel():
    x = np.random.default_rng(0).normal(size=(1, 8, 8, 2)).astype(np.float32)
    layer = DctBank(3)
    ours = layer(x).numpy()
    assert ours.shape == (1, 8, 8, 18)
    assert not layer.weights
    for channel, index in np.ndindex(2, 9):
        kernel = dct_bank(3)[index // 3, index % 3]
        expected = scipy.signal.correlate2d(x[0, :, :, channel], kernel, mode="same")
        np.testing.assert_allclose(ours[0, :, :, channel * 9 + index], expected, rtol=1e-4, atol=1e-5)


def test_harmonic_layers_serialise():
    for layer in (HarmonicConv2D(4, 3, 2, name="a"), DctBank(7, 2, name="b")):
        again = tf_keras.layers.deserialize(tf_keras.layers.serialize(layer))
        assert again.get_config() == layer.get_config()


def test_harmonic_stem_norm_has_no_parameters(network):
    names = [n for n in named_variables(network("harmonic_resnet18", width=4)) if n.startswith("stem")]
    statistics = ["stem_dct_bn/moving_mean", "stem_dct_bn/moving_variance"]
    assert names[:3] == [*statistics, "stem/kernel"]


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
