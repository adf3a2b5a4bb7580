"""An encoded picture as the network sees it, in TensorFlow's own operations: for SavedModels, which have no Pillow.

The steps and their arithmetic are those of :mod:`tf_dlth.data.images`; only what decodes the bytes is another library.
"""

from __future__ import annotations

import tensorflow as tf

from tf_dlth.data.augmentation.pointwise import LUMA
from tf_dlth.data.images import Preprocessing
from tf_dlth.tickets.exif import number, orientation

ONE = 2.0**22
"""Pillow resizes in whole numbers: weights in units of 2^-22."""
PALETTE = 256
"""Colours of a BMP that has numbers of colours for pixels, four bytes each: blue, green, red, none."""
SPARE = 4 * PALETTE
"""Zero bytes after the file's own, so that what a header promises can always be looked at."""


def photograph(encoded: tf.Tensor, preprocessing: Preprocessing) -> tf.Tensor:
    """uint8 ``preprocessing.image_shape`` of the bytes (a scalar) of a JPEG, PNG, BMP or GIF (its first frame)."""
    content = tf.pad(tf.io.decode_raw(encoded, tf.uint8), [[0, SPARE]])
    is_jpeg = _starts(content, b"\xff\xd8\xff")
    picture = tf.cond(is_jpeg, lambda: _jpeg(encoded), lambda: _other(encoded, content))
    picture = picture if preprocessing.channels == 3 else _gray(picture)
    return _fitted(_upright(picture, orientation(content, is_jpeg)), preprocessing)


def _starts(content: tf.Tensor, with_bytes: bytes) -> tf.Tensor:
    return tf.reduce_all(content[: len(with_bytes)] == tf.constant(list(with_bytes), tf.uint8))


def _jpeg(encoded: tf.Tensor) -> tf.Tensor:
    """uint8 [H, W, 3]; the accurate transform is the one that other readers use."""
    return tf.io.decode_jpeg(encoded, channels=3, dct_method="INTEGER_ACCURATE")


def _other(encoded: tf.Tensor, content: tf.Tensor) -> tf.Tensor:
    """uint8 [H, W, 3]; transparency is laid over white. The fourth channel of a BMP is none."""
    image = tf.io.decode_image(encoded, expand_animations=False)
    image = tf.ensure_shape(image, [None, None, None])
    height, width, channels = tf.unstack(tf.shape(image))
    has_alpha = channels % 2 == 0
    colours = tf.where(has_alpha, channels - 1, channels)
    is_bmp = _starts(content, b"BM")
    colour = tf.cond(
        tf.logical_and(is_bmp, channels == 1),
        lambda: tf.gather(_palette(content), tf.cast(image[:, :, 0], tf.int32)),
        lambda: tf.broadcast_to(image[:, :, :colours], [height, width, 3]),
    )
    transparent = tf.logical_and(has_alpha, tf.logical_not(is_bmp))
    return tf.cond(transparent, lambda: _over_white(colour, image[:, :, colours:]), lambda: colour)


def _palette(content: tf.Tensor) -> tf.Tensor:
    """uint8 [256, 3] red, green and blue, after the 14 bytes of the file's header and those of the bitmap's."""
    start = 14 + number(content, 14, 4, little=True)
    return tf.reshape(content[start : start + 4 * PALETTE], [PALETTE, 4])[:, 2::-1]


