"""Own models train as Keras' ``fit`` trains them: plain SGD steps of both, compared variable by variable."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping

import numpy as np
import pytest
import tensorflow as tf
import tf_keras
from tf_keras import constraints, layers, regularizers

from tf_dlth.config import Normalisation, TrainingConfig
from tf_dlth.lottery import wrapping
from tf_dlth.models import registry
from tf_dlth.models.build import build
from tf_dlth.models.spec import ModelSpec
from tf_dlth.models.variables import of_layer
from tf_dlth.training.devices import mirrored
from tf_dlth.training.losses import per_example_loss
from tf_dlth.training.network import Network
from tf_dlth.training.objectives import Classification

SPEC = ModelSpec(architecture="own:net", width=4, stem="small", head="linear", classes=3, input_shape=(6, 6, 2))
BATCH, RATE, EPOCHS = 8, 0.1, 3
MODELS: dict[str, Callable[[], tf_keras.Model]] = {}


def own(function: Callable[[], tf_keras.Model]) -> Callable[[], tf_keras.Model]:
    MODELS[function.__name__] = function
    return function


def convolutions(
    first: layers.Layer | None = None, norm: layers.Layer | None = None, second: layers.Layer | None = None
) -> tf_keras.Model:
    """Convolution, BatchNorm, ReLU, convolution, pool, logits, with some of the layers given."""
    images = tf_keras.Input(SPEC.input_shape)
    x = (first or layers.Conv2D(4, 3, name="first"))(images)
    x = layers.ReLU(name="relu")((norm or layers.BatchNormalization(momentum=0.8, name="norm"))(x))
    x = (second or layers.Conv2D(5, 3, name="second"))(x)
    return tf_keras.Model(images, layers.Dense(3, name="logits")(layers.GlobalAveragePooling2D(name="pool")(x)))


@own
def plain() -> tf_keras.Model:
    return convolutions()


@own
def kernel_and_bias_regularisers() -> tf_keras.Model:
    l2, l1 = regularizers.L2(0.05), regularizers.L1(0.1)
    second = layers.Conv2D(5, 3, kernel_regularizer=l1, bias_regularizer=l2, name="second")
    return convolutions(layers.Conv2D(4, 3, kernel_regularizer=l2, name="first"), second=second)


@own
def norm_regulariser() -> tf_keras.Model:
    return convolutions(norm=layers.BatchNormalization(gamma_regularizer="l2", name="norm"))


@own
def depthwise_and_separable_regularisers() -> tf_keras.Model:
    return convolutions(
        layers.DepthwiseConv2D(3, depthwise_regularizer=regularizers.L2(0.2), name="first"),
        second=layers.SeparableConv2D(5, 3, pointwise_regularizer=regularizers.L2(0.2), name="second"),
    )


@own
def activity_regularisers() -> tf_keras.Model:
    """On layers that are wrapped for pruning and on one that is not."""
    l2 = regularizers.L2(0.01)
    return convolutions(
        layers.Conv2D(4, 3, activity_regularizer=l2, name="first"),
        layers.BatchNormalization(activity_regularizer=l2, name="norm"),
        layers.DepthwiseConv2D(3, activity_regularizer=l2, name="second"),
    )


@own
def activity_regularisation_layer() -> tf_keras.Model:
    return convolutions(norm=layers.ActivityRegularization(l1=0.01, name="activity"))


class Penalised(layers.Layer):
    """Adds a loss in its call, and holds a layer with a regulariser of its own."""

    def __init__(self, **kwargs):
        super().__init__(**kwargs)
        self.inner = layers.Dense(4, kernel_regularizer=regularizers.L2(0.3), activity_regularizer="l2", name="inner")

    def call(self, inputs):
        outputs = self.inner(inputs)
        self.add_loss(0.3 * tf.reduce_mean(tf.square(outputs)))
        return outputs


@own
def losses_inside_of_layers() -> tf_keras.Model:
    return convolutions(second=Penalised(name="penalised"))


@own
def loss_of_the_model() -> tf_keras.Model:
    model = convolutions()
    model.add_loss(0.5 * tf.reduce_mean(tf.square(model.get_layer("norm").output)))
    return model


@own
def loss_beside_the_output() -> tf_keras.Model:
    """Of layers that lead nowhere else."""
    model = convolutions()
    side = layers.Dense(2, name="side")(model.get_layer("norm").output)
    model.add_loss(0.5 * tf.reduce_mean(tf.abs(side)))
    return model


def around(sub_model: tf_keras.Model, **call) -> tf_keras.Model:
    images = tf_keras.Input(SPEC.input_shape)
    x = layers.Conv2D(5, 3, name="after")(sub_model(images, **call))
    return tf_keras.Model(images, layers.Dense(3, name="logits")(layers.GlobalAveragePooling2D()(x)))


def base() -> tf_keras.Model:
    images = tf_keras.Input(SPEC.input_shape)
    x = layers.Conv2D(4, 3, kernel_regularizer="l2", name="first")(images)
    return tf_keras.Model(images, layers.BatchNormalization(momentum=0.8, name="norm")(x), name="base")


@own
def loss_of_a_sub_model() -> tf_keras.Model:
    inner = base()
    inner.add_loss(0.5 * tf.reduce_mean(tf.square(inner.output)))
    return around(inner)


@own
def frozen_layer() -> tf_keras.Model:
    return convolutions(layers.Conv2D(4, 3, trainable=False, kernel_regularizer="l2", name="first"))


@own
def layer_frozen_later() -> tf_keras.Model:
    model = convolutions()
    model.get_layer("second").trainable = False
    return model


@own
def frozen_norm() -> tf_keras.Model:
    return convolutions(norm=layers.BatchNormalization(trainable=False, name="norm"))


@own
def frozen_sub_model() -> tf_keras.Model:
    inner = base()
    inner.trainable = False
    return around(inner)


@own
def frozen_sub_model_with_a_norm_thawed() -> tf_keras.Model:
    """Whose gamma and beta stay, as the sub-model is frozen, but whose statistics move on."""
    inner = base()
    inner.trainable = False
    inner.get_layer("norm").trainable = True
    return around(inner)


@own
def sub_model_with_a_layer_thawed() -> tf_keras.Model:
    inner = base()
    for layer in inner.layers[:-1]:
        layer.trainable = False
    return around(inner)


@own
def sub_model_in_inference() -> tf_keras.Model:
    return around(base(), training=False)


class Scaled(layers.Layer):
    """A trained and a fixed variable."""

    def __init__(self, **kwargs):
        super().__init__(**kwargs)
        self.scale_initializer = self.fixed_initializer = tf_keras.initializers.Constant(0.7)  # type: ignore[arg-type]

    def build(self, input_shape):
        self.scale = self.add_weight("scale", (input_shape[-1],), initializer=self.scale_initializer)
        self.fixed = self.add_weight("fixed", (), initializer=self.fixed_initializer, trainable=False)
        super().build(input_shape)

    def call(self, inputs):
        return inputs * self.scale * self.fixed


@own
def fixed_variable() -> tf_keras.Model:
    return convolutions(second=Scaled(name="scaled"))


class Gated(layers.Layer):
    """Two layers inside, one of them frozen."""

    def __init__(self, **kwargs):
        super().__init__(**kwargs)
        self.value, self.gate = layers.Dense(4, name="value"), layers.Dense(4, "sigmoid", name="gate", trainable=False)

    def call(self, inputs):
        return self.value(inputs) * self.gate(inputs)


@own
def frozen_layer_inside_a_layer() -> tf_keras.Model:
    return convolutions(second=Gated(name="gated"))


@own
def half_of_a_layer_frozen() -> tf_keras.Model:
    """A prunable layer of which one of two prunable variables is frozen, through what Keras itself keeps."""
    layer = layers.SeparableConv2D(5, 3, name="second")
    model = convolutions(second=layer)
    layer._trainable_weights.pop(0)
    layer._non_trainable_weights.append(layer.depthwise_kernel)
    return model


@own
def kernel_constraints() -> tf_keras.Model:
    short = constraints.MaxNorm(0.2)  # type: ignore[arg-type]
    unit = constraints.UnitNorm(axis=[0, 1, 2])  # type: ignore[arg-type]
    return convolutions(
        layers.Conv2D(4, 3, kernel_constraint=short, bias_constraint="non_neg", name="first"),
        second=layers.Conv2D(5, 3, kernel_constraint=unit, name="second"),
    )


@own
def shared_layer() -> tf_keras.Model:
    """One convolution called twice, its activity regulariser counted twice."""
    images = tf_keras.Input(SPEC.input_shape)
    shared = layers.Conv2D(2, 3, padding="same", activity_regularizer=regularizers.L2(0.01), name="shared")
    x = shared(layers.ReLU(name="relu")(shared(images)))
    return tf_keras.Model(images, layers.Dense(3, name="logits")(layers.GlobalAveragePooling2D(name="pool")(x)))


@own
def shared_sub_model() -> tf_keras.Model:
    images, maps = tf_keras.Input(SPEC.input_shape), tf_keras.Input(SPEC.input_shape)
    inner = tf_keras.Model(maps, layers.Conv2D(2, 3, padding="same", name="inner")(maps), name="sub")
    x = inner(layers.ReLU(name="relu")(inner(images)))
    return tf_keras.Model(images, layers.Dense(3, name="logits")(layers.GlobalAveragePooling2D(name="pool")(x)))


SCALE = 1.5


@own
def lambda_layer() -> tf_keras.Model:
    """Whose code refers to this module."""
    return convolutions(norm=layers.Lambda(lambda x: SCALE * x, name="scaled"))


@own
def operations() -> tf_keras.Model:
    images = tf_keras.Input(SPEC.input_shape)
    x = tf.nn.relu(layers.Conv2D(4, 3, name="first")(images) * 2.0 - 0.5)
    return tf_keras.Model(images, layers.Dense(3, name="logits")(tf.reduce_mean(x, [1, 2])))


@own
def recurrent() -> tf_keras.Model:
    images = tf_keras.Input(SPEC.input_shape)
    rows = layers.Reshape((6, 12), name="rows")(images)
    x = layers.LSTM(3, return_sequences=True, kernel_regularizer="l2", name="lstm")(rows)
    return tf_keras.Model(images, layers.Dense(3, name="logits")(layers.GRU(4, name="gru")(x)))


@own
def attention() -> tf_keras.Model:
    images = tf_keras.Input(SPEC.input_shape)
    x = layers.LayerNormalization(name="norm")(layers.Reshape((36, 2), name="tokens")(images))
    x = layers.MultiHeadAttention(2, 3, kernel_regularizer="l2", name="attention")(x, x)
    return tf_keras.Model(images, layers.Dense(3, name="logits")(layers.GlobalAveragePooling1D(name="pool")(x)))


@own
def time_distributed() -> tf_keras.Model:
    images = tf_keras.Input(SPEC.input_shape)
    x = layers.TimeDistributed(layers.Conv1D(4, 3, name="conv", kernel_regularizer="l2"), name="rows")(images)
    x = layers.ReLU(name="relu")(x)
    return tf_keras.Model(images, layers.Dense(3, name="logits")(layers.GlobalAveragePooling2D(name="pool")(x)))


@own
def penalties_without_statistics() -> tf_keras.Model:
    """Of weights, activities and the model, without BatchNorm, which Keras computes on each device alone."""
    model = convolutions(
        layers.Conv2D(4, 3, kernel_regularizer=regularizers.L2(0.05), name="first"),
        layers.Conv2D(4, 1, activity_regularizer=regularizers.L2(0.01), name="norm"),
    )
    model.add_loss(0.5 * tf.reduce_mean(tf.square(model.get_layer("norm").output)))
    return model


@tf_keras.utils.register_keras_serializable(package="test_keras_fit")
class AtLeast(constraints.Constraint):
    """A constraint under which no weight is zero."""

    def __call__(self, w):
        return tf.maximum(w, 0.1)


@own
def constraint_that_revives() -> tf_keras.Model:
    return convolutions(layers.Conv2D(4, 3, kernel_constraint=AtLeast(), name="first"))


Chosen = Callable[[str], tf_keras.Model]


@pytest.fixture
def chosen(monkeypatch: pytest.MonkeyPatch) -> Chosen:
    """Makes ``own:net`` one of MODELS, and gives that model as Keras has it."""

    def choose(name: str) -> tf_keras.Model:
        monkeypatch.setattr(registry, "_function", lambda _: lambda input_shape, classes, width: MODELS[name]())
        return MODELS[name]()

    return choose


def leaves(model: tf_keras.Model) -> Iterator[tf_keras.layers.Layer]:
    for layer in model.layers:
        if isinstance(layer, tf_keras.Model):
            yield from leaves(layer)
        else:
            yield layer


def by_name(model: tf_keras.Model) -> dict[str, tf.Variable]:
    """A nested model's variables by the names that they have here."""
    last = model.layers[-1] if model.output is model.layers[-1].output else model.get_layer("logits")
    named = {}
    for layer in leaves(model):
        name = "head" if layer is last else layer.name
        named |= {f"{name}/{leaf}": found.variable for leaf, found in of_layer(layer).items()}
    return named


