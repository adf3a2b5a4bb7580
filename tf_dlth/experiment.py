"""One run, from its configuration to its tickets: the only place that wires the parts together."""

from __future__ import annotations

import shutil
from collections.abc import Callable, Iterable, Mapping
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import tf_keras

from tf_dlth import files
from tf_dlth.config import Config
from tf_dlth.data import Data
from tf_dlth.data.pipeline import training_batches
from tf_dlth.errors import UserError
from tf_dlth.evaluation.accuracy import accuracy, predict, predictor
from tf_dlth.lottery import imp, wrapping
from tf_dlth.lottery.folder import ITERATIONS, RUN, Keeping, RunFolder
from tf_dlth.lottery.lock import locked
from tf_dlth.lottery.ticket import Ticket, load_ticket
from tf_dlth.models import variables
from tf_dlth.models.prunable import prunable_names
from tf_dlth.preparation import Prepared
from tf_dlth.reporting.observer import Observers, RunObserver
from tf_dlth.training.devices import first_device, require_devices, strategy_for
from tf_dlth.training.loop import Position
from tf_dlth.training.network import Network
from tf_dlth.training.signals import StopRequest
from tf_dlth.training.trainer import Scores, Trainer

Arrays = Mapping[str, np.ndarray]


@dataclass(frozen=True)
class Run:
    """A finished run, on disk under ``path``; ``trained`` is False where it had been finished before."""

    path: Path
    trained: bool = True

    @property
    def iterations(self) -> pd.DataFrame:
        """iterations.csv, a row an iteration."""
        return pd.read_csv(self.path / ITERATIONS, float_precision="round_trip")

    @property
    def winner(self) -> Ticket:
        """The ticket that ``pruning.select_by`` chose."""
        return load_ticket(self.path, trust=True)

    @property
    def summary(self) -> dict[str, Any]:
        """run.json."""
        return files.read_json(self.path / RUN)


def run(
    config: Config,
    *,
    devices: str = "all",
    overwrite: bool = False,
    allow_change: Iterable[str] = (),
    trust: bool = False,
    observers: Iterable[RunObserver] = (),
) -> Run:
    """Finds the tickets that ``config`` asks for, or goes on where an earlier call of the same config stopped.

    ``trust`` lets a ticket that the config names ask for an architecture that is not built in. Raises UserError for a
    mistake in the configuration or the data, and Stopped after Ctrl-C or SIGTERM, with the state saved.
    """
    path = Path(config.output.directory) / config.name
    require_devices(devices)
    prepared = Prepared(config, trust)
    with ExitStack() as stack:
        stack.enter_context(locked(path))
        folder = RunFolder(path, prepared.facts())
        if overwrite:
            folder.clear()
        folder.refuse_changes(prepared.config, allow_change)
        if folder.status == "finished":
            folder.remove_checkpoints()
            return Run(path, trained=False)
        stop = stack.enter_context(StopRequest())
        observer = stack.enter_context(Observers(observers))
        _train(prepared, folder, devices, stop, observer)
    return Run(path)


class Evaluator:
    """Scores weights on the test set and the held-out set, with the one function that ``evaluate`` uses too."""

    def __init__(self, model: tf_keras.Model, data: Data, devices: str) -> None:
        self._model, self._data, self._devices = model, data, devices
        self._predict = predictor(model)

    def __call__(self, weights: Arrays, between: Callable[[], None]) -> Scores:
        variables.assign(self._model, weights)
        with first_device(self._devices):
            scores = [
                accuracy(predict(self._predict, examples, between), examples.labels)
                for examples in (self._data.test, self._data.heldout)
                if examples is not None
            ]
        return Scores(*scores)


def _train(prepared: Prepared, folder: RunFolder, devices: str, stop: StopRequest, observer: Observers) -> None:
    config, plan = prepared.config, prepared.plan()
    _require_space(folder.path, plan.bytes - files.size(folder.path))
    keeping = Keeping(prepared.origin(), config.output.weights or "last", config.output.savedmodel == "all")
    folder.begin(config, prepared.data.subset(), keeping)
    observer.run_started(prepared, plan, folder.path)
    for warning in (*config.warnings(), *folder.warnings):
        observer.warning(warning)
    trainer = _trainer(prepared, folder, devices, stop, observer)
    prunable = prunable_names(prepared.model)
    with folder.told():
        for iteration in imp.find_tickets(trainer, folder, config.pruning, prepared.initial, prunable):
            observer.iteration_ended(folder.rows[iteration], folder.ticket(iteration))
        folder.choose_winner(config.pruning.select_by or "test_best")
        observer.run_ended(folder.rows)
        folder.finish()


def _trainer(prepared: Prepared, folder: RunFolder, devices: str, stop: StopRequest, observer: Observers) -> Trainer:
    config, data = prepared.config, prepared.data

    def batches(iteration: int, position: Position) -> Any:
        return training_batches(
            data.train,
            config.data,
            batch_size=config.training.batch_size,
            seed=config.seed,
            iteration=iteration,
            epoch=position.epoch,
            first_step=position.step,
            last_epoch=config.training.epochs,
        )

    return Trainer(
        network=Network(prepared.model, config.training, strategy_for(devices), wrapping),
        config=config.training,
        images=len(data.train),
        batches=batches,
        evaluate=Evaluator(prepared.model, data, devices),
        log=folder,
        observer=observer,
        stop=stop,
        checkpoint_seconds=config.output.checkpoint_seconds,
    )


def _require_space(folder: Path, needed: int) -> None:
    free = shutil.disk_usage(folder).free
    if needed > free:
        raise UserError(
            f"the run needs up to {needed / 2**20:,.0f} MiB in {folder}, but {free / 2**20:,.0f} MiB are free; set "
            "output.savedmodel: winner, fewer pruning.iterations, or another output.directory"
        )
