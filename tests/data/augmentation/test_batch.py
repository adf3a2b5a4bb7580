"""The whole of ``augment_batch``: order of steps, replay, gray and odd shapes, Pillow end to end."""

from __future__ import annotations

from typing import get_args

import numpy as np
import pytest
import tensorflow as tf
from PIL import Image, ImageEnhance

from tf_dlth.data.augmentation import Strength, augment_batch
from tf_dlth.data.augmentation.cutout import cut_out
from tf_dlth.data.augmentation.operation import Operation
from tf_dlth.data.augmentation.plans import draw_plan

STRENGTHS = get_args(Strength)
STRONG = ["contrast", "auto", "rand"]


def seeds(count: int, run: int = 0) -> np.ndarray:
    return np.random.default_rng(run).integers(-(2**31), 2**31, (count, 2)).astype(np.int32)


@pytest.mark.parametrize(
    ("strength", "policy"),
    [("contrast", "cifar10"), ("auto", "cifar10"), ("auto", "imagenet"), ("rand", "cifar10")],
)
def test_equals_the_plan_carried_out_by_pillow(images, pillow, strength, policy) -> None:
    batch = np.concatenate([images] * 4)
    pairs = seeds(len(batch))
    plan = draw_plan(tf.constant(pairs), strength, policy)
    assert plan is not None
    expected = []
    for image, operations, values in zip(batch, plan.operations.numpy(), plan.values.numpy(), strict=True):
        for operation, value in zip(operations, values, strict=True):
            image = pillow(image, Operation(operation), float(value), plan.fill)
        expected.append(image)
    ours = augment_batch(tf.constant(batch), tf.constant(pairs), strength, policy, 0)
    assert ours.dtype == tf.uint8
    np.testing.assert_array_equal(ours, np.stack(expected))


def color_jitter(image: np.ndarray, order: list[str], factors: dict[str, float], gray: bool) -> np.ndarray:
    """Torchvision's ColorJitter and RandomGrayscale on a Pillow image, given what they drew."""
    picture = Image.fromarray(image)
    for name in order:
        if name == "hue":
            hue, saturation, value = picture.convert("HSV").split()
            levels = np.array(hue, dtype=np.uint8)
            levels += np.array(factors["hue"] * 255).astype(np.int32).astype(np.uint8)
            picture = Image.merge("HSV", (Image.fromarray(levels), saturation, value)).convert("RGB")
        else:
            enhancer = {"brightness": "Brightness", "contrast": "Contrast", "saturation": "Color"}[name]
            picture = getattr(ImageEnhance, enhancer)(picture).enhance(factors[name])
    if gray:
        picture = Image.merge("RGB", [picture.convert("L")] * 3)
    return np.asarray(picture)


def test_contrast_equals_color_jitter_and_gray(noise) -> None:
    batch, pairs = np.concatenate([noise] * 4), seeds(4 * len(noise), run=1)
    plan = draw_plan(tf.constant(pairs), "contrast", "cifar10")
    assert plan is not None
    names = {6: "brightness", 7: "contrast", 8: "saturation", 10: "hue"}
    expected = []
    for image, operations, values in zip(batch, plan.operations.numpy(), plan.values.numpy(), strict=True):
        order = [names[op] for op in operations[:4] if op]
        factors = dict(zip(order, map(float, values[:4]), strict=False))
        expected.append(color_jitter(image, order, factors, bool(operations[4])))
    ours = augment_batch(tf.constant(batch), tf.constant(pairs), "contrast")
    np.testing.assert_array_equal(ours, np.stack(expected))


@pytest.mark.parametrize("strength", STRENGTHS)
def test_cutout_comes_last(noise, strength) -> None:
    pairs = tf.constant(seeds(len(noise)))
    without = augment_batch(tf.constant(noise), pairs, strength)
    both = augment_batch(tf.constant(noise), pairs, strength, cutout=16)
    np.testing.assert_array_equal(both, cut_out(without, pairs, 16))
    # A square on an area that has the mean's level already changes nothing.
    assert (both.numpy() != without.numpy()).any(axis=(1, 2, 3)).mean() > 0.9


@pytest.mark.parametrize("strength", ["none", "basic"])
def test_weak_strengths_change_nothing(noise, strength) -> None:
    np.testing.assert_array_equal(augment_batch(tf.constant(noise), tf.constant(seeds(24)), strength), noise)


@pytest.mark.parametrize("strength", STRONG)
def test_an_example_does_not_depend_on_its_batch(noise, strength) -> None:
    pairs = seeds(len(noise))
    augment = tf.function(
        lambda x, s: augment_batch(x, s, strength, cutout=8),
        input_signature=[tf.TensorSpec([None, 32, 32, 3], tf.uint8), tf.TensorSpec([None, 2], tf.int32)],
    )
    together = augment(noise, pairs).numpy()
    order = np.random.default_rng(3).permutation(len(noise))
    np.testing.assert_array_equal(augment(noise[order], pairs[order]), together[order])
    for size in (1, 5):
        parts = [augment(noise[i : i + size], pairs[i : i + size]) for i in range(0, len(noise), size)]
        np.testing.assert_array_equal(tf.concat(parts, 0), together)
    assert augment(noise[:0], pairs[:0]).shape == (0, 32, 32, 3)
    np.testing.assert_array_equal(augment_batch(tf.constant(noise), tf.constant(pairs), strength, cutout=8), together)


@pytest.mark.parametrize("strength", STRONG)
def test_threads_change_nothing(noise, strength) -> None:
    pairs = seeds(len(noise))
    source = tf.data.Dataset.from_tensor_slices((noise, pairs)).batch(3).repeat(4)

    def augmented(threads: int) -> np.ndarray:
        mapped = source.map(lambda x, s: augment_batch(x, s, strength, cutout=8), num_parallel_calls=threads)
        return np.concatenate(list(mapped.as_numpy_iterator()))

    np.testing.assert_array_equal(augmented(1), augmented(8))


@pytest.mark.parametrize("strength", STRONG)
def test_draws_differ_between_examples_and_runs_and_are_not_frozen(noise, strength) -> None:
    same = np.repeat(noise[:1], 64, axis=0)
    augment = tf.function(lambda s: augment_batch(tf.constant(same), s, strength))
    first, second = (augment(tf.constant(seeds(64, run))).numpy() for run in (0, 1))
    for results in (first, second):
        assert len(np.unique(results.reshape(64, -1), axis=0)) > 20
    assert (first != second).any(axis=(1, 2, 3)).mean() > 0.6


@pytest.mark.parametrize("strength", STRONG)
def test_one_channel_is_three_equal_channels_without_colour(strength) -> None:
    """A gray picture has no colour to lose: as one channel or as three it comes out the same."""
    gray = np.random.default_rng(2).integers(0, 256, (64, 16, 18, 1), dtype=np.uint8)
    pairs = tf.constant(seeds(64))
    one = augment_batch(tf.constant(gray), pairs, strength, cutout=8).numpy()
    three = augment_batch(tf.constant(np.repeat(gray, 3, axis=-1)), pairs, strength, cutout=8).numpy()
    assert one.shape == gray.shape
    np.testing.assert_array_equal(np.repeat(one, 3, axis=-1), three)


@pytest.mark.parametrize("shape", [(32, 32), (4, 32, 32, 2), (4, None, 32, 3)])
def test_other_shapes_are_refused(shape) -> None:
    with pytest.raises(ValueError, match="images must be"):
        tf.function(
            lambda x: augment_batch(x, tf.zeros([4, 2], tf.int32), "rand"),
            input_signature=[tf.TensorSpec(shape, tf.uint8)],
        ).get_concrete_function()
