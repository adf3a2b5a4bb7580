from __future__ import annotations

import pytest
import tf_keras

from tf_dlth.models.prunable import prunable_names
from tf_dlth.models.variables import named_variables


def test_vgg_has_four_pools_and_biases(network):
    model = network("vgg16", width=64)
    pools = [x for x in model.layers if isinstance(x, tf_keras.layers.MaxPooling2D)]
    assert [x.name for x in pools] == ["stage1_pool", "stage2_pool", "stage3_pool", "stage4_pool"]
    assert model.get_layer("stage5_out").output_shape[1:] == (2, 2, 512)
    assert "stage1_conv1/bias" in named_variables(model)


@pytest.mark.parametrize(("architecture", "convolutions"), [("vgg11", 8), ("vgg13", 10), ("vgg16", 13), ("vgg19", 16)])
def test_the_number_counts_convolutions_and_three_layers(network, architecture: str, convolutions: int):
    """Of the published network's three linear layers one is left here."""
    assert len(prunable_names(network(architecture, width=4))) == convolutions == int(architecture[3:]) - 3


def test_filters_double_up_to_eight_times_the_width(network):
    model = network("vgg16", width=4)
    assert [model.get_layer(f"stage{stage}_out").output_shape[-1] for stage in range(1, 6)] == [4, 8, 16, 32, 32]
