from __future__ import annotations

from collections.abc import Callable

import pytest
import tensorflow as tf
import tf_keras
from tf_keras import layers

from tf_dlth.config import Normalisation
from tf_dlth.errors import UserError
from tf_dlth.models import registry
from tf_dlth.models.build import build
from tf_dlth.models.spec import ModelSpec

SPEC = ModelSpec(architecture="own:net", width=4, stem="small", head="linear", classes=3, input_shape=(6, 6, 1))
MODELS: dict[str, tuple[Callable[[], object], str]] = {}
Model = tf_keras.Model


def refused(message: str) -> Callable[[Callable[[], object]], object]:
    """Registers a model with what is said about it."""

    def register(function: Callable[[], object]) -> Callable[[], object]:
        MODELS[function.__name__] = (function, message)
        return function

    return register


def network(*inner: layers.Layer, kind: type[Model] = Model, **call: bool) -> Model:
    x = images = tf_keras.Input(SPEC.input_shape)
    for layer in inner or (layers.Conv2D(2, 3, name="conv"),):
        x = layer(x, **call)
    return kind(images, layers.Dense(3, name="logits")(layers.Flatten(name="flat")(x)))


@refused(
    r"own:net is compiled, but loss and optimizer are the config's; leave compile out \(load_model: compile=False\)$"
)
def compiled():
    model = network()
    model.compile("adam", "mse")
    return model


class OwnStep(Model):
    def train_step(self, data):
        return super().train_step(data)


class OwnLoss(Model):
    def compute_loss(self, x=None, y=None, y_pred=None, sample_weight=None):
        return tf.constant(0.0)


class OwnCall(Model):
    def call(self, inputs, training=None, mask=None):
        return 2 * super().call(inputs, training, mask)


@refused(r"own:net has a train_step of its own \(OwnStep\), which is not called; return a plain Model$")
def train_step():
    return network(kind=OwnStep)


@refused(r"has a compute_loss of its own \(OwnLoss\)")
def compute_loss():
    return network(kind=OwnLoss)


@refused(r"\(OwnCall\), whose call is its own")
def call():
    return network(kind=OwnCall)


@refused(r"\(OwnCall\), whose call is its own")
def call_of_a_sub_model():
    images = tf_keras.Input(SPEC.input_shape)
    return network(OwnCall(images, layers.Conv2D(2, 3)(images)))


@refused(r"adds a function as a loss to \w+; add a tensor, or give the layer a regularizer$")
def loss_function():
    model = network()
    model.add_loss(lambda: tf.reduce_sum(model.get_layer("conv").kernel))
    return model


@refused(r"has the metric sparsity, which no run reports")
def metric_of_the_model():
    model = network()
    model.add_metric(tf.reduce_mean(model.get_layer("conv").output), name="sparsity")
    return model


class Measuring(layers.Layer):
    def call(self, inputs):
        self.add_metric(tf.reduce_mean(inputs), name="mean_input")
        return inputs


@refused(r"has the metric mean_input")
def metric_of_a_layer():
    return network(Measuring())


@refused(r"holds rows \(LSTM\), which is stateful")
def stateful():
    images = tf_keras.Input(SPEC.input_shape, batch_size=4)
    rows = layers.LSTM(2, stateful=True, name="rows")(layers.Reshape((6, 6))(images))
    return Model(images, layers.Dense(3)(rows))


class Eager(layers.Layer):
    def __init__(self, **kwargs):
        super().__init__(dynamic=True, **kwargs)

    def compute_output_shape(self, input_shape):
        return input_shape


@refused(r"holds eager \(Eager\), which is dynamic")
def dynamic():
    return network(Eager(name="eager"))


@refused(r"holds half \(Conv2D\), which computes in float16")
def half_precision():
    return network(layers.Conv2D(2, 3, dtype="mixed_float16", name="half"), layers.Activation("linear"))


@refused(r"holds norm \(Normalization\), which keeps norm/count:0 as int64; a ticket holds float32 variables$")
def counting():
    return network(layers.Normalization(name="norm"))


