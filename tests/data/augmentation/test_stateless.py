from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
import tensorflow as tf
from scipy import stats

from tf_dlth.data.augmentation.stateless import Draws

SEED = np.array([7, -3], np.int32)


def drawn(function: Callable[[], Any], seed: Any = SEED) -> Any:
    """What a traced function draws that knows TensorFlow's own generators only."""

    @tf.function
    def traced(pair: tf.Tensor) -> Any:
        draws = Draws()
        with draws.instead_of_tensorflow(), draws.seeded(pair):
            return function()

    return tf.nest.map_structure(np.asarray, traced(tf.constant(seed)))


@pytest.mark.parametrize(
    ("function", "distribution"),
    [
        (lambda: tf.random.uniform([4000]), stats.uniform()),
        (lambda: tf.random.uniform([4000], -2.0, 6.0, seed=5), stats.uniform(-2, 8)),
        (lambda: tf.random.get_global_generator().uniform((4000,), minval=1.0, maxval=2.0), stats.uniform(1, 1)),
        (lambda: tf.random.normal(shape=[4000], mean=3.0, stddev=2.0, seed=None), stats.norm(3, 2)),
        (lambda: tf.random.gamma([4000], alpha=0.5), stats.gamma(0.5)),
    ],
)
def test_distributions(function: Callable[[], tf.Tensor], distribution: Any):
    assert stats.kstest(drawn(function), distribution.cdf).pvalue > 0.01


def test_whole_numbers_and_permutations():
    numbers = drawn(lambda: tf.random.uniform([4000], minval=2, maxval=5, dtype=tf.int32))
    assert np.bincount(numbers).tolist()[:2] == [0, 0]
    assert stats.chisquare(np.bincount(numbers)[2:]).pvalue > 0.01
    assert sorted(drawn(lambda: tf.random.shuffle(tf.range(50), seed=1))) == list(range(50))


def test_gammas_of_several_shapes_are_independent():
    samples = drawn(lambda: tf.random.gamma(shape=(2000,), alpha=[1.0, 4.0]))
    assert samples.shape == (2000, 2)
    assert stats.kstest(samples[:, 1], stats.gamma(4).cdf).pvalue > 0.01
    assert drawn(lambda: tf.random.gamma(shape=(), alpha=tf.ones([3]))).shape == (3,)


def test_the_seed_and_the_place_decide():
    def two() -> tuple[tf.Tensor, tf.Tensor]:
        return tf.random.uniform([50]), tf.random.uniform([50])

    first, second = drawn(two)
    again, _ = drawn(two)
    other, _ = drawn(two, SEED + 1)
    np.testing.assert_array_equal(first, again)
    assert len({values.tobytes() for values in (first, second, other)}) == 3


def test_turns_of_a_loop_draw_anew_and_by_their_number():
    """One trace, many turns: two loops, one in the other, as AugMix has them."""

    def grid(turns: int) -> np.ndarray:
        @tf.function
        def traced(pair: tf.Tensor) -> tf.Tensor:
            draws = Draws()

            def inner(row: tf.Tensor, column: tf.Tensor, found: tf.TensorArray) -> tuple[Any, ...]:
                with draws.within(column):
                    return row, column + 1, found.write(row * turns + column, tf.random.uniform([]))

            def outer(row: tf.Tensor, found: tf.TensorArray) -> tuple[Any, ...]:
                with draws.within(row):
                    first = [row, tf.constant(0), found]
                    return row + 1, tf.while_loop(lambda r, c, f: c < turns, inner, first)[2]

            with draws.instead_of_tensorflow(), draws.seeded(pair):
                begin = [tf.constant(0), tf.TensorArray(tf.float32, turns * turns)]
                return tf.while_loop(lambda r, f: r < turns, outer, begin)[1].stack()

        return traced(tf.constant(SEED)).numpy().reshape(turns, turns)

    large = grid(30)
    assert len(np.unique(large)) > 890
    np.testing.assert_array_equal(grid(4), large[:4, :4])


def test_tensorflows_own_functions_come_back():
    before = tf.random.uniform, tf.random.normal, tf.random.gamma, tf.random.shuffle, tf.random.get_global_generator
    with Draws().instead_of_tensorflow():
        assert tf.random.uniform is not before[0]
    with pytest.raises(ZeroDivisionError), Draws().instead_of_tensorflow():
        _ = 1 / 0
    after = tf.random.uniform, tf.random.normal, tf.random.gamma, tf.random.shuffle, tf.random.get_global_generator
    assert after == before
