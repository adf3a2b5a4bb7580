from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tf_dlth.analysis import density
from tf_dlth.errors import UserError
from tf_dlth.lottery.masks import Masks, prune_global

# Kernels of ResNet-18 with the small stem, HWIO, in the order of the paper's layer plots.
RESNET18 = {
    "stem": (3, 3, 3, 64),
    **{f"layer {i}": (3, 3, 64, 64) for i in range(1, 5)},
    "layer 5": (3, 3, 64, 128),
    "layer 6": (3, 3, 128, 128),
    "shortcut 7": (1, 1, 64, 128),
    **{f"layer {i}": (3, 3, 128, 128) for i in (8, 9)},
    "layer 10": (3, 3, 128, 256),
    "layer 11": (3, 3, 256, 256),
    "shortcut 12": (1, 1, 128, 256),
    **{f"layer {i}": (3, 3, 256, 256) for i in (13, 14)},
    "layer 15": (3, 3, 256, 512),
    "layer 16": (3, 3, 512, 512),
    "shortcut 17": (1, 1, 256, 512),
    **{f"layer {i}": (3, 3, 512, 512) for i in (18, 19)},
}
SIZES = {name: int(np.prod(shape)) for name, shape in RESNET18.items()}
BOUNDS = {name: density.uniform_bound(int(np.prod(shape[:3]))) for name, shape in RESNET18.items()}
PLACES = (
    "stem",
    "layer 1",
    "layer 5",
    "layer 6",
    "shortcut 7",
    "layer 10",
    "layer 11",
    "shortcut 12",
    "layer 15",
    "layer 16",
    "shortcut 17",
)
# Density in % after k prunings of 20 %, worked out beforehand by bisection of the threshold.
EXPECTED = {
    4: (94.8, 75.9, 75.9, 65.9, 92.0, 65.9, 51.7, 88.6, 51.7, 31.7, 83.9),
    9: (92.3, 64.5, 64.5, 49.7, 88.2, 49.7, 28.9, 83.2, 28.9, 0, 76.3),
    15: (88.3, 46.0, 46.0, 23.6, 82.0, 23.6, 0, 74.5, 0, 0, 64.0),
}


def test_layer_densities_in_the_order_given():
    masks = {"z": np.array([[True, False], [False, False]]), "a": np.array([True, True, False])}
    assert list(density.layer_densities(masks).items()) == [("z", 0.25), ("a", 2 / 3)]


@pytest.mark.parametrize("k", EXPECTED)
def test_the_null_of_resnet18(k: int):
    assert sum(SIZES.values()) == 11159232
    expected = density.expected_null_densities(SIZES, BOUNDS, 0.8**k)
    assert [round(100 * expected[name], 1) for name in PLACES] == list(EXPECTED[k])
    assert list(expected) == list(RESNET18)


def test_the_null_of_drawn_weights_is_near_its_expectation():
    random = np.random.RandomState(0)
    weights = {n: random.uniform(-BOUNDS[n], BOUNDS[n], shape).astype(np.float32) for n, shape in RESNET18.items()}
    remaining = 392631  # the paper's iteration 15
    order = random.permutation(SIZES["layer 19"])[:remaining].tolist()
    masks = {name: np.zeros(shape, bool) for name, shape in RESNET18.items()}
    masks["layer 19"].flat[order] = True
    null = density.null_masks(weights, masks)
    assert Masks(null).remaining == remaining
    expected = density.expected_null_densities(SIZES, BOUNDS, remaining / 11159232)
    seen = density.layer_densities(null)
    errors = {name: np.sqrt(expected[name] * (1 - expected[name]) / SIZES[name]) for name in RESNET18}
    assert all(abs(seen[name] - expected[name]) <= 5 * errors[name] + 1e-4 for name in RESNET18)


layers = st.lists(st.tuples(st.integers(1, 1000), st.floats(0.01, 10)), min_size=1, max_size=6)


@given(layers=layers, share=st.floats(0, 1))
@settings(max_examples=300, deadline=None)
def test_expected_densities_keep_the_share_under_one_threshold(layers: list, share: float):
    sizes = {str(i): n for i, (n, _) in enumerate(layers)}
    bounds = {str(i): bound for i, (_, bound) in enumerate(layers)}
    expected = density.expected_null_densities(sizes, bounds, share)
    kept = sum(sizes[name] * value for name, value in expected.items())
    assert kept == pytest.approx(share * sum(sizes.values()), rel=1e-9, abs=1e-6)
    thresholds = {name: bounds[name] * (1 - value) for name, value in expected.items()}
    threshold = max(thresholds.values())
    for name, value in expected.items():
        assert thresholds[name] == pytest.approx(threshold, rel=1e-6) or (value == 0 and bounds[name] <= threshold)


@given(
    shapes=st.lists(st.sampled_from([(4,), (2, 3), (3, 1, 2), (1, 1, 2, 5)]), min_size=1, max_size=4),
    levels=st.sampled_from([1, 3, 1000]),
    rate=st.floats(0, 1),
    seed=st.integers(0, 2**32 - 1),
)
@settings(max_examples=300, deadline=None)
def test_the_null_is_one_pruning_of_the_dense_network(shapes: list, levels: int, rate: float, seed: int):
    """The same masks as the search's own pruning gives at once, ties and all; few levels make many ties."""
    random = np.random.RandomState(seed)
    weights = {
        f"{(i * 3) % 4}": random.randint(-levels, levels + 1, shape).astype(np.float32)
        for i, shape in enumerate(shapes)
    }
    expected = prune_global(weights, Masks.ones(weights, weights), rate)
    shuffled = {n: random.permutation(mask.ravel()).reshape(mask.shape) for n, mask in expected.items()}
    null = density.null_masks({**weights, "head/bias": np.full(3, np.inf)}, shuffled)
    assert list(null) == list(shuffled)
    assert all(null[name].dtype == bool and np.array_equal(null[name], expected[name]) for name in expected)


def test_of_equal_magnitudes_the_first_go():
    weights = {"b": np.array([1.0, -1.0]), "a": np.array([[1.0, 2.0], [-1.0, 1.0]])}
    masks = {"b": np.array([True, True]), "a": np.array([[False, False], [True, True]])}
    null = density.null_masks(weights, masks)
    assert null["a"].tolist() == [[False, True], [False, True]]
    assert null["b"].all()


def test_what_cannot_be_compared_is_an_error():
    masks = {"w": np.array([True, False])}
    with pytest.raises(ValueError, match="NaN"):
        density.null_masks({"w": np.array([1.0, np.nan])}, masks)
    with pytest.raises(UserError, match="w has shape"):
        density.null_masks({"w": np.ones(3)}, masks)
