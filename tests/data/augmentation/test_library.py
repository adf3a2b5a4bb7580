"""Keras-CV's layers as they are wrapped, against NumPy, and that they replay."""

from __future__ import annotations

import hashlib
import os
import subprocess
import sys
from functools import cache
from pathlib import Path
from typing import Any, get_args

import numpy as np
import pytest
import tensorflow as tf
from scipy import stats

import tf_dlth
from tf_dlth.config import DataConfig
from tf_dlth.data.augmentation.policies import LIBRARY, Library
from tf_dlth.data.examples import ArrayExamples
from tf_dlth.data.pipeline import training_batches

Batch = tuple[np.ndarray, np.ndarray]
EACH: tuple[Library, ...] = ("randaugment", "augmix")
MIXED: tuple[Library, ...] = ("mixup", "cutmix")


def test_the_kinds_are_named_once() -> None:
    assert get_args(Library) == LIBRARY == EACH + MIXED
    assert set(LIBRARY) < set(get_args(DataConfig.model_fields["augment"].annotation))


@cache
def augmentation(kind: Library, classes: int, channels: int) -> Any:
    """Traced once, for batches of 8 x 12 pixels."""
    from tf_dlth.data.augmentation.library import augment_by_library

    images, seeds = tf.TensorSpec((None, 8, 12, channels), tf.uint8), tf.TensorSpec((None, 2), tf.int32)
    return tf.function(
        lambda x, y, s: augment_by_library(x, y, s, kind, classes),
        input_signature=[images, tf.TensorSpec([None], tf.int32), seeds],
    )


def augmented(kind: Library, images: np.ndarray, labels: Any = None, seed: int = 0, classes: int = 256) -> Batch:
    seeds = np.random.RandomState(seed).randint(-(2**31), 2**31, (len(images), 2)).astype(np.int32)
    labels = np.arange(len(images)) if labels is None else labels
    x, y = augmentation(kind, classes, images.shape[-1])(images, labels.astype(np.int32), seeds)
    return x.numpy(), y.numpy()


def noise(n: int, channels: int = 3) -> np.ndarray:
    return np.random.RandomState(n).randint(0, 256, (n, 8, 12, channels), np.uint8)


def plain(levels: Any, channels: int = 3) -> np.ndarray:
    """Images of one level each."""
    return np.broadcast_to(np.array(levels, np.uint8)[:, None, None, None], (len(levels), 8, 12, channels))


def partners(targets: np.ndarray) -> np.ndarray:
    """The other label of each row of targets, its own where nothing of another is left; none is taken twice."""
    foreign = targets * (1 - np.eye(*targets.shape))
    mixed = foreign.any(1)
    assert len(set(foreign[mixed].argmax(1))) == mixed.sum() > len(targets) / 2
    return np.where(mixed, foreign.argmax(1), np.arange(len(targets)))


# Each kind


@pytest.mark.parametrize("kind", LIBRARY)
def test_types_shapes_and_that_something_happens(kind: Library) -> None:
    images, labels = augmented(kind, noise(40))
    assert (images.dtype, images.shape) == (np.uint8, (40, 8, 12, 3))
    if kind in MIXED:
        assert (labels.dtype, labels.shape) == (np.float32, (40, 256))
        np.testing.assert_allclose(labels.sum(1), 1, atol=1e-6)
        assert labels.min() >= 0
    else:
        assert labels.tolist() == list(range(40))
    assert (images != noise(40)).any((1, 2, 3)).sum() > 25


@pytest.mark.parametrize("kind", LIBRARY)
def test_the_seeds_decide(kind: Library) -> None:
    first, again, other = (augmented(kind, noise(30), seed=seed)[0] for seed in (1, 1, 2))
    np.testing.assert_array_equal(first, again)
    assert (first != other).any((1, 2, 3)).sum() > 20