def _over_white(colour: tf.Tensor, alpha: tf.Tensor) -> tf.Tensor:
    """As Pillow's ``alpha_composite`` rounds it."""
    opacity = tf.cast(alpha, tf.int32)
    blended = (tf.cast(colour, tf.int32) * opacity + 255 * (255 - opacity) + 128) * 128
    return tf.cast((blended // 256 + blended) // 256 // 128, tf.uint8)


def _gray(picture: tf.Tensor) -> tf.Tensor:
    """uint8 [H, W, 1]."""
    weighted = tf.reduce_sum(tf.cast(picture, tf.int32) * tf.constant(LUMA), axis=-1, keepdims=True)
    return tf.cast((weighted + 2**15) // 2**16, tf.uint8)


def _upright(picture: tf.Tensor, turned: tf.Tensor) -> tf.Tensor:
    """The picture as its EXIF orientation, 1 to 8, means it."""

    def among(*orientations: int) -> tf.Tensor:
        return tf.reduce_any(turned == tf.constant(orientations))

    channels = picture.shape[-1]
    for orientations, change in (
        ((5, 6, 7, 8), lambda p: tf.transpose(p, [1, 0, 2])),
        ((2, 3, 6, 7), lambda p: tf.reverse(p, [1])),
        ((3, 4, 7, 8), lambda p: tf.reverse(p, [0])),
    ):
        picture = tf.cond(among(*orientations), lambda p=picture, c=change: c(p), lambda p=picture: p)
    return tf.ensure_shape(picture, [None, None, channels])


def _fitted(picture: tf.Tensor, preprocessing: Preprocessing) -> tf.Tensor:
    """Resized, then its centre, or in a black frame: one side, rounded, then the other, in Pillow's order."""
    own = tf.shape(picture)[:2]
    resized = _resized(own, preprocessing)
    (rows, above), (columns, left) = (_resizing(own[i], resized[i], preprocessing.crop[i]) for i in (0, 1))
    planes = tf.cast(tf.transpose(picture, [2, 0, 1]), tf.float64)

    def of_height(planes: tf.Tensor) -> tf.Tensor:
        return _levels(tf.matmul(rows, planes))

    def of_width(planes: tf.Tensor) -> tf.Tensor:
        return _levels(tf.matmul(planes, columns, transpose_b=True))

    lost_height, lost_width = tf.unstack(own - resized)
    height_first = tf.logical_and(lost_height > 0, lost_height > 2 * lost_width)  # Pillow 13's rule, found by trial
    planes = tf.cond(height_first, lambda: of_width(of_height(planes)), lambda: of_height(of_width(planes)))
    fitted = tf.cast(tf.transpose(planes, [1, 2, 0]), tf.uint8)
    (height, width), (kept_height, kept_width) = preprocessing.crop, (tf.shape(rows)[0], tf.shape(columns)[0])
    frame = [[above, height - above - kept_height], [left, width - left - kept_width], [0, 0]]
    return tf.ensure_shape(tf.pad(fitted, frame), preprocessing.image_shape)


def _levels(sums: tf.Tensor) -> tf.Tensor:
    """Sums of levels weighted in units of 2^-22, rounded: whole numbers below 2^53, so that no order matters."""
    return tf.clip_by_value(tf.floor((sums + ONE / 2) / ONE), 0.0, 255.0)


def _resized(size: tf.Tensor, preprocessing: Preprocessing) -> tf.Tensor:
    """int32 (height, width) after resizing; :meth:`Preprocessing.resized` in the graph."""
    if not isinstance(preprocessing.resize, int):
        return tf.constant(preprocessing.resize)
    if preprocessing.fit == "crop":
        return preprocessing.resize * size // tf.reduce_min(size)
    sides = tf.cast(size, tf.float64)
    return tf.maximum(1, tf.cast(tf.round(sides / tf.reduce_max(sides) * preprocessing.resize), tf.int32))


def _resizing(given: tf.Tensor, resized: tf.Tensor, crop: int) -> tuple[tf.Tensor, tf.Tensor]:
    """One side: float64 weights [kept, given] of the kept part of ``resized``, and how many of ``crop`` come before."""
    first = tf.cast(tf.round(tf.cast(resized - crop, tf.float64) / 2), tf.int32)
    kept = tf.range(tf.maximum(first, 0), tf.minimum(first + crop, resized))
    scale = tf.cast(given, tf.float64) / tf.cast(resized, tf.float64)
    centres = (tf.cast(kept, tf.float64) + 0.5) * scale
    distances = tf.cast(tf.range(given), tf.float64) - centres[:, tf.newaxis] + 0.5
    weights = tf.nn.relu(1.0 - tf.abs(distances * (1.0 / tf.maximum(scale, 1.0))))
    weights /= tf.reduce_sum(weights, axis=1, keepdims=True)
    return tf.floor(weights * ONE + 0.5), tf.maximum(-first, 0)
