"""Ray: every cell a task, on an existing cluster or on this machine alone; results land on a shared folder."""

from __future__ import annotations

import dataclasses
import logging
import os
import sys
import time
from typing import Any, Self

from tf_dlth.errors import UserError
from tf_dlth.startup import hushed
from tf_dlth.studies.engines import SECONDS_TO_SAVE, Outcome, Task, attempt

ADDRESS = "RAY_ADDRESS"
"""The environment variable that names an existing cluster."""
LOST_WORKERS = 3
"""How often Ray begins a task anew whose worker was lost; the run goes on from its last checkpoint."""
OBJECT_STORE = 80 * 2**20
"""Bytes, the least that Ray admits: results lie in files."""


class Ray:
    """``workers`` cells at a time with ``threads`` CPUs each, None for as many as the cluster holds."""

    def __init__(self, workers: int | None, threads: int, devices: str) -> None:
        self._workers, self._threads, self._devices = workers, threads, devices
        self._running: dict[Any, int] = {}

    def __enter__(self) -> Self:
        os.environ.setdefault("RAY_USAGE_STATS_ENABLED", "0")
        os.environ.setdefault("RAY_ACCEL_ENV_VAR_OVERRIDE_ON_ZERO", "0")
        try:
            with hushed():
                import ray
        except ImportError:
            raise UserError("--engine ray needs Ray: pip install tf_dlth[ray]") from None
        self._ray = ray
        quiet: dict[str, Any] = {"logging_level": logging.ERROR, "log_to_driver": False}
        with hushed():
            if os.environ.get(ADDRESS):
                ray.init(address="auto", **quiet)
            else:
                cpus = self._threads * self._workers if self._workers else max(os.cpu_count() or 1, self._threads)
                ray.init(num_cpus=cpus, include_dashboard=False, object_store_memory=OBJECT_STORE, **quiet)
        return self

    def __exit__(self, *error: Any) -> None:
        with hushed():
            self._ray.shutdown()

    @property
    def slots(self) -> int:
        return self._workers or max(1, int(self._ray.cluster_resources().get("CPU", 1)) // self._threads)

    def submit(self, number: int, task: Task) -> None:
        gpus = self._gpus()
        # A worker sees the devices that Ray gave it, under numbers of its own.
        placed = dataclasses.replace(task, devices="all" if gpus else "cpu")
        remote = self._ray.remote(_attempt_there).options(
            num_cpus=self._threads, num_gpus=gpus, max_retries=LOST_WORKERS, name=task.config.name
        )
        self._running[remote.remote(number, placed, os.getcwd(), sys.path)] = number

    def ended(self, timeout: float) -> list[Outcome]:
        ready, _ = self._ray.wait(list(self._running), num_returns=1, timeout=timeout)
        return [self._outcome(reference) for reference in ready]

    def stop(self, signal_number: int) -> list[Outcome]:
        for reference in self._running:
            self._ray.cancel(reference, force=False)  # Ctrl-C in the worker, whose training saves its state
        outcomes: list[Outcome] = []
        until = time.monotonic() + SECONDS_TO_SAVE
        while self._running and time.monotonic() < until:
            outcomes += self.ended(timeout=1)
        return outcomes

    def _gpus(self) -> int:
        if self._devices.startswith("gpu:"):
            return len(set(self._devices.removeprefix("gpu:").split(",")))
        return int(self._devices == "all" and self._ray.cluster_resources().get("GPU", 0) > 0)

    def _outcome(self, reference: Any) -> Outcome:
        number = self._running.pop(reference)
        try:
            return self._ray.get(reference)
        except self._ray.exceptions.TaskCancelledError:
            return Outcome(number, "stopped", "its task was cancelled")
        except self._ray.exceptions.RayError as error:
            return Outcome(number, "failed", f"Ray: {type(error).__name__}: {' '.join(str(error).split())[:300]}")


def _attempt_there(number: int, task: Task, folder: str, path: list[str]) -> Outcome:
    """Paths mean what they mean where the study was started: the folder is shared."""
    os.chdir(folder)
    sys.path.extend(place for place in path if place not in sys.path)
    try:
        return attempt(number, task)
    except KeyboardInterrupt:
        return Outcome(number, "stopped", "its task was cancelled")
