from __future__ import annotations

import io
import json
import math
import sys
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from rich.console import Console

from tf_dlth import files
from tf_dlth.config import Config
from tf_dlth.errors import UserError
from tf_dlth.experiment import rehearse, run
from tf_dlth.models.prunable import prunable_names
from tf_dlth.preparation import Prepared
from tf_dlth.reporting.terminal import Terminal
from tf_dlth.tickets.ticket import load_ticket

NETWORKS = """
import numpy as np
import tf_keras
from tf_keras import layers


def tuned(input_shape, classes, width):
    "The first convolution is given and frozen, the second is given, the rest is new."
    images = tf_keras.Input(input_shape)
    x = layers.Conv2D(width, 3, use_bias=False, trainable=False, name="first")(images)
    x = layers.BatchNormalization(trainable=False, name="norm")(x)
    x = layers.Conv2D(width, 3, use_bias=False, name="second")(x)
    x = layers.Conv2D(width, 1, name="third")(layers.ReLU()(x))
    model = tf_keras.Model(images, layers.Dense(classes)(layers.GlobalAveragePooling2D()(x)))
    for number, name in enumerate(["first", "norm", "second"]):
        layer, random = model.get_layer(name), np.random.RandomState(number)
        layer.set_weights([random.uniform(0.1, 0.5, weight.shape) for weight in layer.weights])
    return model


def frozen(input_shape, classes, width):
    model = tuned(input_shape, classes, width)
    for layer in model.layers[:-1]:
        layer.trainable = False
    return model


def rewritten(input_shape, classes, width):
    "TensorFlow's graph rewriting makes one operation of the first three layers, which has no kernel."
    images = tf_keras.Input(input_shape)
    x = layers.BatchNormalization()(layers.Conv2D(width, 3, use_bias=False)(images))
    x = layers.GlobalAveragePooling2D()(layers.Activation("tanh")(x))
    return tf_keras.Model(images, layers.Dense(classes)(x))


def mobile(input_shape, classes, width):
    "A published network that fits 32 pixels in RGB, with weights set as pretrained ones are."
    base = tf_keras.applications.MobileNetV2(input_shape, alpha=0.35, include_top=False, weights=None, pooling="avg")
    random = np.random.RandomState(0)
    base.set_weights([random.uniform(0.9, 1.1, w.shape) if w.ndim == 1 else random.normal(0, 0.1, w.shape)
                      for w in base.get_weights()])
    images = tf_keras.Input(input_shape)
    return tf_keras.Model(images, layers.Dense(classes)(base(images)))
"""
Own = Callable[..., Config]


