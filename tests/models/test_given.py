from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
import tf_keras
from tf_keras import layers

from tf_dlth.config import Normalisation
from tf_dlth.errors import UserError
from tf_dlth.models import registry
from tf_dlth.models.build import Built, assemble
from tf_dlth.models.given import frozen_names, given_names
from tf_dlth.models.initialisation import initial_weights
from tf_dlth.models.spec import ModelSpec

SPEC = ModelSpec(architecture="own:net", width=4, stem="small", head="linear", classes=3, input_shape=(6, 6, 1))
Built2 = tuple[Built, Callable[[], Built]]


@pytest.fixture
def made(monkeypatch: pytest.MonkeyPatch) -> Callable[..., Built2]:
    """The network of ``change(model)``, where the model is two convolutions and a linear layer, and how to make it."""

    def make(change: Callable[[tf_keras.Model], object], *extra: tf_keras.layers.Layer, **head: str) -> Built2:
        def net(input_shape, classes, width) -> tf_keras.Model:
            x = images = tf_keras.Input(input_shape)
            for layer in (layers.Conv2D(4, 3, name="first"), layers.BatchNormalization(name="norm"), *extra):
                x = type(layer).from_config(layer.get_config())(x)
            x = layers.GlobalAveragePooling2D()(layers.Conv2D(4, 3, kernel_initializer="orthogonal", name="second")(x))
            model = tf_keras.Model(images, layers.Dense(classes, name="logits")(x))
            change(model)
            return model

        monkeypatch.setattr(registry, "_function", lambda _: net)

        def build() -> Built:
            return assemble(SPEC.model_copy(update=head), Normalisation(mean=(0.5,), std=(0.5,)))

        return build(), build

    return make


def nothing(model: tf_keras.Model) -> None:
    pass


def load(*names: str) -> Callable[[tf_keras.Model], None]:
    """Sets all weights of these layers to the same values in every process, as if read from a file."""

    def change(model: tf_keras.Model) -> None:
        for number, name in enumerate(names):
            layer = model.get_layer(name)
            random = np.random.RandomState(number)
            layer.set_weights([random.normal(size=weight.shape.as_list()) for weight in layer.weights])

    return change


def test_what_keras_draws_is_not_given(made):
    assert given_names(*made(nothing)) == ()


def test_a_second_building_is_spared_where_initialisers_explain_all(made):
    built, _ = made(nothing)
    given_names(built, lambda: pytest.fail("built again"))


def test_what_the_function_sets_is_given_and_stays(made):
    built, again = made(load("second", "norm", "logits"))
    given = given_names(built, again)
    norm = ["norm/gamma", "norm/beta", "norm/moving_mean", "norm/moving_variance"]
    assert given == (*norm, "second/kernel", "second/bias", "head/kernel", "head/bias")
    weights, other = (initial_weights(built.model, seed, given) for seed in (1, 2))
    wanted = np.random.RandomState(0).normal(size=(3, 3, 4, 4)).astype(np.float32)
    np.testing.assert_array_equal(weights["second/kernel"], wanted)
    assert all(np.array_equal(weights[name], other[name]) for name in given)
    assert not np.array_equal(weights["first/kernel"], other["first/kernel"])


def test_single_values_are_told_apart(made):
    def change(model: tf_keras.Model) -> None:
        model.get_layer("first").bias.assign(np.full(4, 0.5))

    assert given_names(*made(change)) == ("first/bias",)


def test_a_head_that_is_replaced_is_drawn(made):
    assert given_names(*made(load("logits"), head="cosine")) == ()


def test_a_seed_in_the_function_does_not_make_a_draw_a_gift(made):
    """Runs of other seeds shall begin elsewhere, and layers of one shape with other values."""
    he: Any = tf_keras.initializers.HeNormal(seed=7)
    seeded = layers.Conv2D(4, 3, kernel_initializer=he, padding="same", name="seeded")
    assert given_names(*made(nothing, seeded)) == ()


def test_values_that_change_from_building_to_building_are_drawn_where_that_is_possible(made):
    def change(model: tf_keras.Model) -> None:
        kernel = model.get_layer("first").kernel
        kernel.assign(np.random.normal(size=kernel.shape.as_list()))

    assert given_names(*made(change)) == ()


@tf_keras.utils.register_keras_serializable(package="test_given")
class Buffer(layers.Layer):
    """Draws an untrained variable by itself."""

    def build(self, input_shape):
        self.buffer = self.add_weight("buffer", (3,), trainable=False)
        self.buffer.assign(np.random.normal(size=3))
        super().build(input_shape)


def test_values_that_change_and_that_nothing_draws_are_refused(made):
    with pytest.raises(UserError, match=r"^model.architecture: own/buffer has another value .* as buffer_initializer$"):
        given_names(*made(nothing, Buffer(name="own")))


def test_lstm_biases_stay_as_keras_makes_them(made):
    """One for the forget gate, which no initialiser attribute says."""
    rows = [layers.TimeDistributed(layers.LSTM(2, return_sequences=True, name="lstm"), name="rows")]
    built, again = made(nothing, *rows)
    (name,) = given_names(built, again)
    np.testing.assert_array_equal(initial_weights(built.model, 0, [name])[name], [0, 0, 1, 1, 0, 0, 0, 0])


def test_frozen_are_variables_that_were_made_to_be_trained(made):
    def change(model: tf_keras.Model) -> None:
        model.get_layer("first").trainable = model.get_layer("norm").trainable = False

    names = frozen_names(made(change)[0])
    assert names == ("first/kernel", "first/bias", "norm/gamma", "norm/beta")
    assert frozen_names(made(nothing)[0]) == ()
