"""What training needs of masks."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Protocol

import numpy as np
import tensorflow as tf
import tf_keras

from tf_dlth.models.copying import copied

Arrays = Mapping[str, np.ndarray]
Layer = tf_keras.layers.Layer


class Masking(Protocol):
    """How masks come into a network; :mod:`tf_dlth.lottery.wrapping` is one way.

    ``set_masks`` takes boolean arrays by the names of the variables that they mask.
    """

    def wrapper_for(self, model: tf_keras.Model) -> Callable[[Layer], Layer]: ...
    def mask_variables(self, wrapped: tf_keras.Model) -> dict[str, tf.Variable]: ...
    def set_masks(self, wrapped: tf_keras.Model, masks: Arrays) -> None: ...


class Unmasked:
    """The masks of a network that is not pruned: none."""

    def wrapper_for(self, model: tf_keras.Model) -> Callable[[Layer], Layer]:
        return lambda layer: copied(layer, layer.name)

    def mask_variables(self, wrapped: tf_keras.Model) -> dict[str, tf.Variable]:
        return {}

    def set_masks(self, wrapped: tf_keras.Model, masks: Arrays) -> None: ...