@pytest.fixture
def own(tiny: Callable[..., Config], tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Own:
    """Configurations of tiny runs of one of the NETWORKS: ``own("tuned", "seed=1")``."""
    (tmp_path / "prepared_networks.py").write_text(NETWORKS)
    monkeypatch.setattr(sys, "path", [*sys.path, str(tmp_path)])

    def make(name: str, *overrides: str) -> Config:
        return tiny(tmp_path, f"model.architecture=prepared_networks:{name}", "output.savedmodel=winner", *overrides)

    return make


def test_a_tuned_model_keeps_what_it_was_given_and_prunes_what_it_trains(own: Own):
    prepared = Prepared(own("tuned"))
    assert prunable_names(prepared.model) == ("second/kernel", "third/kernel")
    plan = prepared.plan()
    assert plan.prunable == 4 * 4 * 9 + 4 * 4
    assert plan.parameters == plan.prunable + 4 + (4 * 10 + 10)
    names = ["first/kernel", "norm/gamma", "norm/beta", "norm/moving_mean", "norm/moving_variance", "second/kernel"]
    assert prepared.facts().initialisation == {"init": "random", "given": names, "frozen": names[:3]}
    assert prepared.initial["second/kernel"].min() >= 0.1


def test_a_run_leaves_frozen_weights_alone_and_says_what_was_given(own: Own):
    printed, config = io.StringIO(), own("tuned")
    path = run(config, observers=[Terminal(Console(file=printed, width=200))]).path
    assert (
        "prepared_networks:tuned: 6 variables (first/kernel, norm/gamma, ...) begin as its function gave them, "
        "3 variables (first/kernel, norm/gamma, ...) are frozen\n"
    ) in printed.getvalue()
    found = json.loads((path / "run.json").read_text())["initialisation"]
    initial = Prepared(config).initial
    for iteration in range(3):
        weights = load_ticket(path / f"iteration_{iteration:02d}", trust=True).weights("last")
        changed = {name for name in initial if not np.array_equal(initial[name], weights[name])}
        assert changed == initial.keys() - set(found["frozen"]) - {"norm/moving_mean", "norm/moving_variance"}


def test_a_model_of_which_only_the_head_trains_is_refused(own: Own):
    with pytest.raises(UserError, match=r"^model.architecture: prepared_networks:frozen has no layer that can be prun"):
        Prepared(own("frozen"))


def test_a_rehearsal_finds_what_tensorflow_cannot_run(own: Own):
    with pytest.raises(UserError, match=r"^model.architecture: the network cannot be evaluated: .*FusedBatchNorm,Tanh"):
        rehearse(own("rewritten"))


@pytest.mark.slow
def test_a_published_network_with_given_weights_is_pruned_end_to_end(own: Own, tmp_path: Path):
    random = np.random.RandomState(0)
    images, labels = random.randint(0, 256, (60, 32, 32, 3)).astype(np.uint8), np.arange(60) % 3
    np.savez(tmp_path / "data.npz", x_train=images[:30], y_train=labels[:30], x_test=images[30:], y_test=labels[30:])
    config = own(
        "mobile", "data.dataset=npz", f"data.data_dir={tmp_path / 'data.npz'}", "training.epochs=2",
        "data.per_class=null", "data.heldout_per_class=0", "pruning.iterations=1",
    )  # fmt: skip
    prepared = Prepared(config)
    assert set(prepared.initial) - set(prepared.provenance["given"]) == {"head/kernel", "head/bias"}
    path = run(config).path
    ticket = load_ticket(path / "iteration_01", trust=True)
    assert ticket.density == pytest.approx(0.8, abs=1e-5)
    theta_0 = files.read_tensors(path / "initial.safetensors")
    np.testing.assert_array_equal(theta_0["Conv1/kernel"], prepared.initial["Conv1/kernel"])


def test_the_plan_counts_what_is_there(tiny):
    prepared = Prepared(tiny(Path(), "data.per_class=7", "training.batch_size=30"))
    plan = prepared.plan()
    prunable = prunable_names(prepared.model)
    assert plan.prunable == sum(prepared.initial[name].size for name in prunable)
    trainable = [value.size for name, value in prepared.initial.items() if "moving" not in name]
    assert plan.parameters == sum(trainable)
    assert plan.unprunable_layers == ()
    assert plan.images_per_class["train"] == dict.fromkeys("0123456789", 7)
    assert sum(plan.images_per_class["test"].values()) == 1047
    assert plan.steps == math.ceil(70 / 30) * (3 + 2 + 2)
    assert prepared.schedule.total_steps(2) == plan.steps


def test_a_saved_model_for_every_ticket_needs_more_space(tiny):
    every, winner = (Prepared(tiny(Path(), f"output.savedmodel={kind}")).plan().bytes for kind in ("all", "winner"))
    more = Prepared(tiny(Path(), "output.savedmodel=winner", "pruning.iterations=5")).plan().bytes
    assert winner < every
    assert winner < more


def test_what_nulls_become(tiny):
    prepared = Prepared(tiny(Path()))
    assert (prepared.config.model.stem, prepared.config.pruning.select_by) == ("small", "heldout")
    assert prepared.config.output.weights == "heldout"
    without = Prepared(tiny(Path(), "data.heldout_per_class=0"))
    assert (without.config.pruning.select_by, without.config.output.weights) == ("test_best", "last")
    assert Prepared(tiny(Path(), "model.stem=full")).config.model.stem == "full"


@pytest.mark.parametrize(("side", "stem"), [(64, "small"), (65, "full")])
def test_the_small_stem_is_for_images_up_to_64_pixels(tiny, side: int, stem: str):
    assert Prepared(tiny(Path(), f"data.image_size={side}")).spec.stem == stem


def test_resolving_a_resolved_configuration_changes_nothing(tiny):
    prepared = Prepared(tiny(Path()))
    again = Prepared(prepared.config)
    assert again.config == prepared.config
    assert again.facts() == prepared.facts()
    assert all(np.array_equal(again.initial[name], value) for name, value in prepared.initial.items())


def test_a_width_that_matches_a_ticket_has_about_its_weights(tiny, finished):
    """The dense network that is as large as the winner: the nearest of all widths."""
    remaining = load_ticket(finished.path).manifest.remaining
    matched = Prepared(tiny(Path(), f"model.width=match:{finished.path}"))
    width = matched.config.model.width
    assert isinstance(width, int)
    counts = {w: Prepared(tiny(Path(), f"model.width={w}")).plan().prunable for w in (width - 1, width, width + 1)}
    assert min(counts, key=lambda w: abs(counts[w] - remaining)) == width


def test_the_origin_is_what_tickets_say_of_themselves(finished):
    origin, manifest = Prepared(finished.config).origin(), load_ticket(finished.path).manifest
    for key in ("preprocessing", "normalisation", "dataset", "augment", "config_sha256", "default_weights"):
        assert getattr(origin, key) == getattr(manifest, key)
    assert (origin.spec, list(origin.class_names)) == (manifest.model, manifest.class_names)


def test_a_network_with_nothing_to_prune(tiny, own_networks: str):
    with pytest.raises(UserError, match=r"model\.architecture: .*:linear has no layer that can be pruned"):
        Prepared(tiny(Path(), f"model.architecture={own_networks}:linear"))


@pytest.mark.parametrize("override", ["pruning.select_by=heldout", "output.weights=heldout"])
def test_choosing_on_held_out_images_that_are_not_there(tiny, override: str):
    with pytest.raises(UserError, match="heldout needs held-out images"):
        Prepared(tiny(Path(), "data.dataset=digits", "data.heldout_per_class=0", override))


def test_cifar10_is_planned(tiny, real_data: Path, tmp_path: Path):
    config = tiny(
        tmp_path, "data.dataset=cifar10", f"data.data_dir={real_data}", "data.per_class=2", "data.heldout_per_class=1",
    )  # fmt: skip
    plan = Prepared(config).plan()
    assert plan.images_per_class["train"] == dict.fromkeys(plan.images_per_class["train"], 2)
    assert plan.prunable == 43_620 + 9 * 2 * 4, "the digits' plus a stem of three channels"
