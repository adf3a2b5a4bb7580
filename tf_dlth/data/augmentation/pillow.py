"""The operations by Pillow itself, image by image: for pictures so large that its loops beat TensorFlow's.

The results are the same to the bit, so only time decides which way is taken.
"""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import tensorflow as tf
from PIL import Image, ImageEnhance, ImageOps

from tf_dlth.data.augmentation.cutout import corners
from tf_dlth.data.augmentation.layout import image_shape
from tf_dlth.data.augmentation.operation import Operation
from tf_dlth.data.augmentation.plans import Plan

Picture = Image.Image
Matrix = tuple[float, float, float, float, float, float]
Change = Callable[[Picture, float], Picture]


def augment_by_pillow(images: tf.Tensor, seeds: tf.Tensor, plan: Plan | None, cutout: int) -> tf.Tensor:
    """uint8 [N, H, W, C], static H, W and C, after the plan, and then cutout with a square of ``cutout`` pixels.

    ``seeds`` int32 [N, 2] are the examples' pairs, from which the square's place is drawn.
    """
    height, width, _ = image_shape(images)
    count = tf.shape(images)[0]
    first = corners(seeds, cutout, height, width) if cutout else tf.zeros([count, 2], tf.int32)
    no_steps = tf.zeros([count, 0], tf.int32), tf.zeros([count, 0], tf.float64)
    operations, values = (plan.operations, plan.values) if plan else no_steps
    fill = plan.fill if plan else 0

    def augmented(batch: np.ndarray, *drawn: np.ndarray) -> np.ndarray:
        result = np.array(batch)
        for image, steps, levels, corner in zip(result, *drawn, strict=True):
            if len(steps):
                image[:] = _applied(image, steps, levels, fill)
            if cutout:
                _cover(image, corner, cutout)
        return result

    changed = tf.numpy_function(augmented, (images, operations, values, first), tf.uint8, stateful=False)
    return tf.ensure_shape(changed, images.shape)


def _cover(image: np.ndarray, first: np.ndarray, side: int) -> None:
    """As :func:`tf_dlth.data.augmentation.cutout.cut_out`, in place."""
    (top, left), (bottom, right) = np.maximum(first, 0), np.maximum(first + side, 0)
    image[top:bottom, left:right] = image.sum(dtype=np.int64) // image.size


def _applied(image: np.ndarray, operations: np.ndarray, values: np.ndarray, fill: int) -> np.ndarray:
    picture = Image.fromarray(image[..., 0] if image.shape[-1] == 1 else image)
    for operation, value in zip(operations.tolist(), values.tolist(), strict=True):
        picture = _changed(picture, Operation(operation), value, fill)
    return np.asarray(picture).reshape(image.shape)


def _changed(picture: Picture, operation: Operation, value: float, fill: int) -> Picture:
    if operation in _IN_PLACE:
        return _IN_PLACE[operation](picture, value)
    colour = (fill,) * len(picture.getbands())
    if operation == Operation.ROTATE:
        return picture.rotate(value, fillcolor=colour)
    bicubic = operation in (Operation.SHEAR_X_BICUBIC, Operation.SHEAR_Y_BICUBIC)
    resample = Image.Resampling.BICUBIC if bicubic else Image.Resampling.NEAREST
    matrix = _matrix(operation, value, *picture.size)
    return picture.transform(picture.size, Image.Transform.AFFINE, matrix, resample, fillcolor=colour)


def _matrix(operation: Operation, value: float, width: int, height: int) -> Matrix:
    match operation:
        case Operation.SHEAR_X | Operation.SHEAR_X_BICUBIC:
            return (1, value, 0, 0, 1, 0)
        case Operation.SHEAR_Y | Operation.SHEAR_Y_BICUBIC:
            return (1, 0, 0, value, 1, 0)
        case Operation.TRANSLATE_X:
            return (1, 0, value * width, 0, 1, 0)
        case _:
            return (1, 0, 0, 0, 1, value * height)


def _hue(picture: Picture, shift: float) -> Picture:
    if picture.mode == "L":
        return picture
    hue, saturation, value = picture.convert("HSV").split()
    turned = (np.asarray(hue).astype(np.int32) + int(shift * 255)) & 255
    return Image.merge("HSV", (Image.fromarray(turned.astype(np.uint8)), saturation, value)).convert("RGB")


_IN_PLACE: dict[Operation, Change] = {
    Operation.IDENTITY: lambda picture, value: picture,
    Operation.INVERT: lambda picture, value: ImageOps.invert(picture),
    Operation.SOLARIZE: lambda picture, value: ImageOps.solarize(picture, value),  # type: ignore[arg-type]
    Operation.POSTERIZE: lambda picture, value: ImageOps.posterize(picture, int(value)),
    Operation.AUTOCONTRAST: lambda picture, value: ImageOps.autocontrast(picture),
    Operation.EQUALIZE: lambda picture, value: ImageOps.equalize(picture),
    Operation.BRIGHTNESS: lambda picture, value: ImageEnhance.Brightness(picture).enhance(value),
    Operation.CONTRAST: lambda picture, value: ImageEnhance.Contrast(picture).enhance(value),
    Operation.COLOR: lambda picture, value: ImageEnhance.Color(picture).enhance(value),
    Operation.SHARPNESS: lambda picture, value: ImageEnhance.Sharpness(picture).enhance(value),
    Operation.HUE: _hue,
}
