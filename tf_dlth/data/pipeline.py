"""Batches of uint8 images for training and evaluation.

Every draw comes from a named stream of stateless random numbers and is addressed by (seed, iteration, epoch,
example): an epoch's draws are made for all its examples at once, and a batch picks its rows. So neither
threads nor batch size nor the point of resuming can change an image.
"""

from __future__ import annotations

import hashlib
import math
import os
from collections import deque
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass
from itertools import zip_longest
from typing import Any, Protocol, TypeVar, cast

import numpy as np
import tensorflow as tf

from tf_dlth.config import DataConfig
from tf_dlth.data.augmentation.policies import LIBRARY
from tf_dlth.data.catalogue import FACTS
from tf_dlth.data.examples import Examples, lie_in_memory
from tf_dlth.errors import LONGEST_LINE, UserError, printable
from tf_dlth.startup import hushed

END_OF_EPOCHS = 2**31
MARKS = ("<image fault>", "</image fault>")
"""Around the message of a UserError inside TensorFlow's."""
Augment = Callable[[tf.Tensor, tf.Tensor, tf.Tensor], tuple[tf.Tensor, tf.Tensor]]
"""From images [B, H, W, C], labels [B] and augmentation seeds [B, 2] to images and labels."""
Function = TypeVar("Function", bound=Callable[..., Any])


def batch_counts(n: int, batch_size: int) -> int:
    """Steps of an epoch of n examples, the last partial batch included."""
    return math.ceil(n / batch_size)


class Batches(Protocol):
    """The training batches of a run, whose graph is traced once."""

    def __call__(self, iteration: int, epoch: int, first_step: int = 0) -> tf.data.Dataset:
        """Those of ``epoch``, epoch + 1, ...; the first ``first_step`` of the first epoch are not even computed."""
        ...


def training_batches(
    examples: Examples,
    config: DataConfig,
    *,
    batch_size: int,
    seed: int,
    last_epoch: int | None = None,
    view: int = 0,
    classes: int = 0,
) -> Batches:
    """Gives (uint8 images [B, H, W, C], int32 labels [B]) of an epoch and those after it, up to ``last_epoch``.

    Where images are mixed with each other (mixup, cutmix) the labels are float32 shares [B, ``classes``], and what
    an image is mixed with depends on the batch's size.

    Epochs count from 1, each is a fresh permutation, and no batch spans two. The nulls of ``config`` must be resolved;
    a null ``crop_padding`` means random resized crops. Another ``view`` is the same order of images, augmented anew.
    """
    draws = training_draws(len(examples), batch_size=batch_size, seed=seed, last_epoch=last_epoch, view=view)
    place, augment, labels = _placement(examples, config), _augmentation(config, classes), _on_cpu(examples.labels)

    # Traced here and not by each dataset: an augmentation is thousands of operations. Nothing in it needs AutoGraph.
    @tf.function(autograph=False, reduce_retracing=True)
    def batch(chosen: tf.Tensor, bits: tf.Tensor, seeds: tf.Tensor) -> tuple[tf.Tensor, tf.Tensor]:
        return augment(place(chosen, bits), tf.gather(labels, chosen), seeds)

    return lambda iteration, epoch, first_step=0: _parallel(draws(iteration, epoch, first_step), batch)


def training_draws(n: int, *, batch_size: int, seed: int, last_epoch: int | None = None, view: int = 0) -> Batches:
    """Gives what decides the batches of :func:`training_batches` on ``n`` examples, without their images.

    That is (example indices int64 [B], bits that place them int32 [B, 4], seeds of their augmentation int32 [B, 2]).
    """
    suffix = f" of view {view}" if view else ""
    names = "order", f"crop and flip{suffix}", f"augmentation{suffix}"
    end = END_OF_EPOCHS if last_epoch is None else last_epoch + 1

    def draws(iteration: int, epoch: int, first_step: int = 0) -> tf.data.Dataset:
        streams = [_Stream(name, seed, iteration) for name in names]

        @_as_it_is
        def of_epoch(number: tf.Tensor) -> tf.data.Dataset:
            start = tf.where(tf.equal(number, epoch), np.int64(first_step * batch_size), np.int64(0))
            return _draws(streams, number, n, batch_size, start)

        return tf.data.Dataset.range(epoch, end).flat_map(of_epoch)

    return draws


