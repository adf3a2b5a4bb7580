"""Random numbers that are a pure function of an example's seed pair.

TensorFlow's stateless generators take one seed a call; a batch has one an example. So the counter-based generator
Threefry-2x32 (Salmon et al., "Parallel random numbers: as easy as 1, 2, 3", SC 2011) is written out here on whole
batches: the key is the example's seed pair, the counter is (index, stream).
"""

from __future__ import annotations

import enum
from collections.abc import Sequence

import numpy as np
import tensorflow as tf

_ROTATIONS = ((13, 15, 26, 6), (17, 29, 16, 24))
_PARITY = 0x1BD11BDA
_MANTISSA_BITS = 24


class Stream(enum.IntEnum):
    """Independent sequences of one example: a draw in one never moves another."""

    CHOICE = 0
    PROBABILITY = 1
    MAGNITUDE = 2
    SIGN = 3
    ORDER = 4
    CUTOUT = 5


def threefry2x32(key: tuple[tf.Tensor, tf.Tensor], counter: tuple[tf.Tensor, tf.Tensor]) -> tuple[tf.Tensor, tf.Tensor]:
    """Threefry-2x32 with 20 rounds on uint32 tensors that broadcast against each other."""
    xor = tf.bitwise.bitwise_xor
    keys = (key[0], key[1], xor(xor(key[0], key[1]), tf.constant(_PARITY, tf.uint32)))
    first, second = counter[0] + keys[0], counter[1] + keys[1]
    for group in range(5):
        for distance in _ROTATIONS[group % 2]:
            first = first + second
            second = xor(_rotate_left(second, distance), first)
        first = first + keys[(group + 1) % 3]
        second = second + keys[(group + 2) % 3] + tf.constant(group + 1, tf.uint32)
    return first, second


def uniforms(seeds: tf.Tensor, streams: Sequence[Stream], count: int) -> list[tf.Tensor]:
    """For each stream float32 [B, count] in [0, 1), multiples of 2**-24, from int32 seed pairs [B, 2]."""
    key = tf.bitcast(seeds, tf.uint32)[:, :, tf.newaxis]
    index = np.tile(np.arange(count, dtype=np.uint32), len(streams))
    stream = np.repeat(np.asarray(streams, np.uint32), count)
    word, _ = threefry2x32((key[:, 0], key[:, 1]), (tf.constant(index[None]), tf.constant(stream[None])))
    mantissa = tf.bitwise.right_shift(word, tf.constant(32 - _MANTISSA_BITS, tf.uint32))
    return tf.split(tf.cast(mantissa, tf.float32) * 2.0**-_MANTISSA_BITS, len(streams), axis=1)


def below(uniform: tf.Tensor, count: int | tf.Tensor) -> tf.Tensor:
    """Whole numbers 0..count-1 (int32), equally likely, from float32 uniforms in [0, 1) of the same shape."""
    # A multiple of 2**-24 below 1 never rounds up to `count` when multiplied by it, so no clip is needed.
    return tf.cast(uniform * tf.cast(count, tf.float32), tf.int32)


def between(uniform: tf.Tensor, low: tf.Tensor | np.ndarray | float, high: tf.Tensor | np.ndarray | float) -> tf.Tensor:
    """Float64 in [low, high) from float32 uniforms of the same shape."""
    lowest = tf.cast(low, tf.float64)
    return lowest + (tf.cast(high, tf.float64) - lowest) * tf.cast(uniform, tf.float64)


def _rotate_left(word: tf.Tensor, distance: int) -> tf.Tensor:
    left = tf.bitwise.left_shift(word, tf.constant(distance, tf.uint32))
    right = tf.bitwise.right_shift(word, tf.constant(32 - distance, tf.uint32))
    return tf.bitwise.bitwise_or(left, right)
