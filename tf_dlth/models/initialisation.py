"""First weights: each variable from its layer's initialiser, with a seed of its own."""

from __future__ import annotations

import hashlib
from collections.abc import Collection

import numpy as np
import tf_keras

from tf_dlth.errors import UserError
from tf_dlth.models.variables import NamedVariable, walk


def initial_weights(model: tf_keras.Model, seed: int, given: Collection[str] = ()) -> dict[str, np.ndarray]:
    """Draws every variable but the ``given`` ones anew, in its own shape and type, by name.

    The same seed gives the same bits in any process.

    A trainable variable ``leaf`` is drawn from its layer's attribute ``<leaf>_initializer``; a fixed one
    without such an attribute keeps its value. Raises UserError for a trainable variable without one.
    """
    return {
        named.name: named.variable.numpy() if named.name in given else _draw(named, variable_seed(seed, named.name))
        for named in walk(model)
    }


def initialiser(named: NamedVariable) -> tf_keras.initializers.Initializer | None:
    """The initialiser that the variable's layer keeps for it, if it does."""
    # Keras calls a depthwise kernel's initialiser `depthwise_initializer`.
    for attribute in (f"{named.leaf}_initializer", f"{named.leaf.removesuffix('_kernel')}_initializer"):
        found = getattr(named.owner, attribute, None)
        if isinstance(found, tf_keras.initializers.Initializer):
            return found
    return None


def variable_seed(seed: int, name: str) -> int:
    """31 bits of SHA-256 over the run's seed and the variable's name."""
    digest = hashlib.sha256(f"initialisation:{seed}:{name}".encode()).digest()
    return int.from_bytes(digest[:4], "big") >> 1


def _draw(named: NamedVariable, seed: int) -> np.ndarray:
    found = initialiser(named)
    if found is None and named.variable.trainable:
        raise UserError(
            f"model.architecture: {named.name} has no initialiser; {type(named.owner).__name__} must keep a "
            f"tf_keras initializer as {named.leaf}_initializer"
        )
    if found is None:
        return np.array(named.variable.numpy())
    config = found.get_config()
    if "seed" in config:
        found = found.__class__.from_config({**config, "seed": seed})
    return np.array(found(named.variable.shape, named.variable.dtype))