def read_by_name(model: tf_keras.Model) -> dict[str, np.ndarray]:
    return {name: np.array(variable.numpy()) for name, variable in by_name(model).items()}


def images_and_labels() -> tuple[np.ndarray, np.ndarray]:
    random = np.random.RandomState(3)
    return random.randint(0, 256, (16, 6, 6, 2)).astype(np.uint8), random.randint(0, 3, 16).astype(np.int32)


def fitted(model: tf_keras.Model) -> dict[str, np.ndarray]:
    """What Keras makes of ``model``."""
    images, labels = images_and_labels()
    normalised = (images.astype(np.float32) / 255 - 0.5) / 0.25
    model.compile(tf_keras.optimizers.SGD(RATE), tf_keras.losses.SparseCategoricalCrossentropy(from_logits=True))
    model.fit(normalised, labels, batch_size=BATCH, epochs=EPOCHS, shuffle=False, verbose=0)  # type: ignore[arg-type]
    return {name: variable.numpy() for name, variable in by_name(model).items()}


def network_on(devices: int) -> Network:
    plain = build(SPEC, Normalisation(mean=(0.5, 0.5), std=(0.25, 0.25)))
    config = TrainingConfig(momentum=0.0, weight_decay=0.0)
    objective = Classification(per_example_loss("cross_entropy"))
    return Network(plain, config, mirrored([f"/CPU:{i}" for i in range(devices)]), wrapping, objective)


