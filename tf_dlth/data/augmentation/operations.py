"""Applying a plan: every slot sorts the batch into families of operations, so that each runs on its own images only."""

from __future__ import annotations

from collections.abc import Callable, Collection
from typing import NamedTuple

import numpy as np
import tensorflow as tf

from tf_dlth.data.augmentation import geometry, pointwise
from tf_dlth.data.augmentation.layout import image_shape
from tf_dlth.data.augmentation.operation import Operation
from tf_dlth.data.augmentation.plans import Plan


class Group(NamedTuple):
    """The images uint8 [N, H, W, C] of one family, with the operation int32 [N] and value float64 [N] of each."""

    images: tf.Tensor
    operations: tf.Tensor
    values: tf.Tensor
    fill: int

    def does(self, operation: Operation) -> tf.Tensor:
        """Bool [N]."""
        return tf.equal(self.operations, int(operation))


def apply_plan(images: tf.Tensor, plan: Plan) -> tf.Tensor:
    """Images uint8 [N, H, W, C] after all slots of the plan."""
    for slot, choices in enumerate(plan.choices):
        images = apply_slot(images, plan.operations[:, slot], plan.values[:, slot], choices=choices, fill=plan.fill)
    return images


def apply_slot(
    images: tf.Tensor,
    operations: tf.Tensor,
    values: tf.Tensor,
    *,
    choices: Collection[Operation],
    fill: int,
) -> tf.Tensor:
    """uint8 [N, H, W, C] after one operation an image, int32 [N], with its value, float64 [N].

    ``choices`` must hold all that occur, apart from the identity.
    """
    families = [family for family in _FAMILIES if not set(choices).isdisjoint(family.operations)]
    count = len(families) + 1
    number = tf.gather(tf.constant(_family_numbers(families)), operations)
    parts = zip(*(tf.dynamic_partition(x, number, count) for x in (images, operations, values)), strict=True)
    groups = [Group(image, operation, value, fill) for image, operation, value in parts]
    done = [groups[0].images]
    done += [family.apply(group) for family, group in zip(families, groups[1:], strict=True)]
    places = tf.dynamic_partition(tf.range(tf.shape(images)[0]), number, count)
    return tf.reshape(tf.dynamic_stitch(places, done), tf.shape(images))


class _Family(NamedTuple):
    operations: tuple[Operation, ...]
    apply: Callable[[Group], tf.Tensor]


def _family_numbers(families: list[_Family]) -> np.ndarray:
    """Int32 [operations]: the family's place from 1 on, 0 for the identity."""
    numbers = np.zeros(len(Operation), np.int32)
    for number, family in enumerate(families, start=1):
        numbers[list(family.operations)] = number
    return numbers


def _flip_and_mask(group: Group) -> tf.Tensor:
    threshold = tf.where(group.does(Operation.INVERT), tf.constant(0.0, tf.float64), group.values)
    threshold = tf.where(group.does(Operation.POSTERIZE), tf.constant(256.0, tf.float64), threshold)
    bits = tf.where(group.does(Operation.POSTERIZE), group.values, tf.constant(8.0, tf.float64))
    return pointwise.flip_and_mask(group.images, threshold, bits)


def _brightness_or_contrast(group: Group) -> tf.Tensor:
    return pointwise.brightness_or_contrast(group.images, group.values, group.does(Operation.CONTRAST))


def _affine(group: Group) -> tf.Tensor:
    height, width, _ = image_shape(group.images)
    degrees = _value_of(group, Operation.ROTATE)
    # A rotation by 0 is the unit matrix; the other operations each add one entry of their own.
    entries = tf.stack(
        [
            tf.zeros_like(group.values),
            _value_of(group, Operation.SHEAR_X),
            _value_of(group, Operation.TRANSLATE_X) * width,
            _value_of(group, Operation.SHEAR_Y),
            tf.zeros_like(group.values),
            _value_of(group, Operation.TRANSLATE_Y) * height,
        ],
        axis=1,
    )
    return geometry.affine(group.images, geometry.rotation(degrees, height, width) + entries, group.fill)


def _value_of(group: Group, operation: Operation) -> tf.Tensor:
    return group.values * tf.cast(group.does(operation), tf.float64)


_FAMILIES = (
    _Family((Operation.INVERT, Operation.SOLARIZE, Operation.POSTERIZE), _flip_and_mask),
    _Family((Operation.AUTOCONTRAST,), lambda group: pointwise.autocontrast(group.images)),
    _Family((Operation.EQUALIZE,), lambda group: pointwise.equalize(group.images)),
    _Family((Operation.BRIGHTNESS, Operation.CONTRAST), _brightness_or_contrast),
    _Family((Operation.COLOR,), lambda group: pointwise.color(group.images, group.values)),
    _Family((Operation.SHARPNESS,), lambda group: pointwise.sharpness(group.images, group.values)),
    _Family((Operation.HUE,), lambda group: pointwise.hue(group.images, group.values)),
    _Family(
        (
            Operation.ROTATE,
            Operation.SHEAR_X,
            Operation.SHEAR_Y,
            Operation.TRANSLATE_X,
            Operation.TRANSLATE_Y,
        ),
        _affine,
    ),
    _Family(
        (Operation.SHEAR_X_BICUBIC,),
        lambda group: geometry.shear_x_bicubic(group.images, group.values, group.fill),
    ),
    _Family(
        (Operation.SHEAR_Y_BICUBIC,),
        lambda group: geometry.shear_y_bicubic(group.images, group.values, group.fill),
    ),
)
