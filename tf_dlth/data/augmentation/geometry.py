"""Operations that move pixels, equal to Pillow's ``Image.transform`` and ``rotate`` on uint8 images [N, H, W, C].

A matrix is float64 [N, 6], ``(a, b, c, d, e, f)``: the output pixel (x, y) is read at
``(a x + b y + c, d x + e y + f)``, coordinates counted from the corner, pixel centres at .5.
"""

from __future__ import annotations

import math

import tensorflow as tf

from tf_dlth.data.augmentation.layout import image_shape

_FIXED_BITS = 16
_FIXED_UNIT = 2.0**_FIXED_BITS


def rotation(degrees: tf.Tensor, height: int, width: int) -> tf.Tensor:
    """Matrices float64 [N, 6] that turn by ``degrees``, float [N], counter-clockwise about the centre."""
    angle = -tf.cast(degrees, tf.float64) * (math.pi / 180.0)
    cosine, sine = tf.cos(angle), tf.sin(angle)
    centre_x, centre_y = width / 2, height / 2
    shift_x = -centre_x * cosine - centre_y * sine + centre_x
    shift_y = centre_x * sine - centre_y * cosine + centre_y
    return tf.stack([cosine, sine, shift_x, -sine, cosine, shift_y], axis=1)


def affine(images: tf.Tensor, matrix: tf.Tensor, fill: int) -> tf.Tensor:
    """uint8 [N, H, W, C] read by ``matrix``, in Pillow's 16.16 fixed-point arithmetic.

    The nearest pixel counts; ``fill`` where there is none.
    """
    height, width, channels = image_shape(images)
    origin_x, origin_y = _fixed_origins(matrix)
    step = _fixed(matrix)
    x, y = tf.range(width)[tf.newaxis], tf.range(height)[tf.newaxis]
    column = _source(origin_x, step[:, 0:1], step[:, 1:2], x, y, width)
    row = _source(origin_y, step[:, 3:4], step[:, 4:5], x, y, height)
    # A frame of one pixel of the fill takes every read from outside, instead of a mask and a choice per pixel.
    frame = [[0, 0], [1, 1], [1, 1], [0, 0]]
    framed = tf.pad(images, frame, constant_values=tf.constant(fill, tf.uint8))
    first = tf.range(tf.shape(images)[0]) * ((height + 2) * (width + 2))
    address = row * (width + 2) + column + first[:, tf.newaxis, tf.newaxis]
    return tf.gather_nd(tf.reshape(framed, [-1, channels]), tf.expand_dims(address, -1))


def shear_x_bicubic(images: tf.Tensor, shear: tf.Tensor, fill: int) -> tf.Tensor:
    """uint8 [N, H, W, C] sheared along x by ``shear``, float [N], with Pillow's bicubic filter.

    About the top left corner; ``fill`` where the centre falls outside. A shear along x leaves the rows whole, so of the
    4 x 4 pixels of the filter only one row of four has weight.
    """
    height, width, _ = image_shape(images)
    lines = tf.range(height, dtype=tf.float64)[tf.newaxis, :, tf.newaxis] + 0.5
    centres = tf.range(width, dtype=tf.float64)[tf.newaxis, tf.newaxis] + 0.5
    position = centres + tf.cast(shear, tf.float64)[:, tf.newaxis, tf.newaxis] * lines
    inside = (position >= 0.0) & (position < width)
    left = tf.floor(position - 0.5)
    taps = [_pixels(images, tf.cast(left, tf.int32) + offset) for offset in (-1, 0, 1, 2)]
    level = _cubic(taps, tf.expand_dims(position - 0.5 - left, -1))
    level = tf.cast(tf.clip_by_value(level, 0.0, 255.0), tf.uint8)
    return tf.where(tf.expand_dims(inside, -1), level, tf.constant(fill, tf.uint8))


def shear_y_bicubic(images: tf.Tensor, shear: tf.Tensor, fill: int) -> tf.Tensor:
    """As :func:`shear_x_bicubic`, along y."""
    across = tf.transpose(images, [0, 2, 1, 3])
    return tf.transpose(shear_x_bicubic(across, shear, fill), [0, 2, 1, 3])


def _fixed(values: tf.Tensor) -> tf.Tensor:
    """Int32 in units of 2**-16, rounded half up."""
    return tf.cast(tf.floor(values * _FIXED_UNIT + 0.5), tf.int32)


def _fixed_origins(matrix: tf.Tensor) -> tuple[tf.Tensor, tf.Tensor]:
    """Where the centre of the output's first pixel is read: x and y, int32 [N, 1] in units of 2**-16."""
    a, b, c, d, e, f = tf.split(matrix, 6, axis=1)
    x, y = c + a * 0.5 + b * 0.5, f + d * 0.5 + e * 0.5
    # Pillow takes another way for matrices without rotation and shear: the place is not rounded to 2**-16.
    is_scaling = tf.equal(b, 0.0) & tf.equal(d, 0.0)
    x, y = (tf.where(is_scaling, tf.floor(place), place) for place in (x, y))
    return _fixed(x), _fixed(y)


def _source(
    origin: tf.Tensor, along_x: tf.Tensor, along_y: tf.Tensor, x: tf.Tensor, y: tf.Tensor, side: int
) -> tf.Tensor:
    """One coordinate of the pixel that is read, int32 [N, H, W]: 1..side, or 0 and side + 1 outside."""
    framed = origin + (1 << _FIXED_BITS)
    place = (along_x * x)[:, tf.newaxis, :] + (framed + along_y * y)[:, :, tf.newaxis]
    whole = tf.bitwise.right_shift(place, tf.constant(_FIXED_BITS, tf.int32))
    return tf.clip_by_value(whole, 0, side + 1)


def _pixels(images: tf.Tensor, column: tf.Tensor) -> tf.Tensor:
    """Float64 [N, H, W, C] of the given columns (int32 [N, H, W]) of each row; the outermost pixels go on for ever."""
    height, width, channels = image_shape(images)
    count = tf.shape(images)[0]
    first = tf.reshape(tf.range(count * height) * width, [-1, height, 1])
    address = tf.clip_by_value(column, 0, width - 1) + first
    return tf.cast(tf.gather_nd(tf.reshape(images, [-1, channels]), tf.expand_dims(address, -1)), tf.float64)


def _cubic(taps: list[tf.Tensor], place: tf.Tensor) -> tf.Tensor:
    """The cubic through four neighbours (Keys, a = -1/2) at ``place`` in [0, 1) between the middle two.

    Pillow then cuts to whole levels, so the order of its arithmetic is kept.
    """
    one, two, three, four = taps
    slope = three - one
    bend = 2 * (one - two) + three - four
    twist = two - one - three + four
    return two + place * (slope + place * (bend + place * twist))
