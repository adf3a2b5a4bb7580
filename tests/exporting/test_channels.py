from __future__ import annotations

import numpy as np
import tf_keras

from tf_dlth.exporting.channels import kept_channels
from tf_dlth.exporting.constants import constants
from tf_dlth.exporting.reading import read_graph

layers = tf_keras.layers


def chain(size: int, bias: list[float]) -> dict[str, list[bool]]:
    """Two convolutions: the first one's filters 0 and 1 have no weights, and the second does not read 2."""
    images = tf_keras.Input((4, 4, 1), name="images")
    first = layers.Conv2D(4, 1, name="first")
    second = layers.Conv2D(2, size, padding="same", name="second")
    model = tf_keras.Model(images, second(layers.ReLU(name="relu")(first(images))))
    first.set_weights([np.array([0.0, 0, 1, 1]).reshape(1, 1, 1, 4), np.array(bias)])
    second.kernel.assign(np.array([1.0, 1, 0, 1])[:, None] * np.ones((size, size, 4, 2)))
    graph = read_graph(model)
    return {name: kept.tolist() for name, kept in kept_channels(graph, constants(graph)).items()}


def test_a_constant_is_kept_only_where_zeros_are_padded_around_it() -> None:
    """The biases 1 and -1 are 1 and 0 after the ReLU."""
    assert chain(1, [1.0, -1.0, 0.0, 0.0])["first"] == [False, False, False, True]
    assert chain(3, [1.0, -1.0, 0.0, 0.0])["first"] == [True, False, False, True]


def test_a_sum_keeps_what_any_of_its_readers_needs() -> None:
    images = tf_keras.Input((4, 4, 3), name="images")
    x = layers.Conv2D(3, 1, name="x")(images)
    side = layers.Conv2D(3, 1, name="side")(x)
    total = layers.Add(name="total")([x, side])
    head, own = layers.Conv2D(1, 1, name="head"), layers.Conv2D(3, 1, name="own")
    model = tf_keras.Model(images, layers.Concatenate()([head(total), own(images)]))
    head.kernel.assign(np.array([1.0, 0, 0]).reshape(1, 1, 3, 1))
    model.get_layer("side").kernel.assign(np.diag([0.0, 0, 1])[None, None] + np.eye(3)[[1, 0, 2]] * 0.5)
    graph = read_graph(model)
    kept = kept_channels(graph, constants(graph))
    # The head reads channel 0 alone, for which `side` reads channel 1 of x.
    assert kept["total"].tolist() == kept["x"].tolist() == kept["side"].tolist() == [True, True, False]
    assert kept["images"].all() and kept["own"].all()