def _draws(streams: Sequence[_Stream], epoch: tf.Tensor, n: int, batch_size: int, start: tf.Tensor) -> tf.data.Dataset:
    """(example indices [B], bits that place them [B, 4], seeds of their augmentation [B, 2]) of the epoch's batches."""
    order, placement, augmentation = streams
    permutation = order.permutation(epoch, n)
    drawn = placement.bits(epoch, n, 4), augmentation.bits(epoch, n, 2)

    @_as_it_is
    def rows(first: tf.Tensor) -> tuple[tf.Tensor, ...]:
        chosen = permutation[first : first + batch_size]
        return chosen, *(tf.gather(draw, chosen) for draw in drawn)

    return tf.data.Dataset.range(start, n, batch_size).map(rows)


def feature_batches(
    features: np.ndarray, labels: np.ndarray, *, batch_size: int, seed: int, epochs: int
) -> tf.data.Dataset:
    """(features [B, D], labels [B]) of ``epochs`` epochs, in the order of :func:`training_batches` in iteration 0."""
    n, order = len(labels), _Stream("order", seed, 0)
    rows, classes = _on_cpu(features), _on_cpu(labels)

    def batches_of(number: tf.Tensor) -> tf.data.Dataset:
        permutation = order.permutation(number, n)
        return tf.data.Dataset.range(0, n, batch_size).map(lambda start: permutation[start : start + batch_size])

    def batch(chosen: tf.Tensor) -> tuple[tf.Tensor, tf.Tensor]:
        return tf.gather(rows, chosen), tf.gather(classes, chosen)

    return _parallel(tf.data.Dataset.range(1, epochs + 1).flat_map(batches_of), batch)


def evaluation_batches(examples: Examples, batch_size: int) -> Iterator[tuple[np.ndarray, np.ndarray]]:
    """(uint8 images, int32 labels) in the examples' order, the last partial batch included, read ahead in threads."""
    n, cores = len(examples), os.cpu_count() or 1
    chosen = [np.arange(start, min(start + batch_size, n)) for start in range(0, n, batch_size)]
    with ThreadPoolExecutor(cores) as threads:
        ahead = deque(threads.submit(examples.read, numbers) for numbers in chosen[:cores])
        for numbers, later in zip_longest(chosen, chosen[cores:]):
            images = ahead.popleft().result()
            if later is not None:
                ahead.append(threads.submit(examples.read, later))
            yield images, examples.labels[numbers]


@dataclass(frozen=True)
class _Stream:
    """Random numbers that only the run's seed, the iteration and the epoch decide."""

    name: str
    seed: int
    iteration: int

    def bits(self, epoch: tf.Tensor, n: int, columns: int) -> tf.Tensor:
        """int32 [n, columns], uniform over all values."""
        return self._draw(epoch, (n, columns), tf.int32)

    def permutation(self, epoch: tf.Tensor, n: int) -> tf.Tensor:
        """int64 [n]."""
        return tf.cast(tf.argsort(self._draw(epoch, (n,), tf.int64), stable=True), tf.int64)

    def _draw(self, epoch: tf.Tensor, shape: tuple[int, ...], dtype: tf.DType) -> tf.Tensor:
        key = hashlib.sha256(f"{self.name}/{self.seed}/{self.iteration}".encode()).digest()
        pair = tf.stack([tf.constant(int.from_bytes(key[:8], "little", signed=True), tf.int64), epoch])
        everything: Any = None  # of an integer type: its whole range
        return tf.random.stateless_uniform(shape, pair, everything, everything, dtype, alg="philox")


def _augmentation(config: DataConfig, classes: int) -> Augment:
    """What follows crop and flip: the strength's operations, as in paper section 3.4, or Keras-CV's; then cutout."""
    strength, cutout = config.augment, config.cutout or 0
    if strength in ("none", "basic") and not cutout:
        return lambda images, labels, seeds: (images, labels)
    from tf_dlth.data.augmentation import augment_batch

    policy = FACTS[config.dataset].policy
    if strength not in LIBRARY:
        return lambda images, labels, seeds: (augment_batch(images, seeds, strength, policy, cutout), labels)
    with hushed():  # it greets on the terminal
        from tf_dlth.data.augmentation.library import augment_by_library

    @tf.function(reduce_retracing=True)  # its layers branch on tensors: AutoGraph is for them
    def augment(images: tf.Tensor, labels: tf.Tensor, seeds: tf.Tensor) -> tuple[tf.Tensor, tf.Tensor]:
        images, labels = augment_by_library(images, labels, seeds, strength, classes)
        return augment_batch(images, seeds, "basic", policy, cutout), labels

    return augment


