from __future__ import annotations

import math
from pathlib import Path

import numpy as np
import pytest

from tf_dlth.errors import UserError
from tf_dlth.models.prunable import prunable_names
from tf_dlth.preparation import Prepared
from tf_dlth.tickets.ticket import load_ticket


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
