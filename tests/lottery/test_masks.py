from __future__ import annotations

import subprocess
import sys

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tf_dlth.lottery.masks import LayerCount, Masks, prune_global

EXACT_COUNTS = {
    "ResNet-18": (
        11159232, {1: 8927386, 2: 7141909, 3: 5713527, 4: 4570822, 9: 1497767, 14: 490789, 15: 392631, 16: 314105}
    ),
    "ResNet-50": (
        23447232, {1: 18757786, 2: 15006229, 3: 12004983, 4: 9603986, 9: 3147034, 14: 1031221, 15: 824977, 16: 659982}
    ),
    "VGG-16": (
        14710464, {1: 11768371, 2: 9414697, 3: 7531758, 4: 6025406, 9: 1974405, 14: 646973, 15: 517578, 16: 414062}
    ),
    "MobileNet-v2": (
        2249024, {1: 1799219, 2: 1439375, 3: 1151500, 4: 921200, 9: 301858, 14: 98913, 15: 79130, 16: 63304}
    ),
}  # fmt: skip


def all_ones(weights: dict[str, np.ndarray]) -> Masks:
    return Masks.ones(weights, weights)


def pruned(values: list[float], rate: float) -> list[int]:
    weights = {"w": np.array(values, np.float32)}
    return prune_global(weights, all_ones(weights), rate)["w"].astype(int).tolist()


@pytest.mark.parametrize(
    ("values", "rate", "mask"),
    [
        ([1, -2, 3, -4, 5], 0.2, [0, 1, 1, 1, 1]),
        ([1, -2, 3, -4, 5], 0.4, [0, 0, 1, 1, 1]),
        ([-5, 4, -3, 2, -1], 0.6, [1, 1, 0, 0, 0]),
        ([0.3, 0.1, 0.2, 0.1], 0.25, [1, 0, 1, 1]),
        ([7, 7, 7, 7, 7], 0.4, [0, 0, 1, 1, 1]),
        ([0, 0, 0, 0, 0], 0.2, [0, 1, 1, 1, 1]),
        ([0, -0.0, 1, 2, 3], 0.2, [0, 1, 1, 1, 1]),
        ([1e-40, 0, 1, 2, 3], 0.2, [1, 0, 1, 1, 1]),
        ([3], 0.2, [1]),
        ([3], 0.9, [0]),
        ([1, 2, 3], 0.999, [0, 0, 0]),
        ([1, 2, 3], 0.001, [1, 1, 1]),
        # half to even: of 5 remaining, 2.5 round to 2; of 3, 1.5 round to 2
        ([1, 2, 3, 4, 5], 0.5, [0, 0, 1, 1, 1]),
        ([1, 2, 3], 0.5, [0, 0, 1]),
    ],
)
def test_r11_literals(values: list[float], rate: float, mask: list[int]):
    assert pruned(values, rate) == mask


def test_layers_are_ranked_against_each_other():
    weights = {"large": np.array([10.0, 20.0, 30.0]), "small": np.array([[1.0, 2.0], [3.0, 40.0]])}
    first = prune_global(weights, all_ones(weights), 3 / 7)
    assert first["large"].all()
    assert first["small"].tolist() == [[False, False], [False, True]]
    second = prune_global(weights, first, 0.5)
    assert second["large"].tolist() == [False, False, True]
    assert second["small"].tolist() == [[False, False], [False, True]]


def test_r11_equal_magnitudes_go_by_name_and_position():
    weights = {"b": np.ones(3), "a": np.array([1.0, -1.0, 1.0])}
    result = prune_global(weights, all_ones(weights), 4 / 6)
    assert not result["a"].any()
    assert result["b"].tolist() == [False, True, True]


def test_what_was_removed_stays_removed_though_it_grew():
    weights = {"w": np.array([9.0, 1.0, 2.0, 3.0, 4.0])}
    result = prune_global(weights, {"w": np.array([False, True, True, True, True])}, 0.25)
    assert result["w"].tolist() == [False, False, True, True, True]


def brute_force(weights: dict[str, np.ndarray], masks: dict[str, np.ndarray], rate: float) -> dict[str, np.ndarray]:
    """Sorts every remaining weight in one list of tuples and strikes the first round(rate n) out."""
    places = sorted(
        (abs(float(weights[name][place])), name, place)
        for name in weights
        for place in np.ndindex(*weights[name].shape)
        if masks[name][place]
    )
    result = {name: mask.copy() for name, mask in masks.items()}
    for _, name, place in places[: round(rate * len(places))]:
        result[name][place] = False
    return result


tensors = st.lists(
    st.tuples(
        st.sampled_from([(1,), (4,), (2, 3), (3, 1, 2), (1, 1, 2, 5)]),
        st.integers(0, 2**32 - 1),
        st.sampled_from([1, 3, 1000]),
    ),
    min_size=1,
    max_size=4,
)


def drawn(shapes: list[tuple[tuple[int, ...], int, int]]) -> tuple[dict[str, np.ndarray], dict[str, np.ndarray]]:
    weights, masks = {}, {}
    for i, (shape, seed, levels) in enumerate(shapes):
        random = np.random.RandomState(seed)
        # Few levels make many ties; names out of order make the dictionary's order differ from the names'.
        weights[f"{(i * 7) % 4}/kernel"] = random.randint(-levels, levels + 1, shape).astype(np.float32) / 8
        masks[f"{(i * 7) % 4}/kernel"] = random.rand(*shape) < 0.8
    return weights, masks


