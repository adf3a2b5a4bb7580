"""Both protocols: what is frozen, what follows the new images, and that nothing is left to chance."""

from __future__ import annotations

import shutil
from pathlib import Path

import numpy as np
import pytest

from tf_dlth import files
from tf_dlth.config import Config, DataConfig, ProbeConfig
from tf_dlth.errors import UserError
from tf_dlth.evaluation.linear import logits
from tf_dlth.evaluation.probe import fit_rewind_bn, fit_trained, probe, rewound
from tf_dlth.evaluation.transfer import Images, encode, open_backbone, transfer_images
from tf_dlth.models import variables
from tf_dlth.tickets.ticket import load_ticket
from tf_dlth.training.schedule import Position


def config(protocol: str = "trained", **values: object) -> Config:
    section = ProbeConfig.model_validate({"protocol": protocol, "epochs": 4, "batch_size": 20, **values})
    return Config(name="probe", data=DataConfig(per_class=7), probe=section)


@pytest.fixture(scope="module")
def images(convolutional: Path) -> Images:
    manifest = load_ticket(convolutional, trust=True).manifest
    return transfer_images(DataConfig(per_class=7), manifest.preprocessing)


def ignore(position: Position, images_per_second: float) -> None: ...


@pytest.mark.parametrize("protocol", ["trained", "rewind_bn"])
def test_twice_the_same_and_the_ticket_as_it_was(convolutional: Path, images: Images, protocol: str) -> None:
    before = files.digests(convolutional)
    settings = config(protocol, epochs=12, learning_rate=1)
    one, other = (
        probe(open_backbone(str(convolutional), trust=True), images, settings, "cpu", ignore) for _ in range(2)
    )
    assert one == other
    assert files.digests(convolutional) == before
    assert one.weights == ("rewind" if protocol == "rewind_bn" else "heldout")
    assert one.accuracy > 0.2 and one.logistic_regression > 0.2


def test_the_numbers_are_fractions_of_the_test_images(convolutional: Path, images: Images) -> None:
    backbone = open_backbone(str(convolutional), trust=True)
    found, fitted = (act(backbone, images, config(), "cpu", ignore) for act in (probe, fit_trained))
    labels = images.test.labels
    assert found.accuracy == np.mean(logits(fitted.head, fitted.test).argmax(1) == labels)
    assert fitted.test.shape == (1047, 4)
    np.testing.assert_array_equal(fitted.train, encode(backbone.features, images.train))


def test_progress_is_heard_at_every_call(convolutional: Path, images: Images) -> None:
    heard = []
    backbone = open_backbone(str(convolutional), trust=True)
    fit_trained(backbone, images, config(), "cpu", lambda position, rate: heard.append(position))
    assert heard[-1] == Position(4, 4)


def test_the_run_s_seed_decides_first_weights_and_order(convolutional: Path, images: Images) -> None:
    backbone = open_backbone(str(convolutional), trust=True)
    one, other = (
        fit_trained(backbone, images, config().model_copy(update={"seed": seed}), "cpu", ignore) for seed in (0, 1)
    )
    assert (one.head["head/kernel"] != other.head["head/kernel"]).any()


def test_theta_r_is_masked(convolutional: Path) -> None:
    ticket = load_ticket(convolutional / "iteration_01", trust=True)
    found = variables.read(rewound(ticket))
    assert set(found) == set(ticket.rewind)
    for name, values in ticket.rewind.items():
        mask = ticket.mask.get(name, np.ones(values.shape, bool))
        np.testing.assert_array_equal(found[name], values * mask)
    assert not ticket.mask["conv/kernel"].all() or not ticket.mask["depthwise/depthwise_kernel"].all()


def test_a_theta_r_of_another_network_is_refused(convolutional: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    ticket = load_ticket(convolutional / "iteration_01", trust=True)
    weights = ticket.rewind
    for other, said in (
        ({name: w for name, w in weights.items() if name != "head/bias"}, "the weights lack variable head/bias"),
        (weights | {"conv/kernel": weights["conv/kernel"][:1]}, r"variable conv/kernel has shape"),
    ):
        monkeypatch.setattr(type(ticket), "rewind", other)
        with pytest.raises(UserError, match=said):
            rewound(ticket)


def test_of_theta_r_nothing_but_statistics_follows_the_images(convolutional: Path, images: Images) -> None:
    backbone = open_backbone(str(convolutional / "iteration_01"), trust=True)
    assert backbone.ticket is not None
    fitted = fit_rewind_bn(backbone, images, config("rewind_bn"), "cpu", ignore)
    before = variables.read(rewound(backbone.ticket))
    changed = {name for name, values in before.items() if (fitted.head[name] != values).any()}
    assert changed == {"bn/moving_mean", "bn/moving_variance", "head/kernel", "head/bias"}
    model = backbone.ticket.model()
    variables.assign(model, dict(fitted.head))
    np.testing.assert_allclose(
        model(images.test.read(np.arange(50)), training=False), logits(fitted.head, fitted.test[:50]), atol=1e-4
    )


def test_rewind_bn_needs_a_ticket_and_its_theta_r(convolutional: Path, images: Images, tmp_path: Path) -> None:
    saved_model = open_backbone(str(convolutional / "iteration_01" / "saved_model"))
    with pytest.raises(UserError, match=r"^probe.protocol: rewind_bn needs a ticket, and .*saved_model is none"):
        probe(saved_model, images, config("rewind_bn"), "cpu", ignore)
    moved = shutil.copytree(convolutional / "iteration_01", tmp_path / "moved")
    ticket = open_backbone(str(moved), trust=True)
    with pytest.raises(UserError, match=r"needs rewind.safetensors beside it or in its parent folder"):
        probe(ticket, images, config("rewind_bn"), "cpu", ignore)
    assert probe(ticket, images, config(epochs=1), "cpu", ignore).accuracy > 0
