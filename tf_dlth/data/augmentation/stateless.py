"""Random numbers without a state for layers that draw from TensorFlow's own generators."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import tensorflow as tf

_ALGORITHM = "philox"
_PLACES = 1024
"""More than draws in a trace, or turns of a loop."""


class Draws:
    """Stands in for ``tf.random`` and for its global generator while layers are made and traced.

    What a layer draws is then a function of the seed in force and of the place of the draw in the trace, and of
    nothing else: neither of threads nor of what was drawn before.
    """

    def __init__(self) -> None:
        self._key: tf.Tensor | None = None
        self._path: tf.Tensor | int = 0
        self._place = 0

    @contextmanager
    def instead_of_tensorflow(self) -> Iterator[None]:
        """Layers that are made or traced inside draw here. Not for two threads of Python at a time."""
        mine = {
            "get_global_generator": lambda: self,
            "gamma": self.gamma,
            "normal": self.normal,
            "shuffle": self.shuffle,
            "uniform": self.uniform,
        }
        theirs = {name: getattr(tf.random, name) for name in mine}
        try:
            _set(mine)
            yield
        finally:
            _set(theirs)

    @contextmanager
    def seeded(self, seed: tf.Tensor) -> Iterator[None]:
        """Draws by a seed pair, int32 [2]."""
        with self._at(tf.bitcast(seed, tf.int64), 0):
            yield

    @contextmanager
    def within(self, turn: tf.Tensor) -> Iterator[None]:
        """Draws of one turn of a loop that is traced once; without this all its turns draw the same."""
        path = self._here() * _PLACES + tf.cast(tf.reshape(turn, []), tf.int64)
        with self._at(self._key, path * _PLACES):
            yield

    @contextmanager
    def _at(self, key: tf.Tensor | None, path: tf.Tensor | int) -> Iterator[None]:
        before = self._key, self._path, self._place
        self._key, self._path, self._place = key, path, 0
        yield
        self._key, self._path, self._place = before

    def uniform(self, shape: Any, minval: Any = 0, maxval: Any = None, dtype: Any = tf.float32, **_: Any) -> tf.Tensor:
        highest = 1 if maxval is None else maxval
        return tf.random.stateless_uniform(shape, self._next(), minval, highest, dtype, alg=_ALGORITHM)

    def normal(self, shape: Any, mean: Any = 0.0, stddev: Any = 1.0, dtype: Any = tf.float32, **_: Any) -> tf.Tensor:
        return tf.random.stateless_normal(shape, self._next(), mean, stddev, dtype, alg=_ALGORITHM)

    def gamma(self, shape: Any, alpha: Any, **_: Any) -> tf.Tensor:
        alphas = tf.convert_to_tensor(alpha, tf.float32)
        everything = tf.concat([tf.cast(tf.reshape(shape, [-1]), tf.int32), tf.shape(alphas)], 0)
        return tf.random.stateless_gamma(everything, self._next(), alphas)

    def shuffle(self, value: tf.Tensor, **_: Any) -> tf.Tensor:
        return tf.random.experimental.stateless_shuffle(value, self._next(), alg=_ALGORITHM)

    def _next(self) -> tf.Tensor:
        """The seed of the next draw in the trace: the pair that is in force as one number, and the path to the draw."""
        return tf.stack([self._key, tf.cast(self._here(), tf.int64)])

    def _here(self) -> tf.Tensor | int:
        self._place += 1
        assert self._key is not None and self._place < _PLACES, "layers are called under a seed, and draw less often"
        return self._path + self._place


def _set(functions: dict[str, Any]) -> None:
    for name, function in functions.items():
        setattr(tf.random, name, function)
