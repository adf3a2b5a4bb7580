"""What a worker does for one cell: train it or find that it is trained, then measure what the study asks."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from typing import Any

from tf_dlth.config import Config, DataConfig, Dataset
from tf_dlth.data import Data, load_data
from tf_dlth.errors import DataAbsent
from tf_dlth.experiment import run
from tf_dlth.lottery.store import verify_run
from tf_dlth.preparation import resolve
from tf_dlth.reporting.figures.run import Figures
from tf_dlth.reporting.observer import RunObserver
from tf_dlth.reporting.tensorboard import TensorBoard
from tf_dlth.runs.folder import run_path
from tf_dlth.studies.measuring import Measuring, needs_trust
from tf_dlth.studies.records import Asked, Records
from tf_dlth.studies.runs import StoredRun, stored_run


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


def run_cell(task: Task) -> dict[str, Any]:
    """The run's folder by its name, whether it was trained now, and ``notes`` on what could not be measured.

    What was done before, by this study or another, is not done again. Raises UserError for mistakes, DataAbsent where
    the training's images are not on this machine, and Stopped after a signal, with the state saved.
    """
    trained, name = _trained(task)
    found = stored_run(run_path(task.config).with_name(name))
    assert found is not None, "it has just been finished"
    return {"run": name, "trained": trained, "notes": _measured(task, found)}


def _trained(task: Task) -> tuple[bool, str]:
    """Whether anything was trained, and the name of the run's folder."""
    known = next((found for name in task.alike if (found := _same(task.config, name)) is not None), None)
    if known is not None and known.finished:
        verify_run(known.path)
        return False, known.path.name
    config = task.config.model_copy(update={"name": known.path.name}) if known is not None else task.config
    done = run(config, devices=task.devices, trust=needs_trust(config), observers=_observers(config))
    return done.trained, config.name


def _same(config: Config, name: str) -> StoredRun | None:
    """The run of that name if it is the configuration's, by the digests of what is trained and on which images."""
    found = stored_run(run_path(config).with_name(name))
    if found is None:
        return None
    data = _loaded(config.data)
    digests = (resolve(config, data, needs_trust(config)).sha256(), data.sha256)
    return found if digests == (found.facts.config_sha256, found.facts.data_sha256) else None


@lru_cache(maxsize=1)
def _loaded(data: DataConfig) -> Data:
    """The last section's images: the cells of a setting that follow one another share it."""
    return load_data(data)


def _observers(config: Config) -> list[RunObserver]:
    return [Figures(), *([TensorBoard()] if config.output.tensorboard else [])]


def _measured(task: Task, found: StoredRun) -> list[str]:
    """Measures what is missing; lines on what there are no images for."""
    records = Records(Path(task.config.output.directory))
    measure = Measuring(found, task.data_dirs, task.devices)
    absent: dict[str, str] = {}
    for wanted in records.missing(found, task.asked):
        if wanted.name in absent:
            continue
        try:
            records.put(found, wanted, measure(wanted))
        except DataAbsent as reason:
            absent[wanted.name] = f"{wanted.name}: not run: data absent: {reason}"
    return list(absent.values())
