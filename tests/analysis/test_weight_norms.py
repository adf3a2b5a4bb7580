from __future__ import annotations

import math

import numpy as np
import pytest

from tf_dlth.analysis.weight_norms import weight_norms
from tf_dlth.errors import UserError


def test_literals():
    ticket = {"a": np.array([[3.0, 7.0], [-4.0, 7.0]]), "b": np.array([2.0, 0.0]), "bias": np.ones(5)}
    dense = {"a": np.array([[-1.0, 2.0], [0.0, 2.0]]), "b": np.array([-4.0, 3.0])}
    masks = {"b": np.array([True, False]), "a": np.array([[True, False], [True, False]])}
    norms = weight_norms(ticket, dense, masks)
    assert list(norms.layers) == ["b", "a"]
    assert (norms.layers["a"].masked, norms.layers["a"].magnitude, norms.layers["a"].whole) == (5, 7, 5 / 3)
    assert (norms.layers["b"].masked, norms.layers["b"].magnitude, norms.layers["b"].whole) == (0.5, 0.5, 2 / 5)
    assert norms.mean.masked == 5.5 / 2
    assert norms.mean.magnitude == 7.5 / 2
    assert norms.mean.whole == pytest.approx((5 / 3 + 2 / 5) / 2)


def test_against_norms_of_masked_copies():
    random = np.random.RandomState(0)
    ticket, dense = ({n: random.randn(3, 3, 4, 8).astype(np.float32) for n in "xyz"} for _ in range(2))
    masks = {name: random.rand(3, 3, 4, 8) < 0.1 for name in "xyz"}
    norms = weight_norms(ticket, dense, masks)
    for n, mask in masks.items():
        sparse, covered = (np.where(mask, w[n], 0) for w in (ticket, dense))
        assert norms.layers[n].masked == pytest.approx(np.linalg.norm(sparse) / np.linalg.norm(covered), rel=1e-5)
        assert norms.layers[n].magnitude == pytest.approx(
            np.abs(ticket[n][mask]).mean() / np.abs(dense[n][mask]).mean(), rel=1e-5
        )
        assert norms.layers[n].whole == pytest.approx(np.linalg.norm(sparse) / np.linalg.norm(dense[n]), rel=1e-5)
        assert norms.layers[n].whole <= norms.layers[n].masked
    assert norms.mean.masked == pytest.approx(np.mean([layer.masked for layer in norms.layers.values()]))


def test_an_empty_layer_takes_no_part_in_the_means_on_the_mask():
    weights = {"a": np.array([2.0, 2.0]), "gone": np.array([1.0, 1.0])}
    masks = {"a": np.array([True, True]), "gone": np.array([False, False])}
    norms = weight_norms(weights, {"a": np.array([1.0, 1.0]), "gone": np.ones(2)}, masks)
    assert math.isnan(norms.layers["gone"].masked) and math.isnan(norms.layers["gone"].magnitude)
    assert norms.layers["gone"].whole == 0
    assert (norms.mean.masked, norms.mean.magnitude, norms.mean.whole) == (2, 2, 1)


def test_networks_of_other_layers_are_an_error():
    masks = {"a": np.ones(2, bool)}
    for ticket, dense in (({"a": np.ones(2)}, {"a": np.ones(3)}), ({}, {"a": np.ones(2)})):
        with pytest.raises(UserError, match=r"^a "):
            weight_norms(ticket, dense, masks)
