from __future__ import annotations

import os
import signal
from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Self

import pytest

from tf_dlth.errors import Stopped, UserError
from tf_dlth.studies.engines import Outcome, Task
from tf_dlth.studies.engines.local import Local
from tf_dlth.studies.grid import Grid
from tf_dlth.studies.ledger import Ledger, Standing
from tf_dlth.studies.results import NETWORKS, STUDY, read_results
from tf_dlth.studies.study import run_study, study_path

from .conftest import Finish, MakeStudy

Verdict = Callable[[Task], tuple[Any, str]]


@dataclass
class Pretended:
    """An engine without workers: a task is finished when it is asked for; ``verdict`` may have it end otherwise."""

    finish: Finish
    verdict: Verdict = lambda task: ("done", "")
    slots: int = 2
    tasks: list[Task] = field(default_factory=list)
    waiting: list[tuple[int, Task]] = field(default_factory=list)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *error: Any) -> None: ...

    def submit(self, number: int, task: Task) -> None:
        assert len(self.waiting) < self.slots
        self.tasks.append(task)
        self.waiting.append((number, task))

    def ended(self, timeout: float) -> Sequence[Outcome]:
        number, task = self.waiting.pop(0)
        status, reason = self.verdict(task)
        if status != "done":
            return [Outcome(number, status, reason)]
        search = task.config.pruning.iterations and task.config.pruning.source is None
        name = task.config.name
        if not (Path("runs") / name).exists():
            self.finish(task.config, [0.5, 0.9, 0.6] if search else [0.7])
        return [Outcome(number, "done", result={"run": name, "trained": True, "notes": [], "faults": []})]

    def stop(self, signal_number: int) -> Sequence[Outcome]:
        return [Outcome(number, "stopped", "saved") for number, _ in self.waiting]


@dataclass
class Heard:
    ends: list[Standing] = field(default_factory=list)
    retried: list[Standing] = field(default_factory=list)

    def started(self, standings: Sequence[Standing]) -> None: ...
    def submitted(self, standing: Standing) -> None: ...
    def failed_once(self, standing: Standing) -> None:
        self.retried.append(standing)

    def ended(self, standing: Standing, notes: Sequence[str], trained: bool) -> None:
        self.ends.append(standing)


def carried_out(make_study: MakeStudy, engine: Any, *overrides: str) -> tuple[list[Standing], Heard]:
    heard = Heard()
    ledger = Ledger(Grid(make_study(*overrides), "small.yaml", {}))
    with engine:
        return run_study(ledger, engine, "all", heard), heard


def states(standings: Sequence[Standing]) -> Counter[str]:
    return Counter(standing.state for standing in standings)


def test_all_cells_are_done_sources_first_and_tables_written(make_study: MakeStudy, finish: Finish) -> None:
    engine = Pretended(finish)
    standings, heard = carried_out(make_study, engine)
    assert states(standings) == {"done": 16} and len(heard.ends) == len(engine.tasks) == 16
    order = [task.config.name.partition("-")[0] for task in engine.tasks]
    assert order.index("equal") > max(i for i, arm in enumerate(order) if arm == "ticket")
    assert len(read_results(Path("runs/small")).networks) == 8 * 3 + 8


def test_a_second_time_nothing_is_left_to_do(make_study: MakeStudy, finish: Finish) -> None:
    carried_out(make_study, Pretended(finish))
    before = (Path("runs/small") / NETWORKS).read_bytes()
    again = Pretended(finish)
    standings, _ = carried_out(make_study, again)
    assert states(standings) == {"done": 16} and again.tasks == []
    assert (Path("runs/small") / NETWORKS).read_bytes() == before


def test_more_seeds_add_to_a_study_and_another_study_shares_its_runs(make_study: MakeStudy, finish: Finish) -> None:
    arms = "arms={ticket: {}}"
    carried_out(make_study, Pretended(finish), "seeds=[0]", arms, "best_of=null")
    more = Pretended(finish)
    carried_out(make_study, more, "seeds=[0, 1]", arms, "best_of=null")
    assert {task.config.seed for task in more.tasks} == {1}
    other = Pretended(finish)
    standings, _ = carried_out(make_study, other, "name=other", "seeds=[0, 1]", arms, "best_of=null")
    assert states(standings) == {"done": 4} and other.tasks == []


