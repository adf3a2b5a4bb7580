"""The counter-based generator against its published vectors, and what is made of its words."""

from __future__ import annotations

import numpy as np
import pytest
import tensorflow as tf
from scipy import stats

from tf_dlth.data.augmentation.draws import Stream, below, between, threefry2x32, uniforms

# The known-answer vectors that the authors of Threefry publish for 2 x 32 bits and 20 rounds.
KNOWN = [
    ((0x00000000, 0x00000000), (0x00000000, 0x00000000), (0x6B200159, 0x99BA4EFE)),
    ((0xFFFFFFFF, 0xFFFFFFFF), (0xFFFFFFFF, 0xFFFFFFFF), (0x1CB996FC, 0xBB002BE7)),
    ((0x13198A2E, 0x03707344), (0x243F6A88, 0x85A308D3), (0xC4923A9C, 0x483DF7A0)),
]


@pytest.mark.parametrize(("key", "counter", "word"), KNOWN)
def test_threefry_gives_the_published_words(
    key: tuple[int, int], counter: tuple[int, int], word: tuple[int, int]
) -> None:
    def words(pair: tuple[int, int]) -> tuple[tf.Tensor, tf.Tensor]:
        return tf.constant(pair[0], tf.uint32), tf.constant(pair[1], tf.uint32)

    assert tuple(int(part) for part in threefry2x32(words(key), words(counter))) == word


def seeds(count: int, second: int = 3) -> tf.Tensor:
    return tf.stack([tf.range(count) - count // 2, tf.fill([count], second)], axis=1)


def test_uniforms_are_uniform_and_independent() -> None:
    drawn = np.concatenate([u.numpy() for u in uniforms(seeds(20_000), list(Stream), 2)], axis=1)
    assert drawn.dtype == np.float32 and drawn.min() >= 0.0 and drawn.max() < 1.0
    for column in drawn.T:
        assert stats.kstest(column, "uniform").pvalue > 1e-3
    correlation = np.corrcoef(drawn.T) - np.eye(drawn.shape[1])
    assert np.abs(correlation).max() < 4.5 / np.sqrt(len(drawn))
    along = np.corrcoef(drawn[:-1, 0], drawn[1:, 0])[0, 1]  # neighbouring seeds
    assert abs(along) < 4.5 / np.sqrt(len(drawn))


def test_a_stream_does_not_depend_on_the_others_drawn_with_it() -> None:
    alone = uniforms(seeds(5), [Stream.SIGN], 3)[0]
    together = uniforms(seeds(5), [Stream.CHOICE, Stream.SIGN, Stream.CUTOUT], 4)[1]
    np.testing.assert_array_equal(alone, together[:, :3])


def test_either_half_of_the_seed_pair_matters() -> None:
    (first,) = uniforms(tf.constant([[1, 2], [2, 1], [1, 3], [0, 2], [-1, 2]]), [Stream.CHOICE], 1)
    assert len(set(first.numpy().ravel().tolist())) == 5


def test_below_never_reaches_the_count() -> None:
    largest = tf.constant(1 - 2.0**-24)
    assert [int(below(largest, count)) for count in range(1, 300)] == list(range(299))
    assert int(below(tf.constant(0.0), 25)) == 0


def test_between_is_linear_in_double_precision() -> None:
    drawn = between(tf.constant([0.0, 0.5, 1 - 2.0**-24]), -30.0, 30.0).numpy()
    np.testing.assert_array_equal(drawn, [-30.0, 0.0, -30.0 + 60.0 * (1 - 2.0**-24)])
