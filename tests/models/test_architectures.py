"""Parameter counts, sizes and layer orders against the published networks, at full width."""

from __future__ import annotations

import pytest
import tf_keras

from tf_dlth.models.prunable import prunable_names, unprunable_layers
from tf_dlth.models.variables import named_variables

RGB, ISIC, GRAY = (32, 32, 3), (224, 224, 3), (224, 224, 1)


def counts(model: tf_keras.Model) -> tuple[int, int, int]:
    """Prunable layers, prunable weights, trainable parameters."""
    sizes = {name: v.shape.num_elements() or 0 for name, v in named_variables(model).items() if v.trainable}
    prunable = prunable_names(model)
    return len(prunable), sum(sizes[name] for name in prunable), sum(sizes.values())


@pytest.mark.parametrize(
    ("architecture", "stem", "shape", "classes", "expected"),
    [
        ("resnet18", "small", RGB, 10, (20, 11_159_232, 11_173_962)),
        ("resnet18", "small", RGB, 100, (20, 11_159_232, 11_220_132)),
        ("resnet18", "full", ISIC, 7, (20, 11_166_912, 11_180_103)),
        ("resnet18", "full", GRAY, 12, (20, 11_160_640, 11_176_396)),
        ("resnet18", "full", ISIC, 1000, (20, 11_166_912, 11_689_512)),
        ("resnet50", "small", RGB, 10, (53, 23_447_232, 23_520_842)),
        ("resnet50", "full", ISIC, 1000, (53, 23_454_912, 25_557_032)),
        pytest.param("resnet50", "full", ISIC, 7, (53, 23_454_912, 23_522_375), marks=pytest.mark.slow),
        pytest.param("resnet50", "full", GRAY, 12, (53, 23_448_640, 23_526_348), marks=pytest.mark.slow),
        ("vgg11", "small", RGB, 10, (8, 9_217_728, 9_231_114)),
        ("vgg13", "small", RGB, 10, (10, 9_402_048, 9_416_010)),
        ("vgg16", "small", RGB, 10, (13, 14_710_464, 14_728_266)),
        ("vgg19", "small", RGB, 10, (16, 20_018_880, 20_040_522)),
        ("mobilenet_v2", "small", RGB, 10, (57, 2_249_024, 2_296_922)),
        ("fullconv_resnet18", "small", RGB, 10, (20, 11_159_232, 11_173_962)),
        ("harmonic_resnet18", "small", RGB, 10, (20, 11_159_232, 11_173_962)),
    ],
)
def test_counts_at_width_64(network, architecture, stem, shape, classes, expected):
    model = network(architecture, width=64, stem=stem, input_shape=shape, classes=classes)
    assert counts(model) == expected
    assert unprunable_layers(model) == ()


@pytest.mark.parametrize(
    ("width", "convolutions", "total"),
    [
        (58, 9_165_102, 9_178_452),
        (52, 7_367_100, 7_379_070),
        (40, 4_359_480, 4_368_690),
        (12, 392_580, 395_350),
    ],
)
def test_counts_of_the_small_dense_networks(network, width: int, convolutions: int, total: int):
    assert counts(network(width=width)) == (20, convolutions, total)


@pytest.mark.parametrize("architecture", ["fullconv_resnet18", "harmonic_resnet18"])
def test_variants_have_the_layers_of_resnet18(network, architecture: str):
    expected = [name.partition("/")[0] for name in prunable_names(network(width=4))]
    assert [name.partition("/")[0] for name in prunable_names(network(architecture, width=4))] == expected


@pytest.mark.parametrize("architecture", ["resnet18", "resnet50", "mobilenet_v2", "harmonic_resnet18"])
def test_every_block_ends_in_out(network, architecture: str):
    names = {layer.name for layer in network(architecture, width=4).layers}
    blocks = {name[: len("stage1_block1")] for name in names if name.startswith("stage")}
    assert blocks
    assert all(f"{block}_out" in names for block in blocks)
