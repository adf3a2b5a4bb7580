from __future__ import annotations

from pathlib import Path

import pytest

from tf_dlth.config import Config
from tf_dlth.studies.runs import StoredRuns, agree, stored_run

from ..conftest import Tiny
from .conftest import Finish


@pytest.fixture
def config(tiny: Tiny, tmp_path: Path) -> Config:
    return tiny(tmp_path)


def test_a_run_knows_its_best_ticket(config: Config, finish: Finish) -> None:
    run = finish(config, [0.9, 0.5, 0.7])
    assert run.ticket == run.path / "iteration_02"
    assert (run.rule, run.ticket_score, run.best_row.iteration) == ("heldout", 0.7, 2)


def test_the_only_network_of_a_single_training_stands_for_its_ticket(config: Config, finish: Finish) -> None:
    run = finish(config, [0.6])
    assert (run.ticket.name, run.ticket_score) == ("iteration_00", 0.6)


def test_folders_that_hold_no_run_are_no_runs(config: Config, finish: Finish, tmp_path: Path) -> None:
    (tmp_path / "empty").mkdir()
    damaged = finish(config, [0.6]).path / "run.json"
    damaged.write_text("{}")
    assert stored_run(tmp_path / "empty") is None and stored_run(damaged.parent) is None
    assert list(StoredRuns(tmp_path).alike(config)) == []


def test_runs_are_found_under_any_name_if_nothing_that_is_stated_differs(
    config: Config, finish: Finish, tiny: Tiny, tmp_path: Path
) -> None:
    finish(config, [0.6], name="mine")
    runs = StoredRuns(tmp_path)
    assert [run.path.name for run in runs.alike(config)] == ["mine"]
    assert [run.path.name for run in runs.alike(tiny(tmp_path, "training.threads=2", "name=b"))] == ["mine"]
    assert not list(runs.alike(tiny(tmp_path, "seed=1")))
    assert not list(runs.alike(tiny(tmp_path, "training.epochs=4")))


def test_a_run_that_was_passed_on_without_all_its_tickets_is_not_shared(
    config: Config, finish: Finish, tmp_path: Path
) -> None:
    run = finish(config, [0.6, 0.7], name="example")
    assert [found.path for found in StoredRuns(tmp_path).alike(config)] == [run.path]
    (run.path / "iteration_01" / "ticket.json").unlink()
    assert not list(StoredRuns(tmp_path).alike(config))


def test_what_is_decided_when_a_run_is_resolved_does_not_tell_two_apart(tiny: Tiny, tmp_path: Path) -> None:
    resolved = tiny(tmp_path, "model.stem=small", "data.cutout=0", "pruning.iterations=0", "model.width=3")
    assert agree(tiny(tmp_path, "pruning.iterations=0", "model.width=match:T"), resolved)
    assert not agree(tiny(tmp_path, "pruning.iterations=0", "model.width=3", "data.cutout=2"), resolved)
    source = ("pruning.method=random", "pruning.source=T")
    assert agree(tiny(tmp_path, *source), tiny(tmp_path, *source, "pruning.iterations=0"))
