"""Each function by itself; over all images and values they are tested through the operations that call them."""

from __future__ import annotations

import numpy as np
import pytest
import tensorflow as tf
from PIL import Image, ImageEnhance, ImageFilter, ImageOps

from tf_dlth.data.augmentation import pointwise
from tf_dlth.data.augmentation.operation import Operation

LEVELS = np.arange(256, dtype=np.uint8).reshape(1, 16, 16, 1)


def of_each(images: np.ndarray, function: object, *values: np.ndarray) -> np.ndarray:
    """Pillow's result image by image."""
    assert callable(function)
    return np.stack([np.asarray(function(Image.fromarray(x), *v)) for x, *v in zip(images, *values, strict=True)])


@pytest.mark.parametrize("threshold", [0, 1, 100, 100.5, 255, 255.5, 256])
@pytest.mark.parametrize("bits", [1, 4, 8])
def test_inverting_from_a_threshold_and_keeping_the_highest_bits(threshold: float, bits: int) -> None:
    found = pointwise.flip_and_mask(tf.constant(LEVELS), tf.constant([threshold], tf.float64), tf.constant([bits]))
    level = np.arange(256)
    inverted = np.where(level >= threshold, 255 - level, level)
    np.testing.assert_array_equal(np.ravel(found), inverted // 2 ** (8 - bits) * 2 ** (8 - bits))


def test_autocontrast_equals_pillow_for_every_darkest_and_lightest_level(pillow) -> None:
    """All 32,896 pairs, each with all levels between them."""
    low, high = np.triu_indices(256)
    images = np.clip(np.arange(256), low[:, None], high[:, None]).astype(np.uint8).reshape(-1, 1, 256, 1)
    ours = pointwise.autocontrast(tf.constant(images)).numpy()
    theirs = np.stack([pillow(image, Operation.AUTOCONTRAST, 0, 0) for image in images])
    np.testing.assert_array_equal(ours, theirs)


def test_equalizing_is_pillows(noise: np.ndarray) -> None:
    dark = noise // 5 + 40
    np.testing.assert_array_equal(pointwise.equalize(tf.constant(dark)), of_each(dark, ImageOps.equalize))


def test_blends_are_pillows_enhancers(noise: np.ndarray) -> None:
    factors = np.linspace(0, 2, len(noise)).astype(np.float32)
    no, yes = (np.full(len(noise), answer) for answer in (False, True))
    found = {
        ImageEnhance.Brightness: pointwise.brightness_or_contrast(*map(tf.constant, (noise, factors, no))),
        ImageEnhance.Contrast: pointwise.brightness_or_contrast(*map(tf.constant, (noise, factors, yes))),
        ImageEnhance.Color: pointwise.color(*map(tf.constant, (noise, factors))),
        ImageEnhance.Sharpness: pointwise.sharpness(*map(tf.constant, (noise, factors))),
    }
    for enhancer, images in found.items():
        expected = of_each(noise, lambda x, v, enhancer=enhancer: enhancer(x).enhance(float(v)), factors)
        np.testing.assert_array_equal(images, expected, err_msg=enhancer.__name__)


def test_factor_0_of_sharpness_is_the_smoothed_picture(noise: np.ndarray) -> None:
    found = pointwise.sharpness(tf.constant(noise), tf.zeros(len(noise)))
    np.testing.assert_array_equal(found, of_each(noise, lambda x: x.filter(ImageFilter.SMOOTH)))


def test_gray_pictures_have_neither_colour_nor_hue(noise: np.ndarray) -> None:
    gray = tf.constant(noise[..., :1])
    values = tf.fill([len(noise)], 0.3)
    np.testing.assert_array_equal(pointwise.color(gray, values), gray)
    np.testing.assert_array_equal(pointwise.hue(gray, values), gray)


def test_a_third_of_the_circle_turns_red_to_green_and_green_to_blue() -> None:
    colours = np.array([[[255, 0, 0], [0, 255, 0]]], np.uint8)[np.newaxis]
    turned = pointwise.hue(tf.constant(colours), tf.constant([1 / 3], tf.float64))
    np.testing.assert_array_equal(np.squeeze(turned), [[0, 255, 0], [0, 0, 255]])
