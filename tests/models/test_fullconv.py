from __future__ import annotations

import numpy as np
import pytest
import tensorflow as tf
import tf_keras

from tf_dlth.models.variables import named_variables


@pytest.mark.parametrize(
    ("side", "stem", "sizes"),
    [
        (32, "small", (32, 36, 40, 23, 27, 17, 21, 14, 18)),
        (64, "small", (64, 68, 72, 39, 43, 25, 29, 18, 22)),
        (224, "full", (56, 60, 64, 35, 39, 23, 27, 17, 21)),
    ],
)
def test_fullconv_map_sizes(network, side: int, stem: str, sizes: tuple[int, ...]):
    model = network("fullconv_resnet18", width=4, stem=stem, input_shape=(side, side, 3))
    first = "stem_pool" if stem == "full" else "stem_relu"
    outputs = [x for x in model.layers if x.name == first or x.name.endswith("_out")]
    assert tuple(x.output_shape[1] for x in outputs) == sizes


def test_fullconv_identity_meets_the_main_path_in_the_middle(network):
    """With a main path of zeros, a block is its input with a margin of 2."""
    model = network("fullconv_resnet18", width=4)
    for name, variable in named_variables(model).items():
        if name.startswith("stage1_block1_bn2"):
            variable.assign(tf.zeros_like(variable) if "variance" not in name else tf.ones_like(variable))
    taps = tf_keras.Model(model.input, [model.get_layer(n).output for n in ("stem_relu", "stage1_block1_out")])
    before, after = taps(np.random.default_rng(0).integers(0, 256, (1, 32, 32, 3)).astype(np.float32))
    np.testing.assert_array_equal(after[:, 2:-2, 2:-2], before)
    assert np.count_nonzero(after) == np.count_nonzero(before)


def test_the_stem_is_padded_as_usual(network):
    """The deviation from the cited method that the paper's code makes."""
    model = network("fullconv_resnet18", width=4)
    assert model.get_layer("stem").output_shape[1:3] == (32, 32)


def test_a_pixel_anywhere_is_seen_by_as_many_outputs(network):
    """Full convolution's point: a corner counts as much as the centre, other than with padding by 1."""
    seen = {}
    for architecture in ("fullconv_resnet18", "resnet18"):
        model = network(architecture, width=4)
        block = tf_keras.Model(model.get_layer("stem_relu").output, model.get_layer("stage1_block1_bn1").output)
        for place in ((0, 0), (16, 16)):
            x = np.zeros((1, 32, 32, 4), np.float32)
            before = block(x).numpy()
            x[0, place[0], place[1]] = 1
            seen[architecture, place] = np.count_nonzero((block(x).numpy() != before).any(-1))
    assert seen["fullconv_resnet18", (0, 0)] == seen["fullconv_resnet18", (16, 16)] == 9
    assert (seen["resnet18", (0, 0)], seen["resnet18", (16, 16)]) == (4, 9)