def test_two_cells_with_one_run_never_run_side_by_side(make_study: MakeStudy, finish: Finish) -> None:
    engine = Pretended(finish)
    twice = "arms={ticket: {}, twin: {}}"
    standings, _ = carried_out(make_study, engine, twice, "best_of=null", "seeds=[0]", "axes={}")
    first, second = engine.tasks
    assert first.config.name.startswith("ticket-") and second.config.name.startswith("twin-")
    assert second.alike == (first.config.name,)  # whose digests tell the worker that nothing is left to train
    assert states(standings) == {"done": 2}


def test_a_failed_cell_is_tried_once_more_and_the_rest_goes_on(make_study: MakeStudy, finish: Finish) -> None:
    def verdict(task: Task) -> tuple[Any, str]:
        return ("failed", "it was too hot") if task.config.name.startswith("ticket-none-s0") else ("done", "")

    engine = Pretended(finish, verdict)
    standings, heard = carried_out(make_study, engine)
    assert states(standings) == {"done": 7, "failed": 1, "waiting": 8}
    assert len(heard.retried) == 1
    assert Counter(task.config.name for task in engine.tasks).most_common(1)[0][1] == 2
    assert {one.reason for one in standings if one.state == "waiting"} == {
        "waiting for ticket, augment none, seeds 0/0, which failed"
    }


def test_a_cell_that_fails_once_is_done(make_study: MakeStudy, finish: Finish) -> None:
    seen: Counter[str] = Counter()

    def verdict(task: Task) -> tuple[Any, str]:
        seen[task.config.name] += 1
        return ("failed", "once") if seen[task.config.name] == 1 else ("done", "")

    standings, heard = carried_out(make_study, Pretended(finish, verdict))
    assert states(standings) == {"done": 16} and len(heard.retried) == 16


def test_absent_data_is_no_failure(make_study: MakeStudy, finish: Finish) -> None:
    standings, heard = carried_out(make_study, Pretended(finish, lambda task: ("absent", "no such folder")))
    assert states(standings) == {"absent": 16} and not heard.retried


def test_a_signal_stops_the_workers_and_says_how_to_go_on(make_study: MakeStudy, finish: Finish) -> None:
    def verdict(task: Task) -> tuple[Any, str]:
        os.kill(os.getpid(), signal.SIGTERM)
        return "done", ""

    engine = Pretended(finish, verdict)
    with pytest.raises(Stopped, match=r"^stopped; all is saved in runs, and the same command goes on") as stopped:
        carried_out(make_study, engine)
    assert stopped.value.exit_code == 143 and len(engine.tasks) == 2
    assert len(read_results(Path("runs/small")).networks) == 3
    standings, _ = carried_out(make_study, Pretended(finish))
    assert states(standings) == {"done": 16}


def test_the_folder_of_another_study_is_refused_and_nothing_of_a_users_is_touched(
    make_study: MakeStudy, finish: Finish
) -> None:
    carried_out(make_study, Pretended(finish), "seeds=[0]")
    with pytest.raises(UserError, match=r"holds a study that differs in threads; give this one another name"):
        carried_out(make_study, Pretended(finish), "threads=2")
    mine = study_path(make_study("name=mine"))
    mine.mkdir()
    (mine / NETWORKS).write_text("my own")
    with pytest.raises(UserError, match=rf"mine holds {NETWORKS} but no {STUDY}"):
        carried_out(make_study, Pretended(finish), "name=mine")
    assert (mine / NETWORKS).read_text() == "my own"


def test_two_cells_by_a_real_worker(make_study: MakeStudy) -> None:
    arms = "{ticket: {}, random: {set: {pruning.method: random, pruning.source: TICKET}, source: ticket}}"
    overrides = (f"arms={arms}", "best_of=null", "axes={}", "seeds=[0]", "evaluate=[ece]", "analyze=[density]")
    standings, heard = carried_out(make_study, Local(1, 1), *overrides)
    assert states(standings) == {"done": 2}, [one.reason for one in standings]
    results = read_results(Path("runs/small"))
    assert results.networks["arm"].tolist() == ["ticket"] * 3 + ["random"]
    config = heard.ends[1].config
    assert config is not None and config.pruning.source is not None
    best = int(config.pruning.source[-2:])
    assert results.networks["density"].tolist()[-1] == results.networks["density"][best] < 1
    assert results.networks["ece"].between(0, 1).sum() >= 3
    assert {"ticket", "random"} == set(results.analyses["arm"])
