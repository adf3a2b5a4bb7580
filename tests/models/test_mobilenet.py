from __future__ import annotations

import numpy as np
import pytest
import tf_keras

from tf_dlth.models.mobilenet import inverted_residual, scaled
from tf_dlth.models.prunable import prunable_names
from tf_dlth.models.variables import read


def test_mobilenet_pools_a_4x4_map_and_projects_four_shortcuts(network):
    model = network("mobilenet_v2", width=64)
    assert model.get_layer("last_relu").output_shape[1:] == (4, 4, 1280)
    shortcuts = [name for name in prunable_names(model) if "shortcut" in name]
    assert shortcuts == [f"stage{s}_block1_shortcut/kernel" for s in (1, 2, 5, 7)]
    sums = [x.name for x in model.layers if isinstance(x, tf_keras.layers.Add)]
    assert len(sums) == 17 - 3  # all blocks but the three of stride 2


@pytest.mark.parametrize(("channels", "width", "expected"), [(16, 64, 16), (24, 32, 12), (1280, 16, 320), (16, 1, 1)])
def test_channels_scale_with_the_width_and_never_vanish(channels: int, width: int, expected: int):
    assert scaled(channels, width) == expected


@pytest.mark.parametrize(("filters", "stride", "added"), [(4, 1, True), (6, 1, True), (4, 2, False)])
def test_every_block_of_stride_1_adds_its_input(filters: int, stride: int, added: bool):
    """With a main path of zeros the block is its shortcut, or nothing."""
    images = tf_keras.Input((4, 4, 4))
    model = tf_keras.Model(images, inverted_residual(images, 6, filters, stride, "b"))
    weights = read(model)
    assert weights["b_depthwise/depthwise_kernel"].shape == (3, 3, 24, 1)
    for leaf in ("gamma", "beta"):
        position = [v.name for v in model.get_layer("b_project_bn").weights].index(f"b_project_bn/{leaf}:0")
        model.get_layer("b_project_bn").weights[position].assign(np.zeros(filters))
    x = np.random.default_rng(0).normal(size=(1, 4, 4, 4)).astype(np.float32)
    out = model(x).numpy()
    assert out.any() == added
    if filters == 4 and added:
        np.testing.assert_allclose(out, x, rtol=1e-6)
    assert ("b_shortcut/kernel" in weights) == (filters != 4)
