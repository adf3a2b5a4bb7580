"""Every baseline of the paper as a run: a training that begins with something of a ticket and prunes nothing."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from tf_dlth.config import Config
from tf_dlth.errors import UserError
from tf_dlth.experiment import Run, rehearse, run
from tf_dlth.lottery.masks import Masks
from tf_dlth.models.initialisation import initial_weights
from tf_dlth.preparation import Prepared
from tf_dlth.tickets.ticket import Ticket, load_ticket

Quick = Callable[..., Config]


@pytest.fixture(scope="module")
def source(tiny: Callable[..., Config], own_networks: str, tmp_path_factory: pytest.TempPathFactory) -> Run:
    """The search whose last ticket the baselines begin with."""
    own = (f"model.architecture={own_networks}:convolutional", "output.savedmodel=winner", "name=source")
    return run(tiny(tmp_path_factory.mktemp("source"), *own))


@pytest.fixture
def ticket(source: Run) -> Ticket:
    return load_ticket(source.path / "iteration_02", trust=True)


def trained(quick: Quick, ticket: Ticket, *overrides: str) -> Run:
    return run(quick(f"pruning.source={ticket.path}", *overrides), trust=True)


def one(done: Run) -> Ticket:
    """Its only ticket."""
    assert [path.name for path in sorted(done.path.glob("iteration_*"))] == ["iteration_00"]
    assert (done.summary["winner"], list(done.iterations.epochs)) == (0, [2])
    return load_ticket(done.path / "iteration_00", trust=True)


@pytest.mark.parametrize("method", ["random", "layerwise", "transplant"])
def test_a_training_from_the_tickets_theta_r(quick: Quick, ticket: Ticket, method: str) -> None:
    done = trained(quick, ticket, f"pruning.method={method}")
    made, masks = one(done), Masks(ticket.mask)
    assert Masks(made.mask).remaining == masks.remaining
    assert (Masks(made.mask).layers == masks.layers) == (method != "random")
    assert (Masks(made.mask) == masks) == (method == "transplant")
    assert all(np.array_equal(made.rewind[name], value) for name, value in ticket.rewind.items())
    assert done.iterations.density.tolist() == [ticket.density]
    note = done.summary["initialisation"]
    assert (note["ticket"], note["manifest_sha256"]) == (str(ticket.path), ticket.manifest.sha256)


def test_a_transplant_under_the_same_settings_is_the_ticket_itself(quick: Quick, ticket: Ticket) -> None:
    """But for the order of the images, which has a stream an iteration: so its start is compared."""
    start = Prepared(quick(f"pruning.source={ticket.path}", "pruning.method=transplant"), trust=True).start()
    assert start.first_epoch == 2
    masked = Masks(ticket.mask).apply(ticket.rewind)
    assert all(np.array_equal(start.weights[name], value) for name, value in masked.items())


def test_fresh_weights_under_the_tickets_mask(quick: Quick, ticket: Ticket) -> None:
    prepared = Prepared(
        quick(f"pruning.source={ticket.path}", "pruning.method=transplant", "pruning.start=fresh", "seed=9"), trust=True
    )
    start, drawn = prepared.start(), initial_weights(prepared.model, 9)
    assert start.masks == Masks(ticket.mask)
    assert all(np.array_equal(start.weights[n], v) for n, v in Masks(ticket.mask).apply(drawn).items())


@pytest.mark.parametrize("method", ["random", "layerwise"])
def test_masks_are_drawn_by_the_mask_seed_alone(quick: Quick, ticket: Ticket, method: str) -> None:
    def masks(*overrides: str) -> Masks:
        own = (f"pruning.source={ticket.path}", f"pruning.method={method}")
        return Prepared(quick(*own, *overrides), trust=True).start().masks

    assert masks() == masks("seed=7")
    assert masks() != masks("pruning.mask_seed=1")


def test_onto_another_task_the_head_is_redrawn(quick: Quick, ticket: Ticket, tmp_path: Path) -> None:
    random = np.random.RandomState(0)
    arrays: dict[str, Any] = {f"x_{part}": random.randint(0, 256, (12, 8, 8), np.uint8) for part in ("train", "test")}
    labels = np.arange(12) % 3
    np.savez(tmp_path / "own.npz", y_train=labels, y_test=labels, **arrays)
    other = (
        "data.dataset=npz",
        f"data.data_dir={tmp_path / 'own.npz'}",
        "data.per_class=null",
        "training.batch_size=4",
    )
    prepared = Prepared(
        quick(f"pruning.source={ticket.path}", "pruning.method=transplant", *other, "data.heldout_per_class=1"),
        trust=True,
    )
    start, drawn = prepared.start(), initial_weights(prepared.model, 0)
    for name, value in start.weights.items():
        expected = drawn[name] if name.startswith("head/") else Masks(ticket.mask).apply(ticket.rewind)[name]
        assert np.array_equal(value, expected), name


def test_a_network_that_the_ticket_does_not_fit_is_told_the_layer(quick: Quick, ticket: Ticket, tmp_path: Path) -> None:
    config = quick(f"pruning.source={ticket.path}", "pruning.method=random", "model.width=5")
    for attempt in (run, rehearse):
        with pytest.raises(UserError, match=r"pruning\.source: layer conv/kernel .* has shape \[3, 3, 1, 4\]"):
            attempt(config, trust=True)
    assert not (tmp_path / "tiny").exists()


def test_a_small_dense_network(quick: Quick, ticket: Ticket) -> None:
    plan = Prepared(quick(f"model.width=match:{ticket.path}", "pruning.iterations=0"), trust=True).plan()
    assert abs(plan.prunable - ticket.manifest.remaining) <= 9  # a filter more has 9 + 9 weights
    assert plan.notes == (
        f"width {plan.config.model.width} has {plan.prunable / ticket.manifest.remaining:.3f} of the ticket's "
        f"{ticket.manifest.remaining:,} remaining weights",
    )


def test_dense_at_equal_compute(quick: Quick, source: Run) -> None:
    """As many epochs as the run trained up to its winner, on one cosine."""
    spent = int(source.iterations.epochs[: source.summary["winner"] + 1].sum())
    prepared = Prepared(quick(f"training.epochs=match:{source.path}", "pruning.iterations=0"))
    assert prepared.schedule.epochs == spent == prepared.config.training.epochs
    assert prepared.schedule.rate(spent) > 0
    with pytest.raises(UserError, match="is no finished run, whose epochs could be counted"):
        Prepared(quick(f"training.epochs=match:{source.path / 'iteration_00'}", "pruning.iterations=0"))


@pytest.mark.parametrize(
    ("overrides", "line"),
    [
        (("pruning.method=random",), "method random needs source"),
        (
            ("pruning.source=somewhere",),
            "source is used by the methods random, layerwise, transplant, not by magnitude",
        ),
        (("pruning.start=fresh",), "start: fresh is for the methods random, layerwise, transplant"),
        (("training.epochs=0",), "training.epochs: must be a whole number from 1 to 1000000 or match:RUN, got 0"),
        (("training.epochs=match:",), "or match:RUN"),
    ],
)
def test_mistakes(quick: Quick, overrides: tuple[str, ...], line: str) -> None:
    with pytest.raises(UserError, match=line):
        quick(*overrides)
