"""The orientation that a camera notes in a picture's EXIF block, found in TensorFlow's own operations."""

from __future__ import annotations

import tensorflow as tf

ORIENTATION = 0x0112
JPEG, PNG = b"Exif\0\0", b"eXIf"
"""What stands before the block; in a JPEG within the headers, in a PNG anywhere."""
HEADERS = 2**17
ENTRY = 12
"""Bytes of an entry: tag, type, count, value."""


def orientation(content: tf.Tensor, is_jpeg: tf.Tensor) -> tf.Tensor:
    """int32 scalar, 1 to 8, of a file's bytes, uint8 [n]; 1, upright, where nothing is noted."""
    after_jpeg, after_png = _after(content[:HEADERS], JPEG), _after(content, PNG)
    block = tf.where(is_jpeg, after_jpeg, after_png)
    little = number(content, block, 1, little=True) == ord("I")

    def at(place: tf.Tensor, length: int) -> tf.Tensor:
        return number(content, block + place, length, little)

    directory = at(tf.constant(4), 4)
    entries = directory + 2 + ENTRY * tf.range(at(directory, 2))
    noted = tf.where(at(entries, 2) == ORIENTATION, at(entries + 8, 2), 0)
    value = tf.reduce_max(tf.concat([noted, [1]], 0))
    known = tf.logical_and(block > 0, value <= 8)
    return tf.where(known, value, 1)


def number(content: tf.Tensor, place: tf.Tensor | int, length: int, little: tf.Tensor | bool) -> tf.Tensor:
    """int32 of the ``length`` bytes, at most 4, at each ``place``; not signed, beyond the file its last byte."""
    last = tf.size(content) - 1
    places = [tf.clip_by_value(tf.add(place, i), 0, last) for i in range(length)]
    digits = [tf.cast(tf.gather(content, one), tf.int32) for one in places]
    return tf.where(little, _joined(digits), _joined(digits[::-1]))


def _after(content: tf.Tensor, mark: bytes) -> tf.Tensor:
    """Where the first ``mark`` ends; 0 where there is none."""
    places = tf.size(content) - len(mark) + 1
    found = tf.reduce_all(
        tf.stack([content[number : number + places] == byte for number, byte in enumerate(mark)]), axis=0
    )
    place = tf.argmax(tf.cast(found, tf.int32), output_type=tf.int32)
    return tf.where(tf.reduce_any(found), place + len(mark), 0)


def _joined(digits: list[tf.Tensor]) -> tf.Tensor:
    """The number of these bytes, the least first; of four, the highest bit is left out."""
    *lower, value = digits
    value = tf.math.floormod(value, 128) if len(digits) == 4 else value
    for digit in reversed(lower):
        value = 256 * value + digit
    return value
