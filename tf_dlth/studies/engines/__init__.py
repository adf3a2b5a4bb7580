"""Who carries out the cells of a study: one interface, and what every worker does."""

from __future__ import annotations

import os
import traceback
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Literal, Protocol, Self

from tf_dlth.config import Config, Dataset
from tf_dlth.errors import DataAbsent, Stopped, UserError
from tf_dlth.startup import start_tensorflow
from tf_dlth.studies.records import Asked

SECONDS_TO_SAVE = 120.0
"""How long a worker that was told to stop may take to save its state."""


@dataclass(frozen=True)
class Task:
    """A cell's run, what is asked of it, and where it is carried out.

    ``alike`` are names of runs in the same directory that may be this one; ``data_dirs`` says where datasets lie.
    """

    config: Config
    asked: Asked
    data_dirs: Mapping[Dataset, str]
    devices: str = "all"
    alike: tuple[str, ...] = ()


@dataclass(frozen=True)
class Outcome:
    """How the task that was submitted under ``number`` ended: ``result`` of one whose training is done."""

    number: int
    status: Literal["done", "failed", "absent", "stopped"]
    reason: str = ""
    result: Mapping[str, Any] = field(default_factory=dict)


class Engine(Protocol):
    """Carries out up to ``slots`` tasks at a time; a context that leaves no worker behind."""

    @property
    def slots(self) -> int: ...
    def __enter__(self) -> Self: ...
    def __exit__(self, *error: Any) -> None: ...

    def submit(self, number: int, task: Task) -> None:
        """Begins a task; at most ``slots`` may be under way."""
        ...

    def ended(self, timeout: float) -> Sequence[Outcome]:
        """The tasks that have ended since the last call; waits at most ``timeout`` seconds for the first."""
        ...

    def stop(self, signal_number: int) -> Sequence[Outcome]:
        """Hands a signal to the workers, lets them save, and gives how the tasks under way ended."""
        ...


def attempt(number: int, task: Task) -> Outcome:
    """Carries out a task in this process, whatever comes of it."""
    start_tensorflow()
    import tf_keras

    from tf_dlth.studies.cell import run_cell

    tf_keras.backend.clear_session()  # graphs of the cells before
    try:
        result = run_cell(task)
        faults = "; ".join(result["faults"])
        return Outcome(number, "failed" if faults else "done", faults, result)
    except DataAbsent as reason:
        return Outcome(number, "absent", str(reason))
    except Stopped as stopped:
        return Outcome(number, "stopped", str(stopped))
    except UserError as mistake:
        return Outcome(number, "failed", str(mistake))
    except Exception as error:
        return Outcome(number, "failed", _unexpected(error))


def _unexpected(error: Exception) -> str:
    where = traceback.extract_tb(error.__traceback__)[-1]
    return f"unexpected {type(error).__name__}: {error} ({os.path.basename(where.filename)}:{where.lineno})"
