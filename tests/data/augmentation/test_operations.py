"""Every operation over its whole range against Pillow, bit for bit."""

from __future__ import annotations

import numpy as np
import pytest
import tensorflow as tf

from tf_dlth.data.augmentation.operation import Operation
from tf_dlth.data.augmentation.operations import apply_slot

FACTORS = [*np.linspace(0.05, 0.95, 10), *(1 + i / 10 for i in range(-9, 10)), 0.6, 0.0, 1.0, 1.4, 3.0]
ANGLES = [*(i * 10 / 3 for i in range(-9, 10)), *np.linspace(-30, 30, 23), 1e-4]
SHEARS = [*(i / 30 for i in range(-9, 10)), *np.linspace(-0.1, 0.1, 11)]
SHIFTS = [*(i * 150 / 331 / 9 for i in range(-9, 10)), *np.linspace(-0.1, 0.1, 11), 1 / 64, -1 / 64]
RANGES: dict[Operation, list[float]] = {
    Operation.IDENTITY: [0.0],
    Operation.INVERT: [0.0, 7.0],
    Operation.SOLARIZE: [*np.linspace(256, 0, 10), *range(0, 257, 16), 0.5, 1.0, 128.2, 254.5, 255.0, 255.5],
    Operation.POSTERIZE: [1.0, 2.0, 3.0, 4.0, 5.0, 6.0, 7.0, 8.0],
    Operation.AUTOCONTRAST: [0.0],
    Operation.EQUALIZE: [0.0],
    Operation.BRIGHTNESS: FACTORS,
    Operation.CONTRAST: FACTORS,
    Operation.COLOR: FACTORS,
    Operation.SHARPNESS: FACTORS,
    Operation.HUE: [*np.linspace(-0.1, 0.1, 21), -0.5, 0.5],
    Operation.ROTATE: ANGLES,
    Operation.SHEAR_X: SHEARS,
    Operation.SHEAR_Y: SHEARS,
    Operation.TRANSLATE_X: SHIFTS,
    Operation.TRANSLATE_Y: SHIFTS,
    Operation.SHEAR_X_BICUBIC: SHEARS,
    Operation.SHEAR_Y_BICUBIC: SHEARS,
}


@tf.function
def _apply(images: tf.Tensor, operations: tf.Tensor, values: tf.Tensor, fill: int) -> tf.Tensor:
    return apply_slot(images, operations, values, choices=tuple(Operation), fill=fill)


def test_every_operation_has_a_range() -> None:
    assert set(RANGES) == set(Operation)


@pytest.mark.parametrize("fill", [0, 128])
def test_equals_pillow(images: np.ndarray, pillow, fill: int) -> None:
    for operation, values in RANGES.items():
        number = np.arange(48)  # one shape for all, so one trace
        assert len(values) <= len(number)
        picked, value = images[number % len(images)], np.array(values, np.float64)[number % len(values)]
        ours = _apply(tf.constant(picked), tf.fill([len(number)], int(operation)), tf.constant(value), fill).numpy()
        theirs = np.stack([pillow(x, operation, v, fill) for x, v in zip(picked, value, strict=True)])
        np.testing.assert_array_equal(ours, theirs, err_msg=operation.name)


def _random_values(operation: Operation, count: int) -> np.ndarray:
    low, high = min(RANGES[operation]), max(RANGES[operation])
    values = np.random.default_rng(int(operation)).uniform(low, high, count)
    return np.round(values) if operation == Operation.POSTERIZE else values


@pytest.mark.slow
@pytest.mark.parametrize("operation", list(Operation))
def test_equals_pillow_at_random_values(images: np.ndarray, pillow, operation: Operation) -> None:
    """1,920 images of each kind, each with a value of its own."""
    picked = images[np.arange(48) % len(images)]
    for values in _random_values(operation, 1920).reshape(-1, 48):
        ours = _apply(tf.constant(picked), tf.fill([48], int(operation)), tf.constant(values), 128).numpy()
        theirs = np.stack([pillow(x, operation, v, 128) for x, v in zip(picked, values, strict=True)])
        np.testing.assert_array_equal(ours, theirs)


@pytest.mark.slow
@pytest.mark.parametrize(("operation", "value"), [(Operation.HUE, 0.07), (Operation.COLOR, 0.0)])
def test_equals_pillow_for_every_colour(pillow, operation: Operation, value: float) -> None:
    """All 2**24 colours; the turn of the hue is an addition in between, so one turn is enough."""
    for red in range(256):
        image = np.stack(np.meshgrid([red], np.arange(256), np.arange(256), indexing="ij"), axis=-1).astype(np.uint8)
        ours = _apply(tf.constant(image), tf.fill([1], int(operation)), tf.fill([1], np.float64(value)), 0)
        np.testing.assert_array_equal(ours[0], pillow(image[0], operation, value, 0))
