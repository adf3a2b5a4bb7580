"""Operations that keep every pixel in its place, equal to Pillow's on uint8 images [N, H, W, C], C = 1 or 3.

Parameters are one an image, float [N]; every function gives uint8 [N, H, W, C].
"""

from __future__ import annotations

import numpy as np
import tensorflow as tf

from tf_dlth.data.augmentation.layout import image_shape, rows

LUMA = (19595, 38470, 7471)
"""Of red, green and blue in units of 2^-16 (ITU-R 601, as Pillow rounds them)."""
_LUMA_HALF = 0x8000
_LUMA_UNIT = 2.0**-16
_SMOOTH_DIVISOR = 13
_HUE_UNIT = 85


def flip_and_mask(images: tf.Tensor, threshold: tf.Tensor, bits: tf.Tensor) -> tf.Tensor:
    """Inverts levels from ``threshold`` (0..256) on, then keeps the ``bits`` (1..8) highest bits.

    Threshold 0 is invert, 256 leaves the levels alone.
    """
    # 255 - x is x ^ 255; 256 does not fit a uint8, so a picture without inversion flips no bits instead.
    inverted = tf.cast(threshold <= 255.0, tf.uint8) * 255
    start = tf.cast(tf.minimum(tf.math.ceil(threshold), 255.0), tf.uint8)
    mask = tf.bitwise.left_shift(tf.constant(255, tf.uint8), tf.cast(8 - bits, tf.uint8))
    pixels = rows(images)
    flips = tf.cast(pixels >= start[:, tf.newaxis], tf.uint8) * inverted[:, tf.newaxis]
    kept = tf.bitwise.bitwise_and(tf.bitwise.bitwise_xor(pixels, flips), mask[:, tf.newaxis])
    return tf.reshape(kept, tf.shape(images))


def autocontrast(images: tf.Tensor) -> tf.Tensor:
    """Stretches each channel so that its darkest level becomes 0 and its lightest 255."""
    height, width, channels = image_shape(images)
    planes = tf.reshape(images, [-1, height * width, channels])
    low = tf.cast(tf.reduce_min(planes, axis=1), tf.float64)
    reach = tf.cast(tf.reduce_max(planes, axis=1), tf.float64) - low
    scale = tf.where(reach > 0, 255.0 / tf.maximum(reach, 1.0), 1.0)
    offset = tf.where(reach > 0, -low * scale, 0.0)
    # Pillow's table is int(level * scale + offset) in double precision; single precision misses whole numbers.
    repeat = [1, height * width]
    stretched = tf.cast(rows(images), tf.float64) * tf.tile(scale, repeat) + tf.tile(offset, repeat)
    return tf.reshape(tf.cast(stretched, tf.uint8), tf.shape(images))


def equalize(images: tf.Tensor) -> tf.Tensor:
    """Makes each channel's histogram as even as its levels allow."""
    height, width, channels = image_shape(images)
    count = tf.shape(images)[0]
    channel = np.tile(np.arange(channels, dtype=np.int32) * 256, height * width)
    first = tf.range(count) * (channels * 256)
    address = tf.cast(rows(images), tf.int32) + first[:, tf.newaxis] + tf.constant(channel[None])
    histogram = tf.raw_ops.DenseBincount(
        input=tf.reshape(address, [-1]), size=count * channels * 256, weights=tf.constant([], tf.int32)
    )
    table = tf.reshape(_equalizing_tables(tf.reshape(histogram, [-1, 256])), [-1])
    # gather_nd does what gather does, a third faster on the CPU for slices of one to three bytes.
    return tf.reshape(tf.gather_nd(table, tf.expand_dims(address, -1)), tf.shape(images))


def brightness_or_contrast(images: tf.Tensor, factor: tf.Tensor, is_contrast: tf.Tensor) -> tf.Tensor:
    """Blends with black, or with the picture's mean gray where ``is_contrast`` is true."""
    level = _mean_gray(images) * tf.cast(is_contrast, tf.float32)
    return _blend(images, level[:, tf.newaxis], factor)


def color(images: tf.Tensor, factor: tf.Tensor) -> tf.Tensor:
    """Blends with the gray picture; factor 0 is the gray picture itself."""
    height, width, channels = image_shape(images)
    if channels == 1:
        return images
    # The gray value on all three channels in one product. Every partial sum is a whole number below 2**24.
    weights = tf.constant([[weight] * 3 for weight in LUMA], tf.float32)
    total = tf.matmul(tf.reshape(tf.cast(images, tf.float32), [-1, 3]), weights)
    return _blend(images, tf.reshape(_luma(total), [-1, height * width * 3]), factor)


def sharpness(images: tf.Tensor, factor: tf.Tensor) -> tf.Tensor:
    """Blends with the smoothed picture."""
    return _blend(images, _smooth(images), factor)


def hue(images: tf.Tensor, shift: tf.Tensor) -> tf.Tensor:
    """Turns the hue by ``shift`` of the full circle through Pillow's 8-bit HSV, which is lossy even for 0."""
    if images.shape[-1] == 1:
        return images
    hue_level, saturation, value = _to_hsv(images)
    steps = tf.cast(tf.cast(shift, tf.float64) * 255.0, tf.int32)
    turned = tf.bitwise.bitwise_and(hue_level + steps[:, tf.newaxis, tf.newaxis], 255)
    return _from_hsv(turned, saturation, value)


def _blend(images: tf.Tensor, degenerate: tf.Tensor, factor: tf.Tensor) -> tf.Tensor:
    """``degenerate + factor * (image - degenerate)`` in single precision, clipped, then cut to whole levels."""
    step = tf.cast(factor, tf.float32)[:, tf.newaxis] * (tf.cast(rows(images), tf.float32) - degenerate)
    return tf.reshape(tf.cast(tf.clip_by_value(degenerate + step, 0.0, 255.0), tf.uint8), tf.shape(images))


