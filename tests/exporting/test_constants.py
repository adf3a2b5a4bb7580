"""Constants against the values of a network on two images; at the border too."""

from __future__ import annotations

import numpy as np
import pytest
import tf_keras

from tf_dlth.exporting.constants import constants, padded
from tf_dlth.exporting.reading import read_graph


@pytest.mark.parametrize("architecture", ["resnet18", "mobilenet_v2"])
def test_constants_are_what_the_layers_give(network, prune, architecture: str) -> None:
    model = prune(network(architecture), "dead")
    found = constants(read_graph(model))
    names = [name for name in found if name != "images"]
    values = tf_keras.Model(model.input, [model.get_layer(name).output for name in names])
    images = np.random.default_rng(0).uniform(0, 255, (2, 32, 32, 3)).astype(np.float32)
    known = 0
    for name, value in zip(names, values(images, training=False), strict=True):
        rows = value.numpy().reshape(-1, value.shape[-1])
        fixed = ~np.isnan(found[name])
        known += int(fixed.sum())
        np.testing.assert_allclose(rows[:, fixed], np.broadcast_to(found[name][fixed], rows[:, fixed].shape), atol=1e-4)
    assert known > 50


def test_zeros_around_another_constant_make_it_vary() -> None:
    values = np.array([0.0, 2.0, np.nan])
    np.testing.assert_array_equal(padded(values, (0, 0, 0, 0)), values)
    np.testing.assert_array_equal(padded(values, (0, 1, 0, 0)), [0.0, np.nan, np.nan])
