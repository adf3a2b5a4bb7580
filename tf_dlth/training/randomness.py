"""Layers that draw, as Dropout and RandomFlip: their draws are addressed, so that a training can be replayed.

Each layer has a counter-based generator of its own, and at the start of a step its counter is set to the step's
address. What a layer draws then depends on the run's seed, the layer, the iteration, the epoch, the step and the
device, and on nothing that happened before.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterator
from typing import Any

import tensorflow as tf
import tf_keras

from tf_dlth.models.variables import unwrapped

Layer = tf_keras.layers.Layer
BITS = 24
"""Of a 63-bit address, for each of epoch and step; the iteration has the rest."""


class Randomness:
    """The generators of a model's drawing layers; made in the scope of the strategy that trains it."""

    def __init__(self, model: tf_keras.Model, stream: str) -> None:
        self._strategy = tf.distribute.get_strategy()
        # In the random layers' own kind of generator, only with a state that we know.
        self._streams = [(_key(stream, name), _addressable(layer)) for name, layer in drawing_layers(model)]
        with tf.device("/CPU:0"):
            self._address = tf.Variable(tf.zeros([], tf.int64), trainable=False)

    @property
    def variables(self) -> list[tf.Variable]:
        """The address and the generators' states: all that a step's draws depend on."""
        return [self._address, *(generator.state for _, generator in self._streams)]

    def set_address(self, iteration: int, epoch: int, step: int) -> None:
        """Where the next step is; ``step`` counts within the epoch, from 0."""
        self._address.assign(((iteration << BITS) + epoch << BITS) + step)

    def begin_step(self) -> None:
        """Sets every generator to the address; called in a replica's context before the model is."""
        context: Any = tf.distribute.get_replica_context()
        replica = int(tf.get_static_value(context.replica_id_in_sync_group))
        for key, generator in self._streams:
            states = self._strategy.experimental_local_results(generator.state)
            state = states[replica % len(states)]  # of several workers, each holds its own replicas' alone
            # Philox: a 128-bit counter, low word first, of which draws count the low one, and a key.
            state.assign(tf.stack([tf.zeros([], tf.int64), self._address, tf.constant(key, tf.int64)]))

    def end_step(self) -> None:
        """Goes on to the next step of the epoch."""
        if self._streams:
            self._address.assign_add(1)


def drawing_layers(model: tf_keras.Model) -> Iterator[tuple[str, Layer]]:
    """Keras' random layers, those inside of others included, under names that are the same for every copy."""
    for layer in map(unwrapped, model.layers):
        for number, part in enumerate(layer._flatten_layers()):
            if hasattr(part, "_random_generator"):
                yield f"{layer.name}/{number}", part


def _addressable(layer: Layer) -> tf.random.Generator:
    """Gives the layer a generator whose state can be set."""
    generator = tf.random.Generator.from_key_counter(key=0, counter=[0, 0], alg="philox")
    own = layer._random_generator
    own._rng_type, own._generator, own._built = own.RNG_STATEFUL, generator, True
    return generator


def _key(stream: str, name: str) -> int:
    """64 signed bits of SHA-256 over the stream, which the run's seed is part of, and the layer."""
    digest = hashlib.sha256(f"layers:{stream}:{name}".encode()).digest()
    return int.from_bytes(digest[:8], "big", signed=True)