@given(shapes=tensors, rate=st.floats(0.001, 0.999))
@settings(max_examples=300, deadline=None)
def test_r11_against_sorting_everything(shapes: list, rate: float):
    weights, masks = drawn(shapes)
    before = {name: mask.copy() for name, mask in masks.items()}
    result = prune_global(weights, masks, rate)
    expected = brute_force(weights, masks, rate)
    assert all(np.array_equal(result[name], expected[name]) and result[name].dtype == bool for name in expected)
    assert all(np.array_equal(masks[name], before[name]) for name in masks)
    whole = Masks(masks)
    assert result.within(whole)
    assert result.remaining == whole.remaining - round(rate * whole.remaining)


@given(shapes=tensors, rate=st.floats(0.001, 0.999))
@settings(max_examples=50, deadline=None)
def test_r11_the_order_of_the_layers_does_not_matter(shapes: list, rate: float):
    weights, masks = drawn(shapes)
    backwards = prune_global(weights, dict(reversed(masks.items())), rate)
    forwards = prune_global(dict(reversed(weights.items())), masks, rate)
    assert all(np.array_equal(forwards[name], backwards[name]) for name in masks)


@pytest.mark.parametrize(("dense", "counts"), EXACT_COUNTS.values(), ids=EXACT_COUNTS)
def test_exact_counts_of_the_paper_in_whole_numbers(dense: int, counts: dict[int, int]):
    """Remaining weights over 16 prunings by integer arithmetic: round(n / 5), which never is a half."""
    remaining, seen = dense, {}
    for k in range(1, 17):
        assert round(0.2 * remaining) == (2 * remaining + 5) // 10
        remaining -= (2 * remaining + 5) // 10
        seen[k] = remaining
    assert {k: seen[k] for k in counts} == counts


@pytest.mark.parametrize("name", ["ResNet-18", "MobileNet-v2"])
def test_r11_exact_counts_by_pruning(name: str):
    dense, counts = EXACT_COUNTS[name]
    weights = {"w": np.random.RandomState(0).randint(0, 200, dense).astype(np.float16)}  # ties everywhere
    masks, seen = all_ones(weights), {}
    for k in range(1, 17):
        masks = prune_global(weights, masks, 0.2)
        seen[k] = masks.remaining
    assert {k: seen[k] for k in counts} == counts
    assert masks.density == counts[16] / dense


@pytest.mark.parametrize("value", [np.nan, np.inf, -np.inf])
def test_r11_what_cannot_be_ranked_is_an_error(value: float):
    weights = {"fine": np.ones(2), "broken": np.array([1.0, value])}
    with pytest.raises(ValueError, match=r"broken.*NaN"):
        prune_global(weights, all_ones(weights), 0.2)


def test_another_shape_is_an_error():
    with pytest.raises(ValueError, match=r"w.*shape"):
        prune_global({"w": np.ones((2, 3))}, {"w": np.ones((3, 2), bool)}, 0.2)


def test_r11_nothing_left_to_remove():
    weights = {"w": np.ones(3)}
    gone = {"w": np.zeros(3, bool)}
    assert not prune_global(weights, gone, 0.5)["w"].any()
    assert Masks(gone).density == 0


def test_apply_makes_removed_weights_zero_and_leaves_the_rest():
    weights = {"kernel": np.array([np.inf, -2.0, 3.0], np.float32), "bias": np.array([5.0])}
    masked = Masks({"kernel": np.array([False, True, False])}).apply(weights)
    assert masked["kernel"].tolist() == [0, -2, 0]
    assert not np.signbit(masked["kernel"][[0, 2]]).any()
    assert masked["kernel"].dtype == np.float32
    assert masked["bias"] is weights["bias"]
    assert weights["kernel"][0] == np.inf


def test_within():
    parent = Masks({"w": np.array([True, False])})
    assert parent.within(parent)
    assert Masks({"w": np.array([False, False])}).within(parent)
    assert not Masks({"w": np.array([True, True])}).within(parent)
    assert not Masks({"v": np.array([False, False])}).within(parent)


def test_what_masks_know():
    masks = Masks({"a": np.array([[1, 0], [1, 1]], np.uint8), "b": np.array([False, False])})
    assert (masks.remaining, masks.prunable, masks.density) == (3, 6, 0.5)
    assert masks.layers == {"a": LayerCount(3, 4), "b": LayerCount(0, 2)}
    assert masks["a"].dtype == bool
    assert masks == Masks({"b": np.zeros(2), "a": np.array([[1.0, 0.0], [1.0, 1.0]])})
    assert masks != Masks.ones({"a": np.zeros((2, 2)), "b": np.zeros(2)}, ("a", "b"))
    assert list(masks) == ["a", "b"]


def test_masks_never_change():
    given = np.array([True, False])
    masks = Masks({"w": given})
    given[1] = True
    assert masks["w"].tolist() == [True, False]
    with pytest.raises(ValueError, match="read-only"):
        masks["w"][0] = False
    with pytest.raises(TypeError):
        masks["w"] = given  # type: ignore[index]


@pytest.mark.parametrize("values", [[2, 1], [0.5, 1], [-1, 0], [np.nan, 1]])
def test_only_0_and_1_make_a_mask(values: list[float]):
    with pytest.raises(ValueError, match="layer/kernel: a mask holds nothing but 0 and 1"):
        Masks({"layer/kernel": np.array(values)})


def test_masks_of_nothing():
    with pytest.raises(ValueError, match="nothing to prune"):
        Masks({})


def test_applying_to_another_shape_is_an_error():
    with pytest.raises(ValueError, match=r"w.*shape"):
        Masks({"w": np.ones((3, 2), bool)}).apply({"w": np.ones((2, 3))})


def test_the_public_name_needs_no_tensorflow():
    code = "import sys, tf_dlth; tf_dlth.lottery.masks.prune_global; assert 'tensorflow' not in sys.modules"
    subprocess.run([sys.executable, "-c", code], check=True)
