"""First weights: each variable from its layer's initialiser, with a seed of its own."""

from __future__ import annotations

import hashlib

import numpy as np
import tf_keras

from tf_dlth.errors import UserError
from tf_dlth.models.variables import NamedVariable, walk


def initial_weights(model: tf_keras.Model, seed: int) -> dict[str, np.ndarray]:
    """Draws every variable anew, in its own shape and type, by name; the same seed gives the same bits in any process.

    A trainable variable ``leaf`` is drawn from its layer's attribute ``<leaf>_initializer``; a fixed one
    without such an attribute keeps its value. Raises UserError for a trainable variable without one.
    """
    return {named.name: _draw(named, variable_seed(seed, named.name)) for named in walk(model)}


def variable_seed(seed: int, name: str) -> int:
    """31 bits of SHA-256 over the run's seed and the variable's name."""
    digest = hashlib.sha256(f"initialisation:{seed}:{name}".encode()).digest()
    return int.from_bytes(digest[:4], "big") >> 1


def _draw(named: NamedVariable, seed: int) -> np.ndarray:
    initialiser = _initialiser(named)
    if initialiser is None:
        return np.array(named.variable.numpy())
    config = initialiser.get_config()
    if "seed" in config:
        initialiser = initialiser.__class__.from_config({**config, "seed": seed})
    return np.array(initialiser(named.variable.shape, named.variable.dtype))


def _initialiser(named: NamedVariable) -> tf_keras.initializers.Initializer | None:
    # Keras calls a depthwise kernel's initialiser `depthwise_initializer`.
    for attribute in (f"{named.leaf}_initializer", f"{named.leaf.removesuffix('_kernel')}_initializer"):
        initialiser = getattr(named.owner, attribute, None)
        if isinstance(initialiser, tf_keras.initializers.Initializer):
            return initialiser
    if not named.variable.trainable:
        return None
    raise UserError(
        f"model.architecture: {named.name} has no initialiser; {type(named.owner).__name__} must keep a "
        f"tf_keras initializer as {named.leaf}_initializer"
    )
