from __future__ import annotations

import pytest

from tf_dlth.config import Config
from tf_dlth.errors import DataAbsent
from tf_dlth.studies import planning
from tf_dlth.studies.grid import Grid
from tf_dlth.studies.ledger import Ledger
from tf_dlth.studies.planning import Planned, Planner, Speed, left

from .conftest import Finish, MakeStudy


@pytest.fixture(autouse=True)
def _any_threads(monkeypatch: pytest.MonkeyPatch) -> None:
    """The number of threads is decided once a process, and this one has decided."""
    monkeypatch.setattr(planning, "pin_threads", lambda threads: None)


@pytest.fixture
def ledger(make_study: MakeStudy) -> Ledger:
    return Ledger(Grid(make_study("seeds=[0]"), "small.yaml", {}), trusting=True)


@pytest.fixture
def known_speed(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(Planner, "_speed", lambda self, config, prepared: Speed(training=50.0, evaluation=1077.0))


def by_arm(plan: list[Planned]) -> dict[str, Planned]:
    return {planned.standing.cell.arm: planned for planned in reversed(plan)}


@pytest.mark.usefixtures("known_speed")
def test_steps_and_seconds_of_every_arm(ledger: Ledger) -> None:
    """50 images in batches of 20 are 3 steps an epoch; 1,047 test and 30 held-out images are judged after each."""
    plan = by_arm(Planner(ledger, "all").plan())
    assert {arm: planned.steps for arm, planned in plan.items()} == {
        "ticket": 3 * (3 + 2 + 2),
        "matched": 3 * (3 + 2 + 2),
        "equal": 3 * (3 + 2 + 2),
        "random": 3 * 2,
        "base_then_aug": 3 * 2,
    }
    assert plan["ticket"].seconds == pytest.approx(7 * 1 + 7 * 1)
    assert plan["random"].seconds == pytest.approx(2 * 1 + 2 * 1)
    assert plan["ticket"].bytes > plan["random"].bytes > 0


@pytest.mark.usefixtures("known_speed")
def test_what_is_done_is_not_left(ledger: Ledger, finish: Finish) -> None:
    before = left(Planner(ledger, "all").plan(), slots=2)
    ticket = next(cell for cell in ledger.grid.cells if cell.arm == "ticket")
    finish(ledger.grid.config(ticket), [0.5, 0.9, 0.6])
    fresh = Ledger(ledger.grid, trusting=True)
    after = left(Planner(fresh, "all").plan(), slots=2)
    assert (before["cells"] - after["cells"], before["steps"] - after["steps"]) == (1, 21)
    assert before["hours"] - after["hours"] == pytest.approx(14 / 3600 / 2)


def test_cells_without_data_are_told_apart(ledger: Ledger, monkeypatch: pytest.MonkeyPatch) -> None:
    def absent(config: Config, trust: bool) -> None:
        raise DataAbsent("no such folder")

    monkeypatch.setattr(planning, "Prepared", absent)
    plan = Planner(ledger, "all").plan()
    assert {planned.standing.state for planned in plan} == {"absent"}
    assert left(plan, 1) == {"cells": 0, "steps": 0, "bytes": 0, "hours": 0}


def test_speed_is_measured_once_by_training_that_leaves_nothing(
    make_study: MakeStudy, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(planning, "SECONDS_OF_TRIAL", 0.1)
    study = make_study("seeds=[0]", "arms={ticket: {}}", "best_of=null")
    grid = Grid(study.model_copy(update={"threads": 1}), "small.yaml", {})
    unpinned = grid.config
    monkeypatch.setattr(grid, "config", lambda *words: _without_threads(unpinned(*words)))
    planner = Planner(Ledger(grid), "all")
    plan = planner.plan()
    (speed,) = planner._speeds.values()
    assert speed.training > 0 and speed.evaluation > 0
    assert all(planned.seconds > 0 for planned in plan)
    assert not Ledger(grid).directory.exists()


def _without_threads(config: Config) -> Config:
    return config.model_copy(update={"training": config.training.model_copy(update={"threads": None})})
