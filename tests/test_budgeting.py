from __future__ import annotations

from pathlib import Path

import pytest
import yaml

from tf_dlth import budgeting
from tf_dlth.budgeting import fitted, going_on, is_set
from tf_dlth.config import Config, parse_config
from tf_dlth.errors import UserError
from tf_dlth.pacing.pace import Pace
from tf_dlth.preparation import Prepared

BARE = """
name: tiny
data: {dataset: digits, per_class: 5, heldout_per_class: 3}
training: {batch_size: 20}
"""
"""Three steps an epoch, so that a training has at least 84 epochs."""
LEAST = 84 + 8 * 82


@pytest.fixture
def measured(monkeypatch: pytest.MonkeyPatch) -> list[int]:
    """The widths that were measured; an epoch takes as many seconds as the network is wide, nothing else any."""
    widths: list[int] = []

    def pace_of(prepared: Prepared, devices: str) -> Pace:
        widths.append(prepared.spec.width)
        return Pace(0.0, float(prepared.spec.width), 0.0, 0.0)

    monkeypatch.setattr(budgeting, "pace_of", pace_of)
    return widths


def config(*overrides: str) -> Config:
    return parse_config(BARE, overrides)


def chosen(found: Config) -> tuple[int | str, int | str, int]:
    return found.model.width, found.training.epochs, found.pruning.iterations


def budget(seconds: float) -> float:
    """What leaves that many seconds to plan with."""
    return seconds / budgeting.USABLE + 1e-6


@pytest.mark.parametrize(
    ("seconds", "expected", "widths"),
    [
        (8 * LEAST, (8, 84, 8), [8, 16]),
        (16 * LEAST, (16, 84, 8), [8, 16]),
        (32 * LEAST, (32, 84, 8), [8, 16, 32]),
        (1e9, (64, 200, 16), [8, 16, 32, 64]),
    ],
)
def test_the_largest_that_fits(
    measured: list[int], seconds: float, expected: tuple[int, int, int], widths: list[int]
) -> None:
    found, line = fitted(config(), budget(seconds))
    assert chosen(found) == expected
    assert measured == widths
    assert found.data == config().data
    width, epochs, iterations = expected
    assert f": width {width}, {epochs} epochs, {iterations} iterations, about " in line


@pytest.mark.parametrize(
    ("overrides", "expected", "widths"),
    [
        (["model.width=12"], (12, 200, 16), [12]),
        (["training.epochs=40"], (64, 40, 16), [8, 16, 32, 64]),
        (["pruning.iterations=3"], (64, 200, 3), [8, 16, 32, 64]),
        (["model.width=12", "training.epochs=40", "pruning.iterations=3"], (12, 40, 3), [12]),
        (["pruning.method=none"], (64, 200, 16), [8, 16, 32, 64]),
    ],
)
def test_what_the_user_set_is_kept(
    measured: list[int], overrides: list[str], expected: tuple[int, int, int], widths: list[int]
) -> None:
    found, _ = fitted(config(*overrides), 1e9)
    assert chosen(found) == expected
    assert measured == widths


def test_a_kept_key_leaves_less_for_the_others(measured: list[int]) -> None:
    found, _ = fitted(config("model.width=16"), budget(16 * (100 + 8 * 98)))
    assert chosen(found) == (16, 100, 8)


def test_nothing_fits(measured: list[int]) -> None:
    with pytest.raises(UserError) as raised:
        fitted(config(), 300.0)
    assert str(raised.value) == (
        "--budget of 5 min fits no search here: the least, width 8, 84 epochs, 8 iterations, needs --budget 110m; give "
        "that, or set smaller training.epochs, pruning.iterations or data.image_size"
    )
    found, _ = fitted(config(), 110 * 60)
    assert chosen(found) == (8, 84, 8)


def test_a_file_may_state_a_default_to_keep_it() -> None:
    stated = parse_config(BARE + "model: {width: 64}")
    assert is_set(stated, "model", "width") and not is_set(stated, "training", "epochs")
    assert not is_set(config(), "model", "width")


def test_a_run_goes_on_as_it_was_planned(finished, tmp_path: Path) -> None:
    """By the config.yaml in its folder, measured or not; another name is another run."""
    tree = yaml.safe_load(finished.config.to_yaml())
    sections = {"model": "width", "training": "epochs", "pruning": "iterations"}
    for section, key in sections.items():
        del tree[section][key]
    again, line = going_on(Config.model_validate(tree)) or pytest.fail("there is a run")
    assert again == finished.config
    assert line == (
        f"budget: {finished.path} goes on as it was planned, width 4, 3 epochs, 2 iterations; --overwrite plans anew"
    )
    set_by_hand, _ = going_on(Config.model_validate({**tree, "model": {"width": 9}})) or pytest.fail("there is a run")
    assert chosen(set_by_hand) == (9, 3, 2)
    assert going_on(Config.model_validate({**tree, "name": "other"})) is None
