from __future__ import annotations

import numpy as np
import tf_keras

from tf_dlth.config import TrainingConfig
from tf_dlth.models import variables
from tf_dlth.training.devices import mirrored
from tf_dlth.training.losses import per_example_loss
from tf_dlth.training.masking import Unmasked
from tf_dlth.training.network import Network
from tf_dlth.training.objectives import Classification


def net() -> tf_keras.Model:
    images = tf_keras.Input((2, 2, 1), name="images")
    flat = tf_keras.layers.Flatten(name="flat")(images)
    return tf_keras.Model(images, tf_keras.layers.Dense(3, name="head")(flat))


def test_a_layer_is_copied_as_it_is_configured():
    layer = tf_keras.layers.Conv2D(4, 3, strides=2, use_bias=False, name="conv")
    copy = Unmasked().wrapper_for(net())(layer)
    assert copy is not layer
    assert type(copy) is tf_keras.layers.Conv2D
    assert copy.get_config() == layer.get_config()


def test_a_network_without_masks_has_the_plain_ones_variables():
    plain, masking = net(), Unmasked()
    network = Network(
        plain, TrainingConfig(), mirrored(["/CPU:0"]), masking, Classification(per_example_loss("cross_entropy"))
    )
    assert masking.mask_variables(network.model) == {}
    assert variables.named_variables(network.model).keys() == variables.named_variables(plain).keys()
    weights = {"head/kernel": np.arange(12.0, dtype=np.float32).reshape(4, 3), "head/bias": np.ones(3, np.float32)}
    network.load(weights, {})
    for name, value in network.weights().items():
        np.testing.assert_array_equal(value, weights[name])
