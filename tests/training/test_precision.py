from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any

import numpy as np
import pandas as pd
import pytest
import tensorflow as tf
import tf_keras

from tf_dlth.config import Config, Normalisation, Precision, TrainingConfig
from tf_dlth.experiment import run
from tf_dlth.files import read_tensors
from tf_dlth.lottery import wrapping
from tf_dlth.lottery.masks import Masks, prune_global
from tf_dlth.models import variables
from tf_dlth.models.build import build
from tf_dlth.models.initialisation import initial_weights
from tf_dlth.models.prunable import prunable_names
from tf_dlth.models.spec import ModelSpec
from tf_dlth.training.devices import mirrored
from tf_dlth.training.losses import cross_entropy
from tf_dlth.training.network import Network
from tf_dlth.training.objectives import Classification
from tf_dlth.training.precision import in_float32, lowered

LOWER: dict[Precision, tuple[tf.DType, float]] = {
    "mixed_bfloat16": (tf.bfloat16, 2.0**-8),
    "mixed_float16": (tf.float16, 2.0**-11),
}
"""The type that is computed in, and its relative rounding error."""
BATCH = 32
ARCHITECTURES = ("resnet18", "vgg11", "mobilenet_v2", "harmonic_resnet18", "fullconv_resnet18")


def spec(architecture: str, head: str = "linear") -> ModelSpec:
    shape = (32, 32, 3) if architecture in ("vgg11", "mobilenet_v2") else (16, 16, 3)
    values = {"architecture": architecture, "width": 4, "stem": "small", "head": head, "classes": 5}
    return ModelSpec.model_validate({**values, "input_shape": shape})


def model_of(architecture: str, head: str = "linear") -> tf_keras.Model:
    return build(spec(architecture, head), Normalisation(mean=(0.5,) * 3, std=(0.3,) * 3))


def batches(shape: tuple[int, ...], count: int = 3) -> tf.data.Dataset:
    random = np.random.RandomState(0)
    images, labels = random.randint(0, 256, (BATCH * count, *shape), np.uint8), random.randint(0, 5, BATCH * count)
    return tf.data.Dataset.from_tensor_slices((images, labels.astype(np.int32))).batch(BATCH)


def losses(model: tf_keras.Model, precision: Precision, devices: int = 1) -> tuple[list[float], Network, Masks]:
    """Of the first three steps from the same weights, of which a half is pruned."""
    config, names = TrainingConfig(precision=precision), [f"/CPU:{i}" for i in range(devices)]
    network = Network(model, config, mirrored(names), wrapping, Classification(cross_entropy))
    weights = initial_weights(model, 1)
    masks = prune_global(weights, Masks.ones(weights, prunable_names(model)), 0.5)
    network.load(masks.apply(weights), masks)
    network.set_learning_rate(0.001)
    iterator, summed = network.batches(batches(model.input_shape[1:])), [0.0]
    summed += [network.run(iterator, 1)[0] / BATCH for _ in range(3)]
    return list(np.diff(summed)), network, masks


@pytest.mark.parametrize("precision", LOWER)
def test_layers_compute_lower_and_variables_and_normalisation_stay_float32(precision: Precision):
    model = model_of("resnet18")
    copy: Any = lowered(model, precision)
    assert {v.dtype for v in variables.named_variables(copy).values()} == {tf.float32}
    assert list(variables.named_variables(copy)) == list(variables.named_variables(model))
    images = tf.zeros([2, 16, 16, 3])
    assert copy.get_layer("normalise")(images).dtype == tf.float32
    assert copy.get_layer("stem")(images).dtype == LOWER[precision][0]
    logits = copy(images, training=True)
    assert logits.dtype == LOWER[precision][0]
    assert in_float32(logits).dtype == tf.float32
    assert model(images).dtype == tf.float32  # what evaluates


def test_float32_is_not_cast():
    logits = tf.zeros([2, 3])
    assert in_float32(logits) is logits


def test_a_layer_of_another_type_keeps_it():
    images = tf_keras.Input((4,), name="images")
    x = tf_keras.layers.Dense(3, dtype="float64", name="double")(images)
    copy = lowered(tf_keras.Model(images, tf_keras.layers.Dense(2, name="head")(x)), "mixed_bfloat16")
    assert copy.get_layer("double").dtype_policy.name == "float64"
    assert copy.get_layer("head").dtype_policy.name == "mixed_bfloat16"


@pytest.mark.parametrize("devices", [1, pytest.param(2, marks=pytest.mark.slow)])
@pytest.mark.parametrize("precision", LOWER)
def test_the_first_losses_are_near_float32s(precision: Precision, devices: int):
    """Within 4 roundings: measured were .7 and less, on one device"""
    model = model_of("resnet18")
    expected, _, _ = losses(model, "float32")
    found, network, masks = losses(model, precision, devices)
    assert found != expected
    np.testing.assert_allclose(found, expected, rtol=4 * LOWER[precision][1])
    weights, momentum = network.weights(), network.momentum()
    assert {w.dtype for w in weights.values()} == {np.dtype(np.float32)}
    assert masks.density == 0.5
    for name, mask in masks.items():
        assert not weights[name][~mask].any() and not momentum[name][~mask].any()
        assert weights[name][mask].all()
    lower = weights["stem/kernel"].astype(LOWER[precision][0].as_numpy_dtype).astype(np.float32)
    assert (lower != weights["stem/kernel"]).any()  # masters hold what the lower type cannot


@pytest.mark.slow
@pytest.mark.parametrize("precision", LOWER)
@pytest.mark.parametrize(
    ("architecture", "head"),
    [*((name, "linear") for name in ARCHITECTURES), ("resnet18", "cosine"), ("resnet18", "tvmf")],
)
def test_every_architecture_and_head_trains_lower(architecture: str, head: str, precision: Precision):
    model = model_of(architecture, head)
    np.testing.assert_allclose(losses(model, precision)[0], losses(model, "float32")[0], rtol=16 * LOWER[precision][1])


@pytest.mark.slow
@pytest.mark.parametrize("precision", ["float32", *LOWER])
def test_a_search_finds_tickets(tiny: Callable[..., Config], tmp_path, precision: Precision):
    """Digits, width 4: chance is .1. What is kept is float32, and scored as float32's own run is."""
    path = run(
        tiny(
            tmp_path, f"training.precision={precision}", "data.per_class=50", "data.heldout_per_class=25",
            "training.epochs=12", "training.batch_size=50", "pruning.iterations=1", "output.savedmodel=winner",
        )
    ).path  # fmt: skip
    table = pd.read_csv(path / "iterations.csv")
    assert table.test_accuracy_last.min() > 0.75
    for iteration, density in enumerate((1.0, 0.8)):
        folder = path / f"iteration_{iteration:02d}"
        mask, weights = read_tensors(folder / "mask.safetensors"), read_tensors(folder / "weights.safetensors")
        ticket = json.loads((folder / "ticket.json").read_text())
        assert ticket["density"] == pytest.approx(density, abs=1e-4)
        assert all(not weights[name][mask[name] == 0].any() for name in mask)
        assert {w.dtype for w in weights.values()} == {np.dtype(np.float32)}