def _placement(examples: Examples, config: DataConfig) -> Callable[[tf.Tensor, tf.Tensor], tf.Tensor]:
    """The Basic augmentation of example indices [B] by bits [B, 4]: crop, then flips."""
    read = _reader(examples)
    if config.augment == "none":
        return lambda chosen, bits: read(chosen)
    if config.crop_padding is None:
        crops = _random_crops(examples)
        return lambda chosen, bits: crop_and_flip(crops(chosen, bits[:, :2]), bits, 0, config.flip)
    padding, flip = config.crop_padding, config.flip
    return lambda chosen, bits: crop_and_flip(read(chosen), bits, padding, flip)


def crop_and_flip(images: tf.Tensor, bits: tf.Tensor, padding: int, flip: str | None) -> tf.Tensor:
    """uint8 [B, H, W, C] cropped from a frame of ``padding`` black pixels at (bits 0, bits 1), then flipped.

    Bit patterns below zero flip: column 2 horizontally, column 3 vertically (``flip`` both).
    """
    height, width = cast(list[int], images.shape.as_list())[1:3]
    rows = _positions(height, bits[:, 0], bits[:, 3] < 0, padding, flip == "both")
    columns = _positions(width, bits[:, 1], bits[:, 2] < 0, padding, flip in ("horizontal", "both"))
    framed = tf.pad(images, [[0, 0], [padding, padding], [padding, padding], [0, 0]])
    return tf.gather(tf.gather(framed, rows, axis=1, batch_dims=1), columns, axis=2, batch_dims=1)


def _positions(side: int, bits: tf.Tensor, flipped: tf.Tensor, padding: int, may_flip: bool) -> tf.Tensor:
    """int32 [B, side]: where in the frame each row or column of the result is taken."""
    forward = tf.range(side)[None, :]
    along = tf.where(flipped[:, None], forward[:, ::-1], forward) if may_flip else forward
    return along + tf.math.floormod(bits, 2 * padding + 1)[:, None]


def _reader(examples: Examples) -> Callable[[tf.Tensor], tf.Tensor]:
    """From indices to images as the network sees them at test time."""
    if lie_in_memory(examples):
        images = _on_cpu(examples.images)
        return lambda chosen: tf.gather(images, chosen)
    return lambda chosen: _from_numpy(examples.read, examples, chosen)


def _random_crops(examples: Examples) -> Callable[[tf.Tensor, tf.Tensor], tf.Tensor]:
    return lambda chosen, seeds: _from_numpy(examples.read_random_crops, examples, chosen, seeds)


def _from_numpy(function: Callable[..., np.ndarray], examples: Examples, *inputs: tf.Tensor) -> tf.Tensor:
    def marked(*arrays: np.ndarray) -> np.ndarray:
        try:
            return function(*arrays)
        except UserError as error:
            raise RuntimeError(f"{MARKS[0]}{printable(str(error), LONGEST_LINE)}{MARKS[1]}") from None

    images = tf.numpy_function(marked, inputs, tf.uint8, stateful=False)
    return tf.ensure_shape(images, (None, *examples.image_shape))


@contextmanager
def read_errors() -> Iterator[None]:
    """Around whatever takes batches: raises again the UserError of an image that could not be read.

    TensorFlow knows no exceptions of others, and tells of them in the long text of one of its own.
    """
    try:
        yield
    except tf.errors.OpError as error:
        _, begun, rest = str(error).partition(MARKS[0])
        message, ended, _ = rest.partition(MARKS[1])
        if not (begun and ended):
            raise
        raise UserError(message) from None


def _as_it_is(function: Function) -> Function:
    """Keeps AutoGraph, which takes longer than tracing, from rewriting a function that has nothing to rewrite."""
    return tf.autograph.experimental.do_not_convert(function)


def _on_cpu(array: np.ndarray) -> tf.Tensor:
    # On a GPU the whole set would be copied there, and every batch back.
    with tf.device("CPU:0"):
        return tf.constant(array)


def _parallel(batches: tf.data.Dataset, function: Callable[..., tuple[tf.Tensor, tf.Tensor]]) -> tf.data.Dataset:
    return read_ahead(batches.map(_as_it_is(function), num_parallel_calls=os.cpu_count() or 1))


def read_ahead(batches: tf.data.Dataset) -> tf.data.Dataset:
    """The same batches, some of them made in advance."""
    options = tf.data.Options()
    options.deterministic = True
    # The tuner's thread is not woken when an iterator is deleted: the deletion waits out its pause, seconds long.
    options.autotune.enabled = False
    options.experimental_distribute.auto_shard_policy = tf.data.experimental.AutoShardPolicy.OFF
    return batches.with_options(options).prefetch(os.cpu_count() or 1)
