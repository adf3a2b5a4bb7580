from __future__ import annotations

import numpy as np
import pytest
import tensorflow as tf

from tf_dlth.config import TrainingConfig
from tf_dlth.training.optimizer import MaskedSGD
from tf_dlth.training.schedule import Schedule

STEPS = 50
SCHEDULE = Schedule(images=5, batch_size=1, epochs=10, learning_rate=0.3, evaluate_every=1)
MASK = np.array([[1, 0, 1], [0, 0, 1]], np.float32)


def optimizer(rate: float = 0.1, momentum: float = 0.9, decay: float = 0.0005) -> MaskedSGD:
    return MaskedSGD(TrainingConfig(learning_rate=rate, momentum=momentum, weight_decay=decay))


def variable(values: np.ndarray | list[float]) -> tf.Variable:
    return tf.Variable(tf.constant(values, tf.float32))


def kernel_and_scale() -> tuple[tf.Variable, tf.Variable]:
    values = np.random.RandomState(0).randn(2, 3).astype(np.float32)
    return variable(values * MASK), variable([1.0, -2.0])


def test_against_numpy_with_a_changing_rate():
    """PyTorch's order: decay joins the gradient, the rate stays out of the velocity; BatchNorm and biases decay too."""
    kernel, scale = kernel_and_scale()
    sgd = optimizer(decay=0.01)
    sgd.track([kernel, scale], [variable(MASK), None])
    random = np.random.RandomState(1)
    w = [kernel.numpy().astype(np.float64), scale.numpy().astype(np.float64)]
    v = [np.zeros_like(x) for x in w]
    for step in range(STEPS):
        rate = SCHEDULE.rate(1 + step // 5)
        sgd.learning_rate = rate
        gradients = [random.randn(*x.shape).astype(np.float32) for x in w]
        sgd.apply_gradients(zip(map(tf.constant, gradients), (kernel, scale), strict=True))
        for i, mask in enumerate((MASK, 1.0)):
            v[i] = mask * (0.9 * v[i] + gradients[i] + 0.01 * w[i])
            w[i] = mask * (w[i] - rate * v[i])
    for found, velocity, wi, vi in zip((kernel, scale), sgd.velocities, w, v, strict=True):
        np.testing.assert_allclose(found.numpy(), wi, rtol=2e-5, atol=1e-6)
        np.testing.assert_allclose(velocity.numpy(), vi, rtol=2e-5, atol=1e-6)


def test_it_is_not_what_keras_does():
    """Keras folds the rate into the velocity; the two part when the rate changes."""
    import tf_keras

    ours, theirs = variable([1.0]), variable([1.0])
    sgd, keras = optimizer(decay=0.0), tf_keras.optimizers.SGD(0.1, momentum=0.9)
    sgd.track([ours], [None])
    for rate in (0.1, 0.01):
        sgd.learning_rate = keras.learning_rate = rate
        sgd.apply_gradients([(tf.constant([1.0]), ours)])
        keras.apply_gradients([(tf.constant([1.0]), theirs)])
    assert ours.numpy()[0] == pytest.approx(1 - 0.1 - 0.01 * 1.9)
    assert theirs.numpy()[0] == pytest.approx(1 - 0.1 - (0.09 + 0.01))


@pytest.mark.parametrize("momentum", [0.0, 0.5, 0.9])
@pytest.mark.parametrize("decay", [0.0, 0.0005, 0.5])
@pytest.mark.parametrize("on_pruned", [1.0, 1e38, np.inf, np.nan], ids=["one", "huge", "infinite", "nan"])
def test_r12_pruned_weights_and_velocities_stay_exactly_zero(momentum: float, decay: float, on_pruned: float):
    kernel, _ = kernel_and_scale()
    sgd = optimizer(momentum=momentum, decay=decay)
    sgd.track([kernel], [variable(MASK)])
    gradient = np.where(MASK > 0, 0.1, on_pruned).astype(np.float32)

    @tf.function
    def steps() -> None:
        for _ in tf.range(STEPS):
            sgd.apply_gradients([(tf.constant(gradient), kernel)])

    steps()
    for values in (kernel.numpy(), sgd.velocities[0].numpy()):
        assert np.all(values[MASK == 0] == 0)
        assert np.all(np.isfinite(values)) and np.all(values[MASK == 1] != 0)


def test_a_broken_gradient_of_a_kept_weight_is_not_hidden():
    kernel, _ = kernel_and_scale()
    sgd = optimizer()
    sgd.track([kernel], [variable(MASK)])
    sgd.apply_gradients([(tf.fill((2, 3), np.nan), kernel)])
    assert np.isnan(kernel.numpy()[MASK == 1]).all()


def test_the_optimizer_survives_its_config():
    sgd = MaskedSGD(TrainingConfig(momentum=0.7, weight_decay=0.02))
    config = sgd.get_config()
    assert config["momentum"] == 0.7
    assert config["decay"] == 0.02
