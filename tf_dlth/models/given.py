"""Which weights an own model's function gave its network, as pretrained ones, and which Keras only drew for it."""

from __future__ import annotations

import warnings
from collections.abc import Callable

import numpy as np

from tf_dlth.errors import UserError
from tf_dlth.models import variables
from tf_dlth.models.build import Built
from tf_dlth.models.initialisation import initialiser
from tf_dlth.models.variables import NamedVariable, of_layer


def given_names(built: Built, build_again: Callable[[], Built]) -> tuple[str, ...]:
    """Names of the variables whose values do not come from an initialiser, in layer order.

    Keras' initialisers repeat their draw, so that a value that its layer's initialiser gives again was drawn. Any other
    is given if a second building of the network has the same. Raises UserError for a value that differs between the
    two and that no initialiser could draw.
    """
    own = {f"{copy.name}/{name}": named for layer, copy in built.pairs for name, named in of_layer(layer).items()}
    unexplained = {name: named for name, named in own.items() if not _is_drawn(named)}
    if not unexplained:
        return ()
    again = variables.named_variables(build_again().model)
    same = {name for name, named in unexplained.items() if _equal(named.variable.numpy(), again[name].numpy())}
    for name, named in unexplained.items():
        if name not in same and initialiser(named) is None:
            raise UserError(
                f"model.architecture: {name} has another value each time the model is built; "
                f"{type(named.owner).__name__} must keep a tf_keras initializer as {named.leaf}_initializer"
            )
    return tuple(name for name in unexplained if name in same)


def frozen_names(built: Built) -> tuple[str, ...]:
    """Names of the variables that were made to be trained and are frozen."""
    trained = variables.trainable(built.model)
    own = [(copy, of_layer(copy)) for _, copy in built.pairs]
    made = [f"{copy.name}/{name}" for copy, found in own for name, named in found.items() if named.variable.trainable]
    return tuple(name for name in made if name not in trained)


def _is_drawn(named: NamedVariable) -> bool:
    found = initialiser(named)
    if found is None:
        return False
    with warnings.catch_warnings():  # that an unseeded initialiser gives the same values again, which is the point
        warnings.simplefilter("ignore", UserWarning)
        drawn = found(named.variable.shape, named.variable.dtype)
    return _equal(np.array(drawn), named.variable.numpy())


def _equal(one: np.ndarray, other: np.ndarray) -> bool:
    return one.shape == other.shape and np.array_equal(one, other)