class OwnGenerator(layers.Layer):
    def __init__(self, **kwargs):
        super().__init__(**kwargs)
        self.generator = tf.random.Generator.from_seed(1)


@refused(r"holds noise \(OwnGenerator\), which has a random generator of its own")
def generator():
    return network(OwnGenerator(name="noise"))


@refused(r"^model.architecture: drop \(Dropout\) is called with training=True, which would hold in inference too")
def monte_carlo():
    return network(layers.Dropout(0.5, seed=1, name="drop"), training=True)


@refused(r"^model.architecture: layer noise draws outside of Keras' random layers, which a resumed run cannot replay")
def seedless():
    return network(layers.Lambda(lambda x: x + tf.random.normal(tf.shape(x)), name="noise"))


@refused(r"^model.architecture: own:net draws outside of Keras' random layers")
def seedless_operation():
    images = tf_keras.Input(SPEC.input_shape)
    return Model(images, layers.Dense(3)(layers.Flatten()(images + tf.random.normal([6, 6, 1]))))


@refused(
    r"^model.architecture: the regulariser of layer conv \(Conv2D\) is not the one that a copy by its get_config has"
)
def regulariser_set_too_late():
    """Keras does not honour it either."""
    model = network()
    model.get_layer("conv").kernel_regularizer = tf_keras.regularizers.L2(0.1)
    return model


@tf_keras.utils.register_keras_serializable(package="test_unsupported")
class Forgetful(layers.Layer):
    def __init__(self, limit=None, **kwargs):
        super().__init__(**kwargs)
        self.limit = limit

    def build(self, input_shape):
        self.scale = self.add_weight("scale", (), constraint=self.limit)

    def get_config(self):
        return super().get_config()


@refused(r"^model.architecture: the constraint of layer scaled \(Forgetful\) is not the one that a copy")
def constraint_without_config():
    return network(Forgetful(tf_keras.constraints.NonNeg(), name="scaled"))


class Unnamed(layers.Layer):
    def __init__(self, **kwargs):
        super().__init__(**kwargs)
        self.inner = layers.Dense(2)

    def call(self, inputs):
        return self.inner(inputs)


@refused(r"layer outer \(Unnamed\) and its copy differ in the variable dense\w*/bias; give the layers inside it names")
def unnamed_inside():
    return network(Unnamed(name="outer"))


@refused(r"two variables are called both/lstm_cell/kernel; give the layers names of their own$")
def both_directions():
    return network(layers.Reshape((6, 6)), layers.Bidirectional(layers.LSTM(2), name="both"))


@refused(r"^model.architecture: own:net uses the layer name conv twice; give the layers names of their own$")
def name_twice():
    images = tf_keras.Input(SPEC.input_shape)
    inner = Model(images, layers.Conv2D(2, 3, name="conv")(images))
    return network(inner, layers.Conv2D(2, 3, name="conv"))


class Outer(layers.Layer):
    """Does not take ``training``, which Keras would hand to the layer inside."""

    def __init__(self, **kwargs):
        super().__init__(**kwargs)
        self.inner = layers.BatchNormalization(name="inner")

    def call(self, inputs):
        return self.inner(inputs)


@refused(r"layer outer \(Outer\) lies in a sub-model that is called with training=False; its call must take training")
def training_that_does_not_reach():
    images = tf_keras.Input(SPEC.input_shape)
    return network(Model(images, Outer(name="outer")(images)), training=False)


@pytest.mark.parametrize("name", MODELS)
def test_what_a_run_cannot_follow_is_refused_by_name(monkeypatch: pytest.MonkeyPatch, name: str):
    make, message = MODELS[name]
    monkeypatch.setattr(registry, "_function", lambda _: lambda input_shape, classes, width: make())
    with pytest.raises(UserError, match=message) as caught:
        build(SPEC, Normalisation(mean=(0.5,), std=(0.5,)))
    assert "\n" not in str(caught.value)