def trained(network: Network, weights: dict[str, np.ndarray], masks: Mapping[str, np.ndarray]) -> dict[str, np.ndarray]:
    network.load(weights, masks)
    network.set_learning_rate(RATE)
    dataset = tf.data.Dataset.from_tensor_slices(images_and_labels()).batch(BATCH).repeat()
    network.run(network.batches(dataset), EPOCHS * 16 // BATCH)
    return network.weights()


def all_ones(network: Network) -> dict[str, np.ndarray]:
    return {name: mask.numpy() > 0 for name, mask in wrapping.mask_variables(network.model).items()}


def assert_close(found: dict[str, np.ndarray], wanted: dict[str, np.ndarray]) -> None:
    assert found.keys() == wanted.keys()
    for name in wanted:
        np.testing.assert_allclose(found[name], wanted[name], rtol=2e-4, atol=2e-5, err_msg=name)


@pytest.mark.parametrize("name", MODELS)
def test_an_own_model_trains_as_in_keras(chosen: Chosen, name: str):
    model = chosen(name)
    before, trains = read_by_name(model), {id(variable) for variable in model.trainable_weights}
    trainable = {key for key, variable in by_name(model).items() if id(variable) in trains}
    wanted, network = fitted(model), network_on(1)
    found = trained(network, before, all_ones(network))
    assert_close(found, wanted)
    assert network.momentum().keys() == trainable
    assert all_ones(network).keys() <= trainable
    assert any(not np.array_equal(found[key], before[key]) for key in trainable)


@pytest.mark.parametrize("name", ["penalties_without_statistics"])
def test_penalties_on_two_devices_are_those_of_keras(chosen: Chosen, name: str):
    with mirrored(["/CPU:0", "/CPU:1"]).scope():
        model = chosen(name)
    before, network = read_by_name(model), network_on(2)
    assert_close(trained(network, before, all_ones(network)), fitted(model))


@pytest.mark.parametrize("devices", [1, 2])
def test_a_constraint_revives_no_pruned_weight(chosen: Chosen, devices: int):
    before, network = read_by_name(chosen("constraint_that_revives")), network_on(devices)
    mask = np.arange(72).reshape(3, 3, 2, 4) % 3 > 0
    masks = {**all_ones(network), "first/kernel": mask}
    kernel = trained(network, {**before, "first/kernel": before["first/kernel"] * mask}, masks)["first/kernel"]
    assert not kernel[~mask].any()
    assert kernel[mask].min() >= np.float32(0.1)
