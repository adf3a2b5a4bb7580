"""A page that shows what the augmentations do: one line a strength or operation, one column an image."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
import tensorflow as tf
from PIL import Image, ImageDraw

from tf_dlth.data.augmentation.batch import augment_batch
from tf_dlth.data.augmentation.operation import Operation
from tf_dlth.data.augmentation.operations import apply_slot
from tf_dlth.data.augmentation.policies import AUTO_FILL, Policy, Strength

IMAGES = 8
_LARGEST_CUTOUT = 16
_SMALLEST_TILE = 96
_GAP = 4
_LABEL_WIDTH = 190

_LINES: tuple[tuple[str, Strength, Policy, bool], ...] = (
    ("contrast", "contrast", "cifar10", False),
    ("auto, cutout", "auto", "cifar10", True),
    ("auto (imagenet), cutout", "auto", "imagenet", True),
    ("rand, cutout", "rand", "cifar10", True),
    ("cutout alone", "basic", "cifar10", True),
)
_SHOWN: tuple[tuple[Operation, float | None], ...] = (
    (Operation.INVERT, None),
    (Operation.SOLARIZE, 128.0),
    (Operation.POSTERIZE, 4.0),
    (Operation.AUTOCONTRAST, None),
    (Operation.EQUALIZE, None),
    (Operation.BRIGHTNESS, 0.4),
    (Operation.BRIGHTNESS, 1.6),
    (Operation.CONTRAST, 0.4),
    (Operation.CONTRAST, 1.6),
    (Operation.COLOR, 0.0),
    (Operation.COLOR, 1.9),
    (Operation.SHARPNESS, 0.1),
    (Operation.SHARPNESS, 1.9),
    (Operation.HUE, -0.1),
    (Operation.HUE, 0.1),
    (Operation.ROTATE, 30.0),
    (Operation.SHEAR_X, 0.1),
    (Operation.SHEAR_Y, 0.1),
    (Operation.TRANSLATE_X, 0.1),
    (Operation.TRANSLATE_Y, 150 / 331),
    (Operation.SHEAR_X_BICUBIC, 0.3),
    (Operation.SHEAR_Y_BICUBIC, -0.3),
)


def draw_page(images: np.ndarray, seed: int) -> Image.Image:
    """All strengths twice (other seeds), then every operation, on uint8 images [N, H, W, C]."""
    lines = [("original", images), *_strength_lines(images, seed), *_operation_lines(images)]
    tile = _enlarged(images[:1])[0].shape
    height, width = tile[0] + _GAP, tile[1] + _GAP
    page = Image.new("RGB", (_LABEL_WIDTH + width * len(images), height * len(lines)), "white")
    pen = ImageDraw.Draw(page)
    for row, (label, changed) in enumerate(lines):
        pen.text((_GAP, row * height + tile[0] // 2 - 8), label, fill="black", font_size=14)
        for column, enlarged in enumerate(_enlarged(changed)):
            page.paste(Image.fromarray(enlarged), (_LABEL_WIDTH + column * width, row * height))
    return page


def _strength_lines(images: np.ndarray, seed: int) -> Iterator[tuple[str, np.ndarray]]:
    cutout = min(_LARGEST_CUTOUT, min(images.shape[1:3]) // 2)
    for label, strength, policy, has_cutout in _LINES:
        for draw in range(2):
            seeds = tf.stack([tf.range(len(images)), tf.fill([len(images)], 2 * seed + draw)], axis=1)
            changed = augment_batch(tf.constant(images), seeds, strength, policy, cutout if has_cutout else 0)
            yield label, changed.numpy()


def _operation_lines(images: np.ndarray) -> Iterator[tuple[str, np.ndarray]]:
    for operation, value in _SHOWN:
        operations = tf.fill([len(images)], int(operation))
        values = tf.fill([len(images)], tf.constant(value or 0.0, tf.float64))
        changed = apply_slot(tf.constant(images), operations, values, choices=[operation], fill=AUTO_FILL)
        name = operation.name.lower().replace("_", " ")
        yield name if value is None else f"{name} {value:.3g}", changed.numpy()


def _enlarged(images: np.ndarray) -> np.ndarray:
    """RGB images with every pixel repeated until the shorter side is large enough to look at."""
    times = -(-_SMALLEST_TILE // min(images.shape[1:3]))
    colour = np.broadcast_to(images, (*images.shape[:3], 3))
    return colour.repeat(times, axis=1).repeat(times, axis=2)
