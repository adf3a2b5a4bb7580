from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tf_dlth.lottery.draws import permuted_masks, random_masks
from tf_dlth.lottery.masks import Masks

SHAPES = {"b/kernel": (3, 3, 4, 5), "a/kernel": (7,), "c/kernel": (1, 1, 6, 2)}


def drawn(seed: int, density: float = 0.4) -> Masks:
    random = np.random.RandomState(seed)
    return Masks({name: random.rand(*shape) < density for name, shape in SHAPES.items()})


@given(seed=st.integers(0, 2**32 - 1), ticket=st.integers(0, 1000), density=st.floats(0, 1))
@settings(max_examples=60, deadline=None)
def test_exact_counts(seed: int, ticket: int, density: float):
    like = drawn(ticket, density)
    random, permuted = random_masks(like, like.remaining, seed), permuted_masks(like, seed)
    assert random.remaining == permuted.remaining == sum(int(mask.sum()) for mask in like.values())
    assert permuted.layers == like.layers
    assert [mask.shape for mask in random.values()] == [mask.shape for mask in like.values()] == list(SHAPES.values())


@pytest.mark.parametrize("make", [lambda seed: random_masks(drawn(1), 50, seed), lambda s: permuted_masks(drawn(1), s)])
def test_the_seed_alone_decides(make):
    assert make(3) == make(3)
    assert make(3) != make(4)


def test_a_random_mask_looks_at_nothing_but_shapes():
    assert random_masks(drawn(1), 50, 7) == random_masks(drawn(2), 50, 7)
    backwards = Masks(dict(reversed(list(drawn(1).items()))))
    assert random_masks(backwards, 50, 7) == random_masks(drawn(1), 50, 7)


def test_every_weight_of_every_layer_is_equally_likely():
    """Over 2,000 seeds each of 199 weights is kept 100 of 199 times: five standard errors are 5.6 %."""
    kept = sum(
        np.concatenate([random_masks(drawn(1), 100, seed)[name].ravel() for name in SHAPES]).astype(int)
        for seed in range(2000)
    )
    assert np.abs(kept / 2000 - 100 / 199).max() < 0.056


def test_positions_are_permuted_inside_each_layer():
    """A layer that is full stays full, an empty one empty, and each position of another is equally likely."""
    like = Masks({"full": np.ones(9), "empty": np.zeros(9), "half": np.arange(10) < 5})
    kept = np.zeros(10)
    for seed in range(2000):
        masks = permuted_masks(like, seed)
        assert masks["full"].all() and not masks["empty"].any()
        kept += masks["half"]
    assert np.abs(kept / 2000 - 0.5).max() < 0.056


def test_layers_of_one_shape_are_permuted_independently():
    like = Masks({"one": np.arange(100) < 50, "two": np.arange(100) < 50})
    masks = permuted_masks(like, 0)
    assert not np.array_equal(masks["one"], masks["two"])
