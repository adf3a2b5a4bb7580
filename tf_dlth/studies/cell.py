"""What a worker does for one cell: train it or find that it is trained, then measure what the study asks."""

from __future__ import annotations

from functools import lru_cache
from pathlib import Path
from typing import Any

from tf_dlth.config import Config, DataConfig
from tf_dlth.data import Data, load_data
from tf_dlth.errors import DataAbsent, UserError
from tf_dlth.experiment import run
from tf_dlth.lottery.store import verify_run
from tf_dlth.preparation import resolve
from tf_dlth.reporting.figures.run import Figures
from tf_dlth.reporting.observer import RunObserver
from tf_dlth.reporting.tensorboard import TensorBoard
from tf_dlth.runs.folder import run_path
from tf_dlth.studies.engines import Task
from tf_dlth.studies.measuring import Measuring, needs_trust
from tf_dlth.studies.records import Records
from tf_dlth.studies.runs import StoredRun, stored_run
from tf_dlth.training.devices import pin_threads


def run_cell(task: Task) -> dict[str, Any]:
    """JSON values: the ``run``'s folder by its name, whether it was ``trained`` now, ``notes`` on measures for which
    there are no images, and ``faults`` of others.

    What was done before, by this study or another, is not done again. Raises UserError for mistakes, DataAbsent where
    the training's images are not on this machine, and Stopped after a signal, with the state saved.
    """
    pin_threads(task.config.training.threads)  # first of all: whatever comes first decides it for the process
    trained, name = _trained(task)
    found = stored_run(run_path(task.config).with_name(name))
    assert found is not None, "it has just been finished"
    notes, faults = _measured(task, found)
    return {"run": name, "trained": trained, "notes": notes, "faults": faults}


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
    data = _loaded(config.data.model_dump_json())
    digests = (resolve(config, data, needs_trust(config)).sha256(), data.sha256)
    return found if digests == (found.facts.config_sha256, found.facts.data_sha256) else None


@lru_cache(maxsize=1)
def _loaded(section: str) -> Data:
    """The last data section's images, by its JSON: the cells of a setting that follow one another share it."""
    return load_data(DataConfig.model_validate_json(section))


def _observers(config: Config) -> list[RunObserver]:
    return [Figures(), *([TensorBoard()] if config.output.tensorboard else [])]


def _measured(task: Task, found: StoredRun) -> tuple[list[str], list[str]]:
    """Measures what is missing; a line on each measure without images, and one on each that cannot be taken."""
    records = Records(Path(task.config.output.directory))
    measure = Measuring(found, task.data_dirs, task.devices)
    absent: dict[str, str] = {}
    faulty: dict[str, str] = {}
    for wanted in records.missing(found, task.asked):
        if wanted.name in absent or wanted.name in faulty:
            continue
        try:
            records.put(found, wanted, measure(wanted))
        except DataAbsent as reason:
            absent[wanted.name] = f"{wanted.name}: not run: data absent: {reason}"
        except UserError as reason:
            faulty[wanted.name] = f"{wanted.name}: {reason}"
    return list(absent.values()), list(faulty.values())