@pytest.mark.parametrize("kind", LIBRARY)
def test_gray_is_a_gray_picture(kind: Library) -> None:
    """All three channels of a gray picture come out alike, and like its only one."""
    gray = noise(20, channels=1)
    single, targets = augmented(kind, gray)
    colour, same = augmented(kind, np.repeat(gray, 3, axis=3))
    np.testing.assert_array_equal(np.repeat(single, 3, axis=3), colour)
    np.testing.assert_array_equal(targets, same)


@pytest.mark.parametrize("kind", LIBRARY)
def test_a_batch_of_one(kind: Library) -> None:
    images, labels = augmented(kind, noise(1))
    assert images.shape == (1, 8, 12, 3)
    if kind in MIXED:  # with itself
        np.testing.assert_array_equal(images, noise(1))
        assert labels[0, 0] == 1


@pytest.mark.parametrize("kind", EACH)
def test_examples_are_drawn_alone(kind: Library) -> None:
    """Neither place nor company matter, and equal images of one batch are drawn differently."""
    from tf_dlth.data.augmentation.library import augment_by_library

    images, seeds = noise(12), np.arange(24, dtype=np.int32).reshape(12, 2)
    call = augmentation(kind, 256, 3)
    whole = call(images, np.arange(12, dtype=np.int32), seeds)[0].numpy()
    part = call(images[[5, 2]], np.zeros(2, np.int32), seeds[[5, 2]])[0].numpy()
    np.testing.assert_array_equal(part, whole[[5, 2]])
    twins = call(np.repeat(images[:1], 12, 0), np.zeros(12, np.int32), seeds)[0].numpy()
    assert len({twin.tobytes() for twin in twins}) > 6
    with pytest.raises(ValueError, match="no augmentation is called 'rand'"):
        augment_by_library(images, seeds[:, 0], seeds, "rand", 10)  # pyright: ignore[reportArgumentType]


# MixUp


def test_mixup_against_numpy() -> None:
    """Images of one level each: the targets tell the share and the partner, and these the image."""
    levels = np.random.RandomState(0).permutation(250)
    images, targets = augmented("mixup", plain(levels))
    own, other = np.diagonal(targets), partners(targets)
    expected = own * levels.astype(np.float32) + (1 - own) * levels[other]
    found = images[:, 0, 0, 0]
    assert (images == found[:, None, None, None]).all()
    assert np.abs(found - expected).max() <= 0.5 + 1e-4
    assert (targets > 0).sum(1).max() <= 2


def test_mixup_draws_its_shares_from_a_beta() -> None:
    """But for the one image in a batch, on average, that is mixed with itself."""
    batches = [augmented("mixup", plain(np.arange(250)), seed=seed)[1] for seed in range(12)]
    shares = np.concatenate([np.diagonal(targets) for targets in batches])
    assert stats.kstest(shares, stats.beta(0.2, 0.2).cdf).pvalue > 0.01


def test_halves_are_rounded_to_even(monkeypatch: pytest.MonkeyPatch) -> None:
    import keras_cv

    from tf_dlth.data.augmentation.library import augment_by_library

    monkeypatch.setattr(keras_cv.layers.MixUp, "_sample_from_beta", lambda self, a, b, shape: tf.fill(shape, 0.5))
    levels = np.array([0, 1, 2, 5, 6, 9, 250, 255])
    seeds = np.zeros((8, 2), np.int32)
    images, targets = augment_by_library(tf.constant(plain(levels)), tf.range(8), tf.constant(seeds), "mixup", 8)
    expected = np.rint((levels + levels[partners(targets.numpy())]) / 2)
    np.testing.assert_array_equal(images[:, 0, 0, 0], expected)
    assert (expected != np.floor((levels + levels[partners(targets.numpy())]) / 2 + 0.5)).any()


# CutMix


