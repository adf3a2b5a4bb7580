from __future__ import annotations

import numpy as np
import pytest
import tf_keras

from tf_dlth.models.prunable import prunable_names
from tf_dlth.models.resnet import basic_block, bottleneck, shortcut
from tf_dlth.models.variables import assign, named_variables, read


def test_order_of_resnet18_convolutions(network):
    """The x axis of the paper's figure 6, with shortcuts at 7, 12 and 17."""
    model = network(width=64)
    variables = named_variables(model)
    sizes = [variables[name].shape.num_elements() for name in prunable_names(model)]
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


def test_order_of_a_bottleneck(network):
    names = [n for n in prunable_names(network("resnet50", width=4)) if n.startswith("stage2_block1")]
    assert names == [f"stage2_block1_{x}/kernel" for x in ("conv1", "conv2", "conv3", "shortcut")]


def test_the_stride_of_a_bottleneck_is_on_its_3x3(network):
    model = network("resnet50", width=4)
    assert model.get_layer("stage2_block1_conv1").output_shape[1:3] == (32, 32)
    assert model.get_layer("stage2_block1_conv2").output_shape[1:3] == (16, 16)


def normalised(x: np.ndarray, weights: dict[str, np.ndarray], name: str) -> np.ndarray:
    """BatchNorm in inference, as a formula."""
    scale = weights[f"{name}/gamma"] / np.sqrt(weights[f"{name}/moving_variance"] + 1e-5)
    return (x - weights[f"{name}/moving_mean"]) * scale + weights[f"{name}/beta"]


def convolved(x: np.ndarray, kernel: np.ndarray, stride: int) -> np.ndarray:
    """Padded by half the kernel on every side, as PyTorch pads."""
    margin = len(kernel) // 2
    padded = np.pad(x, ((0, 0), (margin, margin), (margin, margin), (0, 0)))
    windows = np.lib.stride_tricks.sliding_window_view(padded, kernel.shape[:2], (1, 2))[:, ::stride, ::stride]
    return np.einsum("nhwcxy,xyco->nhwo", windows, kernel)


def drawn(model: tf_keras.Model) -> dict[str, np.ndarray]:
    """Positive random values for every variable, statistics included."""
    random = np.random.default_rng(0)
    weights = {name: random.uniform(0.5, 1.5, value.shape) for name, value in read(model).items()}
    return {n: (w - 1 if n.endswith("kernel") else w).astype(np.float32) for n, w in weights.items()}


@pytest.mark.parametrize("stride", [1, 2])
@pytest.mark.parametrize("filters", [3, 5])
def test_a_basic_block_is_its_formula(stride: int, filters: int):
    images = tf_keras.Input((6, 6, 3))
    model = tf_keras.Model(images, basic_block(images, filters, stride, "b"))
    weights = drawn(model)
    assign(model, weights)
    x = np.random.default_rng(1).normal(size=(2, 6, 6, 3))
    hidden = np.maximum(normalised(convolved(x, weights["b_conv1/kernel"], stride), weights, "b_bn1"), 0)
    main = normalised(convolved(hidden, weights["b_conv2/kernel"], 1), weights, "b_bn2")
    side = x
    if stride == 2 or filters != 3:
        side = normalised(convolved(x, weights["b_shortcut/kernel"], stride), weights, "b_shortcut_bn")
    np.testing.assert_allclose(model(x), np.maximum(main + side, 0), rtol=1e-4, atol=1e-4)


def test_a_bottleneck_is_its_formula():
    images = tf_keras.Input((6, 6, 3))
    model = tf_keras.Model(images, bottleneck(images, 2, 2, "b"))
    weights = drawn(model)
    assign(model, weights)
    x = y = np.random.default_rng(1).normal(size=(2, 6, 6, 3))
    for number, stride in ((1, 1), (2, 2), (3, 1)):
        y = normalised(convolved(y, weights[f"b_conv{number}/kernel"], stride), weights, f"b_bn{number}")
        y = np.maximum(y, 0) if number < 3 else y
    side = normalised(convolved(x, weights["b_shortcut/kernel"], 2), weights, "b_shortcut_bn")
    np.testing.assert_allclose(model(x), np.maximum(y + side, 0), rtol=1e-4, atol=1e-4)
    assert model.output_shape == (None, 3, 3, 8)


def test_an_identity_has_no_variables():
    images = tf_keras.Input((6, 6, 3))
    assert shortcut(images, 3, 1, "b") is images


@pytest.mark.parametrize(("stem", "side"), [("small", 32), ("full", 8)])
def test_stems(network, stem: str, side: int):
    """Small keeps 32 pixels; full halves them twice."""
    model = network(width=4, stem=stem)
    kernel = model.get_layer("stem").kernel
    assert tuple(kernel.shape[:2]) == ((3, 3) if stem == "small" else (7, 7))
    assert model.get_layer("stage1_block1_out").output_shape[1:] == (side, side, 4)
    assert model.get_layer("stage4_block2_out").output_shape[1:] == (-(-side // 8), -(-side // 8), 32)
