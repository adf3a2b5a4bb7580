from __future__ import annotations

import numpy as np
import pytest

from tf_dlth.exporting.keras_model import keras_model
from tf_dlth.exporting.reading import read_graph


@pytest.mark.parametrize("architecture", ["resnet18", "vgg11", "mobilenet_v2", "harmonic_resnet18"])
def test_a_graph_back_as_a_model_with_the_same_names(network, same, architecture: str) -> None:
    model = network(architecture)
    found = keras_model(read_graph(model), model.name)
    assert found.name == model.name
    assert found.input.name == "images" and found.layers[-1].name == "head"
    assert {layer.name for layer in found.layers if layer.weights} <= {layer.name for layer in model.layers}
    same(lambda x: found(x.astype(np.float32)).numpy(), model)