def test_cutmix_against_numpy() -> None:
    """Images of one level each: whose every pixel is can be seen, and counts as the share."""
    levels = np.arange(250)
    images, targets = augmented("cutmix", plain(levels))
    sizes = []
    for number, (image, target) in enumerate(zip(images, targets, strict=True)):
        np.testing.assert_allclose(target, np.bincount(image[..., 0].ravel(), minlength=256) / 96, atol=1e-6)
        foreign = image[..., 0] != number
        box = np.outer(foreign.any(1), foreign.any(0))
        np.testing.assert_array_equal(foreign, box)
        assert len(np.unique(image[foreign])) <= 1
        sizes.append((foreign.any(1).sum(), foreign.any(0).sum()))
    assert len(set(sizes)) > 30
    assert (partners(targets) != np.arange(250)).sum() > 200


def test_cutmix_only_moves_pixels() -> None:
    images = noise(60)
    mixed, targets = augmented("cutmix", images)
    theirs = images[partners(targets)]
    assert ((mixed == images) | (mixed == theirs)).all()
    assert ((mixed != images).any((1, 2, 3))).sum() > 40


# RandAugment


def test_randaugment_has_the_published_operations_with_one_magnitude() -> None:
    """Levels 30 can only become 85 and 115 by solarising at magnitude .5, unless the brightness changes too."""
    found = np.concatenate([augmented("randaugment", plain([30] * 250), seed=seed)[0] for seed in range(4)])
    flat = found.reshape(1000, -1)
    assert (flat == flat[:, :1]).all(), "the other operations leave a picture of one level alone"
    closed = np.isin(flat[:, 0], (30, 85, 115)).mean()
    # A slot is skipped with probability 1/11, and brightness is one of ten.
    without_brightness = (10 / 11) ** 3
    expected = without_brightness + (1 - without_brightness) * 3 / 256
    assert abs(closed - expected) < 4 * np.sqrt(expected * (1 - expected) / 1000)
    assert len(set(flat[:, 0])) > 50


def test_randaugments_list_of_operations() -> None:
    import keras_cv

    tf.random.set_global_generator(tf.random.Generator.from_seed(1))
    kinds = [type(layer).__name__ for layer in keras_cv.layers.RandAugment(value_range=(0, 255)).layers]
    assert kinds == [
        "AutoContrast", "Equalization", "Solarization", "RandomColorDegeneration", "RandomContrast",
        "RandomBrightness", "RandomShear", "RandomShear", "RandomTranslation", "RandomTranslation",
    ]  # fmt: skip


# AugMix


def test_augmix_draws_every_chain_and_every_step_of_it_anew(monkeypatch: pytest.MonkeyPatch) -> None:
    """Operations are noted by image, told by its level, and do nothing."""
    import keras_cv

    from tf_dlth.data.augmentation.library import augment_by_library

    noted: list[tuple[int, int]] = []

    def note(self: Any, image: tf.Tensor, operation: tf.Tensor) -> tf.Tensor:
        def write(level: np.ndarray, number: np.ndarray) -> np.ndarray:
            noted.append((int(level), int(number)))
            return level

        level = tf.numpy_function(write, (image[0, 0, 0], operation), tf.float32)
        return tf.ensure_shape(image + 0 * level, image.shape)

    monkeypatch.setattr(keras_cv.layers.AugMix, "_apply_op", note)
    images, seeds = (
        tf.constant(plain(np.arange(200))),
        np.random.RandomState(0).randint(0, 2**31, (200, 2)).astype(np.int32),
    )
    result, _ = tf.function(lambda: augment_by_library(images, tf.range(200), tf.constant(seeds), "augmix", 10))()
    np.testing.assert_array_equal(result, images)  # a mean with weights that sum to 1
    steps = [[operation for level, operation in noted if level == number] for number in range(200)]
    assert {len(s) for s in steps} == set(range(3, 10))
    # Three chains of one to three steps each.
    lengths = np.bincount([len(s) for s in steps], minlength=10)[3:]
    assert stats.chisquare(lengths, 200 * np.array([1, 3, 6, 7, 6, 3, 1]) / 27).pvalue > 0.01
    every = np.bincount([operation for s in steps for operation in s], minlength=8)
    assert len(every) == 8 and stats.chisquare(every).pvalue > 0.01
    assert np.mean([len(set(s)) for s in steps]) > 3.5


