from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
import tensorflow as tf
import tf_keras

from tf_dlth.errors import UserError
from tf_dlth.models import admission
from tf_dlth.models.admission import MAX_PARAMETERS, check, last_layer, limited_parameters
from tf_dlth.models.spec import ModelSpec

layers = tf_keras.layers
SPEC = ModelSpec(architecture="own:net", width=6, stem="small", head="linear", classes=4, input_shape=(8, 8, 1))


def net(*more: layers.Layer, shape: tuple[int, int, int] = (8, 8, 1), classes: int = 4) -> tf_keras.Model:
    return tf_keras.Sequential([layers.Flatten(input_shape=shape), layers.Dense(classes, name="logits"), *more])


@pytest.mark.parametrize("head", ["linear", "cosine", "tvmf"])
def test_what_is_functional_and_gives_logits_is_admitted(head: str):
    check(net(), SPEC.model_copy(update={"head": head}))


REFUSED: dict[str, tuple[Callable[[], Any], str]] = {
    "no model": (lambda: layers.Dense(4), "must return a tf_keras model, got tf_keras"),
    "another shape": (lambda: net(shape=(9, 9, 1)), r"must take images of shape \(8, 8, 1\), got \(9, 9, 1\)"),
    "other classes": (lambda: net(classes=5), r"must give logits of shape \(None, 4\), got \(None, 5\)"),
    "a softmax layer": (lambda: net(layers.Softmax()), "ends in softmax but must give logits"),
    "an activation": (lambda: net(layers.Activation("sigmoid")), "ends in sigmoid but must give logits"),
    "no shape": (lambda: tf_keras.Sequential([layers.Dense(4)]), "with a known input shape"),
    "a name of ours": (
        lambda: net(layers.Dense(4, name="normalise"), layers.Dense(4)),
        "leave the layer name normalise",
    ),
}


@pytest.mark.parametrize(("make", "reason"), REFUSED.values(), ids=REFUSED)
def test_what_is_not_is_one_line(make: Callable[[], Any], reason: str):
    with pytest.raises(UserError, match=rf"^model\.architecture: own:net .*{reason}") as refusal:
        check(make(), SPEC)
    assert "\n" not in str(refusal.value)


def test_another_head_needs_a_dense_layer_to_replace():
    pooled = tf_keras.Sequential([layers.Conv2D(4, 3, input_shape=(8, 8, 1)), layers.GlobalAveragePooling2D()])
    check(pooled, SPEC)
    with pytest.raises(UserError, match=r"must end in a Dense layer for model\.head: cosine"):
        check(pooled, SPEC.model_copy(update={"head": "cosine"}))


def test_the_last_layer_is_found_in_a_sub_model():
    images = tf_keras.Input((8, 8, 1))
    assert last_layer(tf_keras.Model(images, net()(images))).name == "logits"


def test_a_network_beyond_the_machine_is_refused_before_its_memory_is_taken(monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(admission, "MAX_PARAMETERS", 100)
    first, second = layers.Dense(9), layers.Dense(2, use_bias=False)
    with limited_parameters(SPEC):
        first.build(tf.TensorShape((None, 10)))
        with pytest.raises(UserError, match=r"own:net of width 6 has more than 100 parameters; .*model\.width"):
            second.build(tf.TensorShape((None, 1)))
    assert len(first.weights) == 2
    assert second.weights == []


def test_the_limit_leaves_room_for_every_published_network():
    """The largest, VGG-19 and ResNet-50 at twice the width, have some 100 million weights."""
    assert MAX_PARAMETERS > 5 * 100_000_000
