"""Worker processes on this machine, each of which carries out one cell after the other."""

from __future__ import annotations

import multiprocessing
import os
import signal
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from multiprocessing.connection import Connection, wait
from multiprocessing.process import BaseProcess
from types import FrameType
from typing import Any, Self

from tf_dlth.startup import HEARD
from tf_dlth.studies.engines import SECONDS_TO_SAVE, Outcome, Task, attempt

THREADS_OF_LIBRARIES = "OMP_NUM_THREADS"
"""Read by NumPy's BLAS when it is imported; its last bits depend on the number."""


@dataclass
class _Worker:
    """A process and the task that it is at, None if it waits for one."""

    process: BaseProcess
    connection: Connection
    number: int | None = None


class Local:
    """``workers`` processes with ``threads`` threads each; they are started when they are needed."""

    def __init__(self, workers: int, threads: int) -> None:
        self._slots, self._threads = workers, threads
        self._workers: list[_Worker] = []

    @property
    def slots(self) -> int:
        return self._slots

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *error: Any) -> None:
        for worker in self._workers:
            worker.process.kill()  # what it was at is saved up to its last checkpoint
            worker.process.join()
        self._workers = []

    def submit(self, number: int, task: Task) -> None:
        worker = next((worker for worker in self._workers if worker.number is None), None) or self._started()
        worker.number = number
        with suppress(BrokenPipeError):  # it died while it waited: its end is told as that of the task
            worker.connection.send((number, task))

    def ended(self, timeout: float) -> list[Outcome]:
        busy = [worker for worker in self._workers if worker.number is not None]
        signs = [sign for worker in busy for sign in (worker.connection, worker.process.sentinel)]
        ready = wait(signs, timeout)
        heard = [worker for worker in busy if worker.connection in ready or worker.process.sentinel in ready]
        return [self._outcome(worker) for worker in heard]

    def stop(self, signal_number: int) -> list[Outcome]:
        for worker in self._workers:
            with suppress(ProcessLookupError):
                os.kill(worker.process.pid or 0, signal_number)
        outcomes: list[Outcome] = []
        until = time.monotonic() + SECONDS_TO_SAVE
        while any(worker.number is not None for worker in self._workers) and time.monotonic() < until:
            outcomes += self.ended(timeout=1)
        return outcomes

    def _started(self) -> _Worker:
        # Spawned, not forked: TensorFlow's threads do not survive a fork, and every worker begins alike.
        context = multiprocessing.get_context("spawn")
        here, there = context.Pipe()
        process = context.Process(target=_work, args=(there,), name="tf_dlth study worker")
        with _environment(THREADS_OF_LIBRARIES, str(self._threads)):
            process.start()
        there.close()
        worker = _Worker(process, here)
        self._workers.append(worker)
        return worker

    def _outcome(self, worker: _Worker) -> Outcome:
        number = worker.number
        assert number is not None
        try:
            outcome = worker.connection.recv()
        except (EOFError, ConnectionResetError):
            self._workers.remove(worker)
            worker.process.join()
            return _of_the_dead(number, worker.process.exitcode or 0)
        worker.number = None
        return outcome


def _of_the_dead(number: int, exit_code: int) -> Outcome:
    if exit_code - 128 in HEARD:
        return Outcome(number, "stopped", "its worker was told to end")
    how = f"was killed by {signal.Signals(-exit_code).name}" if exit_code < 0 else f"ended with {exit_code}"
    return Outcome(number, "failed", f"its worker {how}; if memory ran out, use fewer --workers")


@contextmanager
def _environment(name: str, value: str) -> Iterator[None]:
    """The variable as a process that is started in the block finds it."""
    before = os.environ.get(name)
    os.environ[name] = value
    try:
        yield
    finally:
        if before is None:
            del os.environ[name]
        else:
            os.environ[name] = before


def _work(connection: Connection) -> None:
    """What a worker does until its parent closes the connection."""
    # A group of its own: Ctrl-C of a terminal reaches the parent alone, which hands it on once.
    os.setpgrp()
    for number in HEARD:
        signal.signal(number, _leave)
    threading.Thread(target=_end_with_parent, daemon=True).start()
    with suppress(EOFError, BrokenPipeError):
        while True:
            connection.send(attempt(*connection.recv()))


def _leave(number: int, frame: FrameType | None) -> None:
    """While nothing is trained nothing is to be saved; a training hears signals itself."""
    os._exit(128 + number)


def _end_with_parent() -> None:
    parent = multiprocessing.parent_process()
    if parent is not None:
        parent.join()
        os._exit(1)
