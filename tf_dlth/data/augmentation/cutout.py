"""Cutout: a square of the picture's mean gray (DeVries and Taylor 2017, with the corner law of the paper's code)."""

from __future__ import annotations

import tensorflow as tf

from tf_dlth.data.augmentation.draws import Stream, below, uniforms
from tf_dlth.data.augmentation.layout import image_shape


def cut_out(images: tf.Tensor, seeds: tf.Tensor, side: int) -> tf.Tensor:
    """Covers one square of ``side`` pixels in each image with the mean of all its pixels and channels, cut to uint8.

    The first row is uniform in -side//2 .. H - side - 1 and the first column likewise; what lies outside the image
    is lost. At 32 pixels and side 16 this covers 210.25 pixels on average.
    """
    height, width, channels = image_shape(images)
    first = corners(seeds, side, height, width)
    rows = _covered(first[:, 0:1], side, height)
    columns = tf.repeat(_covered(first[:, 1:2], side, width), channels, axis=1)
    covered = rows[:, :, tf.newaxis] * columns[:, tf.newaxis, :]
    lines = tf.reshape(images, [-1, height, width * channels])
    fill = _mean_level(lines, height * width * channels)[:, tf.newaxis, tf.newaxis]
    # uint8 wraps around, so the difference to the fill is exact.
    return tf.reshape(lines + covered * (fill - lines), tf.shape(images))


def corners(seeds: tf.Tensor, side: int, height: int, width: int) -> tf.Tensor:
    """First row and first column of each image's square, int32 [N, 2]; below zero where it begins outside."""
    (uniform,) = uniforms(seeds, [Stream.CUTOUT], 2)
    # paper: the code lets the left edge take the top edge's place where that is not negative; here: a true square,
    # because that is a slip which makes the shape irregular.
    lowest = -(side // 2)
    places = [below(uniform[:, axis], max(n - side - lowest, 1)) for axis, n in enumerate((height, width))]
    return lowest + tf.stack(places, axis=1)


def _covered(first: tf.Tensor, side: int, length: int) -> tf.Tensor:
    """Uint8 [N, length]: 1 where the square lies along one axis."""
    place = tf.range(length)[tf.newaxis]
    return tf.cast((place >= first) & (place < first + side), tf.uint8)


def _mean_level(lines: tf.Tensor, size: int) -> tf.Tensor:
    """Uint8 [N] from lines [N, H, W * C] with ``size`` values an image."""
    # A line fits 32 bits, which are faster; an image may not.
    totals = tf.cast(tf.reduce_sum(tf.cast(lines, tf.int32), axis=2), tf.int64)
    return tf.cast(tf.reduce_sum(totals, axis=1) // size, tf.uint8)
