from __future__ import annotations

import os
import signal
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from tf_dlth.studies.engines import Outcome, Task
from tf_dlth.studies.engines.local import THREADS_OF_LIBRARIES, Local
from tf_dlth.studies.records import Asked

from ...conftest import Tiny

NOTHING = Asked((), (), (), all_iterations=False)


@pytest.fixture
def engine() -> Iterator[Local]:
    with Local(2, 1) as entered:
        yield entered


def ended(engine: Local, seconds: float = 300) -> Outcome:
    until = time.monotonic() + seconds
    while not (outcomes := engine.ended(1)):
        assert time.monotonic() < until
    (outcome,) = outcomes
    return outcome


def faulty(tiny: Tiny, folder: Path) -> Task:
    return Task(tiny(folder, "model.architecture=nowhere:function"), NOTHING, {})


def test_a_worker_carries_out_one_task_after_the_other(engine: Local, tiny: Tiny, tmp_path: Path) -> None:
    for number in (4, 7):
        engine.submit(number, faulty(tiny, tmp_path))
        outcome = ended(engine)
        assert (outcome.number, outcome.status) == (number, "failed") and "nowhere" in outcome.reason
    (worker,) = engine._workers
    environment = Path(f"/proc/{worker.process.pid}/environ").read_bytes()
    assert f"{THREADS_OF_LIBRARIES}=1".encode() in environment.split(b"\0")


def test_a_worker_that_dies_is_a_failed_task_and_is_replaced(engine: Local, tiny: Tiny, tmp_path: Path) -> None:
    engine.submit(1, faulty(tiny, tmp_path))
    (worker,) = engine._workers
    os.kill(worker.process.pid or 0, signal.SIGKILL)
    outcome = ended(engine)
    assert (outcome.number, outcome.status) == (1, "failed")
    assert outcome.reason == "its worker was killed by SIGKILL; if memory ran out, use fewer --workers"
    engine.submit(2, faulty(tiny, tmp_path))
    assert ended(engine).number == 2


def test_a_signal_is_handed_on_and_idle_workers_end(engine: Local, tiny: Tiny, tmp_path: Path) -> None:
    engine.submit(1, faulty(tiny, tmp_path))
    processes = [worker.process for worker in engine._workers]
    time.sleep(0.5)
    outcomes = engine.stop(signal.SIGTERM)
    assert [outcome.number for outcome in outcomes] == [1]
    engine.__exit__()
    assert not any(process.is_alive() for process in processes)
