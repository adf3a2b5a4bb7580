from __future__ import annotations

import numpy as np
import pytest
import tensorflow as tf
import tf_keras

from tf_dlth.errors import UserError
from tf_dlth.models.copying import Copier, copied

layers = tf_keras.layers


def same(layer: layers.Layer) -> layers.Layer:
    return copied(layer, layer.name)


def copy_of(model: tf_keras.Model) -> tf_keras.Model:
    """Onto a new input, with the weights of the original."""
    images = tf_keras.Input(model.input_shape[1:])
    copy = tf_keras.Model(images, Copier(same).apply(model, images))
    copy.set_weights(model.get_weights())
    return copy


def branching() -> tf_keras.Model:
    """A layer that is called twice, a sub-model, constants as arguments, and a sum."""
    inner_input = tf_keras.Input((6,))
    inner = tf_keras.Model(inner_input, layers.Dense(6, "relu", name="inner")(inner_input), name="sub")
    images = tf_keras.Input((6,))
    shared = layers.Dense(6, name="shared")
    x = shared(shared(images))
    x = layers.Add(name="sum")([inner(x), tf.math.scalar_mul(0.5, images)])
    return tf_keras.Model(images, layers.Dense(2, name="last")(x))


def test_a_copy_computes_the_same():
    model = branching()
    copy, x = copy_of(model), np.random.default_rng(0).normal(size=(3, 6)).astype(np.float32)
    np.testing.assert_array_equal(copy(x), model(x))


def test_a_copy_is_flat_and_shares_no_variable():
    model = branching()
    copy = copy_of(model)
    assert not any(isinstance(layer, tf_keras.Model) for layer in copy.layers)
    assert {"inner", "shared", "sum", "last"} <= {layer.name for layer in copy.layers}
    assert not {id(v) for v in copy.variables} & {id(v) for v in model.variables}


def test_a_shared_layer_is_copied_once():
    asked: list[str] = []

    def copy(layer: layers.Layer) -> layers.Layer:
        asked.append(layer.name)
        return same(layer)

    model = branching()
    Copier(copy).apply(model, tf_keras.Input((6,)))
    assert asked.count("shared") == 1
    assert len(asked) == len(set(asked))


def test_another_layer_may_take_the_place():
    model = branching()
    copier = Copier(lambda layer: layers.Dense(5, name="head") if layer.name == "last" else same(layer))
    assert copier.apply(model, tf_keras.Input((6,))).shape == (None, 5)


def test_a_copied_layer_has_the_configuration_under_the_new_name():
    layer = layers.Conv2D(3, 5, strides=2, padding="same", use_bias=False, name="conv")
    copy = copied(layer, "head")
    assert type(copy) is layers.Conv2D
    assert copy.get_config() == {**layer.get_config(), "name": "head"}


def test_a_layer_that_does_not_tell_its_arguments():
    class NoConfig(layers.Layer):
        def __init__(self, size: int) -> None:
            super().__init__(name="own")
            self.size = size

    with pytest.raises(UserError, match=r"layer own \(NoConfig\) cannot be copied from its get_config: ") as refusal:
        copied(NoConfig(3), "own")
    assert "\n" not in str(refusal.value)
