"""Plans: which operations each example goes through, with which values, drawn from its seed pair."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
import tensorflow as tf

from tf_dlth.data.augmentation import policies
from tf_dlth.data.augmentation.draws import Stream, below, between, uniforms
from tf_dlth.data.augmentation.operation import Operation
from tf_dlth.data.augmentation.policies import Policy, Strength


class Plan(NamedTuple):
    """Slots that are applied one after the other.

    ``operations`` int32 [B, slots] (:class:`Operation`), ``values`` float64 [B, slots] in the operation's own unit,
    ``choices``: per slot, what may be drawn there; ``fill``: the level of what geometry leaves empty.
    """

    operations: tf.Tensor
    values: tf.Tensor
    choices: tuple[frozenset[Operation], ...]
    fill: int


def draw_plan(seeds: tf.Tensor, strength: Strength, policy: Policy) -> Plan | None:
    """The plan of a batch with seed pairs int32 [B, 2]; None for strengths without operations."""
    match strength:
        case "none" | "basic":
            return None
        case "contrast":
            return _contrast(seeds)
        case "auto":
            return _auto(seeds, policies.IMAGENET if policy == "imagenet" else policies.CIFAR10)
        case "rand":
            return _rand(seeds)
    raise ValueError(f"no strength is called {strength!r}")


def _auto(seeds: tf.Tensor, policy: tuple[policies.SubPolicy, ...]) -> Plan:
    """One sub-policy an example; each of its two operations with its own probability and sign."""
    streams = [Stream.CHOICE, Stream.PROBABILITY, Stream.SIGN]
    choice, probability, sign = uniforms(seeds, streams, 2)
    names = np.array([[op for op, _, _ in sub] for sub in policy])
    operations = np.vectorize(lambda name: int(policies.auto_operation(name)))(names)
    values = np.array([[policies.auto_value(op, level) for op, _, level in sub] for sub in policy])
    chance = np.array([[p for _, p, _ in sub] for sub in policy], np.float32)
    row = below(choice[:, 0], len(policy))
    applied = tf.cast(probability < tf.gather(tf.constant(chance), row), tf.int32)
    direction = tf.where(sign < 0.5, tf.constant(-1.0, tf.float64), tf.constant(1.0, tf.float64))
    drawn = tf.gather(tf.constant(values), row)
    return Plan(
        tf.gather(tf.constant(operations, tf.int32), row) * applied,
        drawn[..., 0] + direction * drawn[..., 1],
        tuple(frozenset(map(Operation, column)) for column in operations.T.tolist()),
        policies.AUTO_FILL,
    )


def _rand(seeds: tf.Tensor) -> Plan:
    """Four operations with replacement, each with a magnitude of its own."""
    streams = [Stream.CHOICE, Stream.MAGNITUDE]
    choice, magnitude = uniforms(seeds, streams, policies.RAND_OPERATIONS)
    table = np.array(policies.RAND)
    row = below(choice, len(table))
    operations = tf.gather(tf.constant(table[:, 0], tf.int32), row)
    low, high = (tf.gather(tf.constant(column), row) for column in table[:, 1:].T)
    values = between(magnitude, low, high)
    whole = tf.equal(operations, int(Operation.POSTERIZE))
    choices = frozenset(operation for operation, _, _ in policies.RAND)
    return Plan(
        operations,
        tf.where(whole, tf.floor(values), values),
        (choices,) * policies.RAND_OPERATIONS,
        policies.RAND_FILL,
    )


def _contrast(seeds: tf.Tensor) -> Plan:
    """Brightness, contrast, saturation and hue in random order, all or none; then gray."""
    count = len(policies.JITTER)
    streams = [Stream.ORDER, Stream.MAGNITUDE, Stream.PROBABILITY]
    order, magnitude, probability = uniforms(seeds, streams, count)
    table = np.array(policies.JITTER)
    place = tf.argsort(order, axis=1, stable=True)
    values = between(magnitude, table[None, :, 1], table[None, :, 2])
    jittered = tf.cast(probability[:, 0:1] < policies.JITTER_PROBABILITY, tf.int32)
    grayed = tf.cast(probability[:, 1:2] < policies.GRAY_PROBABILITY, tf.int32)
    jitter = tf.gather(tf.constant(table[:, 0], tf.int32), place) * jittered
    choices = frozenset(operation for operation, _, _ in policies.JITTER)
    return Plan(
        # Colour with factor 0 is the gray picture.
        tf.concat([jitter, grayed * int(Operation.COLOR)], axis=1),
        tf.concat([tf.gather(values, place, batch_dims=1), tf.zeros_like(values[:, :1])], axis=1),
        (choices,) * count + (frozenset({Operation.COLOR}),),
        0,
    )
