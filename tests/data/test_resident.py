from __future__ import annotations

from typing import Any

import numpy as np
import pytest
import tensorflow as tf
import tf_keras

from tf_dlth.config import DataConfig, TrainingConfig
from tf_dlth.data import resident
from tf_dlth.data.examples import ArrayExamples
from tf_dlth.data.pipeline import training_batches, training_draws
from tf_dlth.data.resident import Resident, can_reside
from tf_dlth.training.devices import mirrored
from tf_dlth.training.losses import cross_entropy
from tf_dlth.training.masking import Unmasked
from tf_dlth.training.network import Network
from tf_dlth.training.objectives import Classification

N, SIDE, BATCH = 20, 8, 7
layers = tf_keras.layers
HOST_TYPES = {tf.int32, tf.int64}


def examples(n: int = N, channels: int = 3) -> ArrayExamples:
    random = np.random.RandomState(1)
    images = random.randint(0, 256, (n, SIDE, SIDE, channels), np.uint8)
    return ArrayExamples(images, random.randint(0, 3, n), map(str, range(n)))


def config(**values: Any) -> DataConfig:
    return DataConfig(**({"flip": "both", "crop_padding": 2, "cutout": 0} | values))


@pytest.mark.parametrize(
    "values",
    [
        {"augment": "none", "flip": "none", "crop_padding": 0},
        {"augment": "basic"},
        {"augment": "basic", "flip": "none", "crop_padding": 0},
        {"augment": "basic", "flip": "horizontal", "cutout": 4},
        {"augment": "none", "cutout": 3},
    ],
    ids=str,
)
def test_the_devices_batches_have_the_hosts_bits(values: dict[str, Any]):
    data, settings = examples(), config(**values)
    address = {"batch_size": BATCH, "seed": 3, "last_epoch": 3}
    draws = training_draws(N, **address)(2, 1, 1)
    elements: Any = draws.element_spec
    assert {spec.dtype for spec in elements} == HOST_TYPES
    make = Resident(data, settings)
    batches = list(training_batches(data, settings, **address)(2, 1, 1))
    found = [make(*element) for element in draws]
    assert [len(labels) for _, labels in found] == [7, 6, 7, 7, 6, 7, 7, 6]
    for (images, labels), (expected, same) in zip(found, batches, strict=True):
        assert (images.dtype, labels.dtype) == (tf.uint8, tf.int32)
        np.testing.assert_array_equal(images, expected)
        np.testing.assert_array_equal(labels, same)


@pytest.mark.parametrize(
    ("values", "expected"),
    [
        ({}, True),
        ({"augment": "none"}, True),
        ({"cutout": 3}, True),
        ({"crop_padding": None}, False),
        *(
            ({"augment": name}, False)
            for name in ("contrast", "auto", "rand", "randaugment", "augmix", "mixup", "cutmix")
        ),
    ],
    ids=str,
)
def test_integer_arithmetic_alone_is_done_on_devices(values: dict[str, Any], expected: bool):
    assert can_reside(examples(), config(**values)) is expected


def test_sets_that_are_large_or_on_disk_stay_there(tmp_path, monkeypatch: pytest.MonkeyPatch):
    data = examples()
    np.save(tmp_path / "images.npy", data.images)
    mapped = ArrayExamples(np.load(tmp_path / "images.npy", mmap_mode="r"), data.labels, data.names)
    assert not can_reside(mapped, config())
    monkeypatch.setattr(resident, "LARGEST", data.images.nbytes - 1)
    assert not can_reside(data, config())


def test_each_replica_has_the_images_and_makes_its_batch_of_them():
    """On two devices: where the variables lie, what the host's iterator gives, and where the images are gathered."""
    data, settings, strategy = examples(), config(cutout=3), mirrored(["/CPU:1", "/CPU:2"])
    network = network_of(strategy, data, settings)
    make: Any = network._make
    assert [v.device[-5:] for v in strategy.experimental_local_results(make.images)] == ["CPU:1", "CPU:2"]
    iterator = network.batches(training_draws(N, batch_size=BATCH, seed=0)(0, 1))
    graph = network._run.get_concrete_function(iterator, tf.constant(1)).graph.as_graph_def()
    nodes = [node for function in graph.library.function for node in function.node_def]
    fetched = [node for node in nodes if node.op.startswith(("IteratorGetNext", "MultiDeviceIteratorGetNext"))]
    assert fetched
    for node in fetched:
        assert {tf.as_dtype(t) for t in node.attr["output_types"].list.type} <= HOST_TYPES
    making = {f.signature.name for f in graph.library.function if _gathers_images(f)}
    where = {node.device[-5:] for node in nodes if node.attr["f"].func.name in making}
    assert where == {"CPU:1", "CPU:2"}


def _gathers_images(function: Any) -> bool:
    kinds = [node.attr["Tparams"].type for node in function.node_def if node.op == "GatherV2"]
    return function.attr["_XlaMustCompile"].b and tf.uint8.as_datatype_enum in kinds


def network_of(strategy: tf.distribute.Strategy, data: ArrayExamples, settings: DataConfig | None) -> Network:
    """With ``settings`` it makes its batches itself."""
    images = layers.Input((SIDE, SIDE, 3), name="images")
    x = layers.Dense(4, kernel_initializer=tf_keras.initializers.HeNormal(seed=1), name="pointwise")(images)  # type: ignore
    x = layers.GlobalAveragePooling2D(name="pool")(layers.ReLU(name="relu")(x))
    model = tf_keras.Model(images, layers.Dense(3, kernel_initializer="ones", name="head")(x))
    maker = None if settings is None else lambda: Resident(data, settings)
    network = Network(model, TrainingConfig(), strategy, Unmasked(), Classification(cross_entropy), maker=maker)
    network.load({name: np.array(value) for name, value in network.weights().items()}, {})
    network.set_learning_rate(1e-4)
    return network


@pytest.mark.parametrize("devices", [1, 2])
@pytest.mark.parametrize("n", [N, 15])  # of 15, the second replica gets none of the last batch
def test_training_on_them_has_the_same_bits(devices: int, n: int):
    data, settings = examples(n), config(cutout=3)
    strategy, address = mirrored([f"/CPU:{i}" for i in range(devices)]), {"batch_size": BATCH, "seed": 3}
    host, device = network_of(strategy, data, None), network_of(strategy, data, settings)
    host.run(host.batches(training_batches(data, settings, **address)(0, 1)), 6)
    device.run(device.batches(training_draws(n, **address)(0, 1)), 6)
    assert (host.totals == device.totals).all() and device.totals[2] == 2 * n
    weights = device.weights()
    assert all(np.array_equal(value, weights[name]) for name, value in host.weights().items())