def _luma(weighted_sum: tf.Tensor) -> tf.Tensor:
    return tf.floor((weighted_sum + _LUMA_HALF) * _LUMA_UNIT)


def _mean_gray(images: tf.Tensor) -> tf.Tensor:
    """The rounded mean (float32 [N]) of the gray picture."""
    pixels = tf.cast(images, tf.float32)
    if images.shape[-1] == 3:
        channels = tf.unstack(pixels, axis=-1)
        pixels = _luma(tf.add_n([weight * channel for weight, channel in zip(LUMA, channels, strict=True)]))
    height, width, _ = image_shape(images)
    total = tf.reduce_sum(tf.cast(tf.reshape(pixels, [-1, height * width]), tf.int32), axis=1)
    return tf.cast(tf.floor(tf.cast(total, tf.float64) / (height * width) + 0.5), tf.float32)


def _smooth(images: tf.Tensor) -> tf.Tensor:
    """The 3 x 3 mean with weight 5 in the middle, rounded; the outermost pixels stay (float32 [N, H * W * C])."""
    height, width, channels = image_shape(images)
    lines = tf.reshape(tf.cast(images, tf.float32), [-1, height, width * channels])
    across = lines[:, :, : -2 * channels] + lines[:, :, channels:-channels] + lines[:, :, 2 * channels :]
    box = across[:, :-2] + across[:, 1:-1] + across[:, 2:]
    inner = lines[:, 1:-1, channels:-channels]
    # Thirteenths plus a half are never nearer than 1/26 to a whole number: single precision cannot go wrong.
    mean = tf.floor((box + 4.0 * inner) / _SMOOTH_DIVISOR + 0.5)
    smooth = lines + tf.pad(mean - inner, [[0, 0], [1, 1], [channels, channels]])
    return tf.reshape(smooth, [-1, height * width * channels])


def _equalizing_tables(histogram: tf.Tensor) -> tf.Tensor:
    """Uint8 look-up tables [M, 256] from histograms int32 [M, 256]."""
    below = tf.cumsum(histogram, axis=1, exclusive=True)
    before_last = tf.reduce_max(below * tf.cast(histogram > 0, tf.int32), axis=1, keepdims=True)
    step = before_last // 255
    table = tf.minimum((step // 2 + below) // tf.maximum(step, 1), 255)
    return tf.cast(tf.where(step > 0, table, tf.range(256)[tf.newaxis]), tf.uint8)


def _to_hsv(images: tf.Tensor) -> tuple[tf.Tensor, tf.Tensor, tf.Tensor]:
    """Hue (int32), saturation and value (float32), [N, H, W] each in 0..255, with Pillow's roundings.

    Pillow divides in single precision and multiplies by 255 in double; both matter where it then truncates.
    """
    red, green, blue = tf.unstack(tf.cast(images, tf.float32), axis=-1)
    high = tf.maximum(red, tf.maximum(green, blue))
    reach = high - tf.minimum(red, tf.minimum(green, blue))
    away = [(high - channel) / tf.maximum(reach, 1.0) for channel in (red, green, blue)]
    is_red = tf.equal(red, high)
    is_green = tf.equal(green, high)
    sector = tf.where(is_red, 0.0, tf.where(is_green, 2.0, 4.0))
    plus = tf.where(is_red, away[2], tf.where(is_green, away[0], away[1]))
    minus = tf.where(is_red, away[1], tf.where(is_green, away[2], away[0]))
    sixths = _single(tf.cast(sector, tf.float64) + tf.cast(plus, tf.float64) - tf.cast(minus, tf.float64))
    turns = sixths / 6.0 + 1.0
    level = tf.cast(_single(turns - tf.floor(turns)) * 255.0, tf.int32)
    saturation = tf.floor(tf.cast(reach / tf.maximum(high, 1.0), tf.float64) * 255.0)
    return level, tf.cast(saturation, tf.float32), high


def _single(values: tf.Tensor) -> tf.Tensor:
    """Float64 rounded to single precision."""
    return tf.cast(tf.cast(values, tf.float32), tf.float64)


def _from_hsv(hue_level: tf.Tensor, saturation: tf.Tensor, value: tf.Tensor) -> tf.Tensor:
    """Uint8 images from hue (int32), saturation and value (float32) in 0..255.

    Every channel is ``round(v - v * s * k / (255 * 85))`` with a whole k that depends on the hue alone. The
    numerator stays below 2**23, and the fraction is never a half (even against odd), so single precision is exact.
    """
    weights = tf.gather_nd(tf.constant(_hue_weights()), tf.expand_dims(hue_level, -1))
    product = tf.expand_dims(saturation * value, -1) * weights
    unit = 255.0 * _HUE_UNIT
    return tf.cast(tf.expand_dims(value, -1) - tf.floor((product + unit / 2) / unit), tf.uint8)


def _hue_weights() -> np.ndarray:
    """Float32 [256, 3]: how far, in 85ths of the saturation, each hue pulls red, green and blue down."""
    sector, rest = np.divmod(2 * np.arange(256), _HUE_UNIT)
    none, full, falling, rising = np.zeros_like(rest), np.full_like(rest, _HUE_UNIT), rest, _HUE_UNIT - rest
    channels = (
        (none, rising, full),
        (falling, none, full),
        (full, none, rising),
        (full, falling, none),
        (rising, full, none),
        (none, full, falling),
    )
    cases = np.array(channels, np.float32)
    return np.ascontiguousarray(cases[sector % 6, :, np.arange(256)])