# Replay, through the whole pipeline


@cache
def batches(kind: str, threads: int = 0, cutout: int = 0, **address: int) -> list[Batch]:
    images = np.random.RandomState(1).randint(0, 256, (22, 8, 8, 1), np.uint8)
    examples = ArrayExamples(images, np.arange(22) % 5, map(str, range(22)))
    config = DataConfig.model_validate({"augment": kind, "flip": "horizontal", "crop_padding": 1, "cutout": cutout})
    where = {"epoch": 2, "last_epoch": 2, "first_step": 0, **address}
    made = training_batches(examples, config, batch_size=8, seed=3, last_epoch=where["last_epoch"], classes=5)
    dataset = made(1, where["epoch"], where["first_step"])
    if threads:
        options = tf.data.Options()
        options.threading.private_threadpool_size = threads
        options.threading.max_intra_op_parallelism = threads
        dataset = dataset.with_options(options)
    return [(images, labels) for images, labels in dataset.as_numpy_iterator()]


def digest(found: list[Batch]) -> str:
    return hashlib.sha256(b"".join(part.tobytes() for batch in found for part in batch)).hexdigest()


SLOWEST = "randaugment"


@pytest.mark.parametrize("kind", [pytest.param(k, marks=[pytest.mark.slow] * (k == SLOWEST)) for k in LIBRARY])
def test_an_epoch_replays_from_any_step_and_with_any_threads(kind: str) -> None:
    whole = batches(kind, last_epoch=3)
    assert [len(images) for images, _ in whole] == [8, 8, 6] * 2
    assert digest(whole[:3]) != digest(whole[3:])
    assert digest(batches(kind, first_step=1, threads=1)) == digest(whole[1:3])
    assert digest(batches(kind, epoch=3, first_step=2, last_epoch=3, threads=2)) == digest(whole[5:])


@pytest.mark.parametrize("kind", LIBRARY)
def test_shapes_are_static(kind: str) -> None:
    examples = ArrayExamples(np.full((6, 8, 8, 3), 9, np.uint8), np.arange(6), map(str, range(6)))
    config = DataConfig.model_validate({"augment": kind, "flip": "none", "crop_padding": 0, "cutout": 0})
    dataset = training_batches(examples, config, batch_size=6, seed=0, classes=6)(0, 1)
    images, labels = tf.nest.flatten(dataset.element_spec)
    assert images.shape.as_list() == [None, 8, 8, 3]
    assert labels.shape.as_list() == ([None, 6] if kind in MIXED else [None])


def test_cutout_comes_last() -> None:
    for (cut, targets), (whole, same) in zip(batches("mixup", cutout=4), batches("mixup"), strict=True):
        covered = (cut != whole)[..., 0]
        assert covered.any() and covered.sum((1, 2)).max() <= 16
        np.testing.assert_array_equal(targets, same)


@pytest.mark.slow
def test_another_process_draws_the_same_and_prints_nothing() -> None:
    code = "from test_library import *; print(*(digest(batches(kind, last_epoch=3)) for kind in LIBRARY))"
    paths = [Path(__file__).parent, Path(tf_dlth.__file__).parents[1]]
    kept = {k: v for k, v in os.environ.items() if not k.startswith("TF_")}
    environment = {**kept, "PYTHONPATH": os.pathsep.join(map(str, paths))}
    code = "import tf_dlth.startup as s; s.start_tensorflow(); " + code
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, env=environment, check=False)
    assert (done.returncode, done.stderr) == (0, "")
    assert done.stdout.split() == [digest(batches(kind, last_epoch=3)) for kind in LIBRARY]
