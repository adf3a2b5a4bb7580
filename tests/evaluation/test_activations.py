"""What is tapped, and that the taps are what the layers give in inference mode."""

from __future__ import annotations

import numpy as np
import pytest
import tensorflow as tf

from tf_dlth.config import Normalisation
from tf_dlth.data.examples import ArrayExamples
from tf_dlth.errors import UserError
from tf_dlth.evaluation import activations as module
from tf_dlth.evaluation.activations import activations, branch_taps, layer_taps
from tf_dlth.models.build import build
from tf_dlth.models.spec import ModelSpec


def model(architecture: str, stem: str = "small", side: int = 16):
    spec = ModelSpec.model_validate(
        {
            "architecture": architecture,
            "width": 4,
            "stem": stem,
            "head": "linear",
            "classes": 3,
            "input_shape": (side, side, 3),
        }
    )
    made = build(spec, Normalisation(mean=(0.5,) * 3, std=(0.3,) * 3))
    random = np.random.RandomState(0)
    for variable in made.variables:  # statistics of a trained network, which differ from those of a batch
        if "moving" in variable.name:
            variable.assign(random.uniform(0.5, 1.5, variable.shape))
    return made


@pytest.fixture(scope="module")
def images() -> ArrayExamples:
    pixels = np.random.RandomState(1).randint(0, 256, (7, 16, 16, 3), np.uint8)
    return ArrayExamples(pixels, np.zeros(7, np.int32), map(str, range(7)))


@pytest.fixture(scope="module")
def resnet():
    return model("resnet18")


def test_taps_of_a_resnet(resnet):
    names = list(layer_taps(resnet))
    assert names[:5] == ["stem_bn", "stem_relu", "stage1_block1_bn1", "stage1_block1_bn2", "stage1_block1_out"]
    assert [name.removeprefix("stage2_block1_") for name in names if name.startswith("stage2_block1_")] == [
        "bn1",
        "bn2",
        "shortcut_bn",
        "out",
    ]
    assert len(names) == 1 + 1 + 19 + 8


def test_after_a_full_stem_comes_its_pool():
    names = list(layer_taps(model("resnet18", "full", 64)))
    assert names[:3] == ["stem_bn", "stem_pool", "stage1_block1_bn1"]


@pytest.mark.parametrize("largest", [2**30, 1])
def test_the_arrays_are_the_layers_outputs_batch_by_batch(resnet, images, monkeypatch, largest: int):
    """In one call or, where memory is scarce, in a call a tap."""
    monkeypatch.setattr(module, "LARGEST", largest)
    names = ["stem_bn", "stage2_block1_bn2", "stage4_block2_out"]
    taps = [layer_taps(resnet)[name] for name in names]
    batches = [list(arrays) for arrays in activations(resnet, taps, images, batch=4)]
    assert [[len(array) for array in arrays] for arrays in batches] == [[4] * 3, [3] * 3]
    for position, name in enumerate(names):
        layer = tf.keras.Model(resnet.input, resnet.get_layer(name).output)
        expected = layer(images.images, training=False).numpy()
        found = np.concatenate([arrays[position] for arrays in batches])
        np.testing.assert_allclose(found, expected, rtol=1e-4, atol=1e-5)


def test_branches_are_what_is_added(resnet, images):
    """The shortcut with its BatchNorm or the block's input, and the second BatchNorm."""
    blocks = branch_taps(resnet)
    assert list(blocks) == [f"stage{s}_block{b}" for s in (1, 2, 3, 4) for b in (1, 2)]
    layers = {
        "stage1_block1": ("stem_relu", "stage1_block1_bn2"),
        "stage1_block2": ("stage1_block1_out", "stage1_block2_bn2"),
        "stage2_block1": ("stage2_block1_shortcut_bn", "stage2_block1_bn2"),
    }
    for block, (shortcut, main) in layers.items():
        expected = [resnet.get_layer(name).output for name in (shortcut, main)]
        found, wanted = (
            next(iter(map(list, activations(resnet, taps, images, batch=7)))) for taps in (blocks[block], expected)
        )
        for a, b in zip(found, wanted, strict=True):
            np.testing.assert_array_equal(a, b)


@pytest.mark.parametrize("architecture", ["resnet50", "fullconv_resnet18", "harmonic_resnet18"])
def test_other_resnets_have_branches_in_every_block(architecture: str):
    made = model(architecture)
    blocks = sum(layer.name.endswith("_out") for layer in made.layers)
    for shortcut, main in (found := branch_taps(made)).values():
        assert shortcut.shape == main.shape
    assert len(found) == blocks == (16 if architecture == "resnet50" else 8)


@pytest.mark.parametrize("architecture", ["vgg11", "mobilenet_v2"])
def test_networks_that_are_no_resnet(architecture: str):
    made = model(architecture, side=32)
    assert layer_taps(made)
    with pytest.raises(UserError, match=r"is no ResNet: branch norms need a shortcut in every block"):
        branch_taps(made)


def test_a_network_without_anything_to_tap(own_networks: str):
    with pytest.raises(UserError, match=r"linear has no BatchNorm and no layer named \.\.\._out"):
        layer_taps(model(f"{own_networks}:linear"))
