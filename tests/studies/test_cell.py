from __future__ import annotations

import dataclasses
from pathlib import Path
from typing import Any

import pytest

from tf_dlth.config import Config
from tf_dlth.errors import DataAbsent, UserError
from tf_dlth.experiment import run
from tf_dlth.studies.cell import run_cell
from tf_dlth.studies.engines import Task, attempt
from tf_dlth.studies.records import Asked, Measurement, Records
from tf_dlth.studies.runs import stored_run

from ..conftest import Finished, Tiny

NOTHING = Asked((), (), (), all_iterations=False)


def task(config: Config, asked: Asked = NOTHING, **more: Any) -> Task:
    return Task(config, asked, more.pop("data_dirs", {}), **more)


@pytest.fixture
def again(finished: Finished) -> Task:
    """The finished run under another name, which another study would give it."""
    config = finished.config.model_copy(update={"name": "by-another-study"})
    return task(config, alike=(finished.path.name,))


def test_a_cell_is_trained_and_a_second_time_it_is_known(quick: Tiny) -> None:
    config = quick("pruning.iterations=1", "training.epochs=2")
    done = run_cell(task(config))
    assert done == {"run": "tiny", "trained": True, "notes": [], "faults": []}
    assert run_cell(task(config))["trained"] is False


def test_a_run_is_found_under_another_name_by_its_digests(again: Task, finished: Finished) -> None:
    assert run_cell(again) == {"run": finished.path.name, "trained": False, "notes": [], "faults": []}
    assert not (finished.path.parent / "by-another-study").exists()


def test_threads_are_pinned_where_nothing_is_trained_too(again: Task) -> None:
    """Measuring would set the number that later cells of the process are trained with."""
    training = again.config.training.model_copy(update={"threads": 77})
    pinned = dataclasses.replace(again, config=again.config.model_copy(update={"training": training}))
    with pytest.raises(UserError, match=r"training\.threads: 77 cannot be had"):
        run_cell(pinned)


def test_a_run_of_other_images_is_not_taken_for_it(quick: Tiny) -> None:
    first = quick("pruning.iterations=0", "training.epochs=2", "name=first")
    run(first)
    other = quick("pruning.iterations=0", "training.epochs=2", "name=other", "data.subset_seed=1")
    assert run_cell(task(other, alike=("first",)))["run"] == "other"


def test_an_unfinished_run_of_another_name_goes_on(quick: Tiny, monkeypatch: pytest.MonkeyPatch) -> None:
    config = quick("pruning.iterations=1", "training.epochs=2", "name=begun")
    with monkeypatch.context() as broken:
        broken.setattr(
            "tf_dlth.lottery.store.TicketStore.choose_winner", lambda *_: (_ for _ in ()).throw(UserError("x"))
        )
        with pytest.raises(UserError):
            run(config)
    done = run_cell(task(config.model_copy(update={"name": "mine"}), alike=("begun",)))
    assert (done["run"], done["trained"]) == ("begun", True)


def test_what_is_asked_is_measured_once(again: Task, finished: Finished) -> None:
    asked = Asked(("ece",), (), ("density", "weight-norms"), all_iterations=True)
    found = run_cell(task(again.config, asked, alike=again.alike))
    assert (found["notes"], found["faults"]) == ([], [])
    stored, records = stored_run(finished.path), Records(finished.path.parent)
    assert stored is not None and records.missing(stored, asked) == []
    assert 0 < records.get(stored, Measurement("evaluate", "ece", 0)) < 1


def test_images_that_are_not_here_are_noted_and_what_cannot_be_measured_is_a_fault(again: Task) -> None:
    asked = Asked(("cifar10_c", "cifar10_2"), (), (), all_iterations=True)
    found = run_cell(task(again.config, asked, alike=again.alike, data_dirs={"cifar10_c": "nowhere"}))
    assert found["notes"] == [
        "cifar10_c: not run: data absent: data.data_dir: folder nowhere does not exist",
        *[
            note
            for note in found["notes"]
            if note.startswith("cifar10_2: not run: data absent: data.data_dir is missing")
        ],
    ]
    assert len(found["notes"]) == 2 and found["faults"] == []


def test_an_attempt_tells_how_it_ended(again: Task, quick: Tiny, tmp_path: Path) -> None:
    assert attempt(3, again).status == "done"
    absent = quick("data.dataset=folder", "data.per_class=null", "data.heldout_per_class=null", "data.data_dir=nowhere")
    with pytest.raises(DataAbsent):
        run_cell(task(absent))
    assert attempt(4, task(absent)).status == "absent"
    failed = attempt(5, task(quick("model.architecture=nowhere:function")))
    assert (failed.number, failed.status) == (5, "failed") and "nowhere" in failed.reason
