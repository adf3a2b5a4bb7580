"""One run, from its configuration to its tickets: the only place that wires the parts together."""

from __future__ import annotations

import math
import shutil
from collections.abc import Callable, Iterable, Mapping
from contextlib import ExitStack
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import tensorflow as tf
import tf_keras

from tf_dlth import files, provenance
from tf_dlth.config import Config, WeightsKind
from tf_dlth.data import Data, load_data
from tf_dlth.data.pipeline import training_batches
from tf_dlth.errors import Stopped, UserError
from tf_dlth.evaluation.accuracy import accuracy, predict, predictor
from tf_dlth.lottery import imp, wrapping
from tf_dlth.lottery.folder import ITERATIONS, RUN, Keeping, RunFolder
from tf_dlth.lottery.lock import locked
from tf_dlth.lottery.manifest import Preprocessing
from tf_dlth.lottery.ticket import Origin, Ticket, load_ticket
from tf_dlth.models import variables
from tf_dlth.models.build import build
from tf_dlth.models.initialisation import initial_weights
from tf_dlth.models.pretrained import load_pretrained
from tf_dlth.models.prunable import prunable_names, unprunable_layers
from tf_dlth.models.spec import ModelSpec
from tf_dlth.models.width import matching_width
from tf_dlth.reporting.observer import Observers, RunObserver
from tf_dlth.training.devices import first_device, require_devices, strategy_for
from tf_dlth.training.loop import Position
from tf_dlth.training.network import Network
from tf_dlth.training.signals import StopRequest
from tf_dlth.training.trainer import Scores, Trainer

Arrays = Mapping[str, np.ndarray]
GRAPH_BYTES = 2**20
"""What a SavedModel takes beside its weights, about."""
SMALL_STEM_UP_TO = 64
"""Pixels: the paper's small stem is for 32 and 64 px images."""


@dataclass(frozen=True)
class Plan:
    """What a run is going to do: ``steps`` over all iterations, ``bytes`` that it writes at most at one time."""

    config: Config
    parameters: int
    prunable: int
    unprunable_layers: tuple[str, ...]
    images_per_class: Mapping[str, Mapping[str, int]]
    steps: int
    bytes: int


@dataclass(frozen=True)
class Run:
    """A finished run, on disk under ``path``; ``trained`` is False where it had been finished before."""

    path: Path
    trained: bool = True

    @property
    def iterations(self) -> pd.DataFrame:
        """iterations.csv, a row an iteration."""
        return pd.read_csv(self.path / ITERATIONS)

    @property
    def winner(self) -> Ticket:
        """The ticket that ``pruning.select_by`` chose."""
        return load_ticket(self.path, trust=True)

    @property
    def summary(self) -> dict[str, Any]:
        """run.json."""
        return files.read_json(self.path / RUN)


class Prepared:
    """A configuration with its data read, its nulls resolved and its plain model built."""

    def __init__(self, config: Config, trust: bool = False) -> None:
        self.given = config
        self.data: Data = load_data(config.data)
        self.config = resolve(config, self.data)
        self.spec = _spec(self.config, self.data, trust)
        assert self.config.data.normalisation is not None, "load_data resolves it"
        self.normalisation = self.config.data.normalisation
        self.model = build(self.spec, self.normalisation)
        if not prunable_names(self.model):
            raise UserError(f"model.architecture: {self.spec.architecture} has no layer that can be pruned")
        self.initial, self.provenance = self._initial()

    def _initial(self) -> tuple[Arrays, dict[str, Any]]:
        """theta_0 and where it comes from: drawn, or partly read from a file."""
        drawn, init = initial_weights(self.model, self.config.seed), self.config.model.init
        if init == "random":
            return drawn, {"init": init}
        return load_pretrained(init, self.spec, drawn, self.config.model.pretrained_stem)

    def plan(self) -> Plan:
        """Counts, without training."""
        named = variables.named_variables(self.model)
        prunable = prunable_names(self.model)
        return Plan(
            config=self.config,
            parameters=sum(_size(v) for v in named.values() if v.trainable),
            prunable=sum(_size(named[name]) for name in prunable),
            unprunable_layers=unprunable_layers(self.model),
            images_per_class=_images_per_class(self.data),
            steps=_steps(self.config, len(self.data.train)),
            bytes=_bytes(self.config, named, prunable),
        )

    def origin(self) -> Origin:
        return Origin(
            spec=self.spec,
            preprocessing=Preprocessing(**self.data.preprocessing),
            normalisation=self.normalisation,
            dataset=self.config.data.dataset,
            class_names=self.data.class_names,
            augment=self.config.data.augment,
            config_sha256=self.given.sha256(),
        )

    def facts(self) -> dict[str, Any]:
        """What run.json says before anything is trained."""
        return {
            "config_sha256": self.given.sha256(),
            "data_sha256": self.data.sha256,
            "seed": self.config.seed,
            "initialisation": self.provenance,
            "versions": provenance.versions(),
            "host": provenance.host(),
        }


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


def resolve(config: Config, data: Data) -> Config:
    """The configuration with every null replaced that the data decides."""
    stem = config.model.stem or ("small" if max(data.image_shape[:2]) <= SMALL_STEM_UP_TO else "full")
    has_heldout = data.heldout is not None
    if config.pruning.select_by == "heldout" and not has_heldout:
        raise UserError("pruning.select_by: heldout needs held-out images; set data.heldout_per_class")
    if config.output.weights == "heldout" and not has_heldout:
        raise UserError("output.weights: heldout needs held-out images; set data.heldout_per_class")
    select_by = config.pruning.select_by or ("heldout" if has_heldout else "test_best")
    weights: WeightsKind = config.output.weights or ("heldout" if has_heldout else "last")
    return config.model_copy(
        update={
            "data": data.config,
            "model": config.model.model_copy(update={"stem": stem}),
            "pruning": config.pruning.model_copy(update={"select_by": select_by}),
            "output": config.output.model_copy(update={"weights": weights}),
        }
    )


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
    try:
        for iteration in imp.find_tickets(trainer, folder, config.pruning, prepared.initial, prunable):
            observer.iteration_ended(folder.rows[iteration], folder.ticket(iteration))
    except UserError as error:
        folder.fail(str(error))
        raise
    except Stopped as stopped:
        message = f"stopped; all is saved in {folder.path}, and the same command goes on from there"
        raise Stopped(stopped.exit_code - 128, message) from None
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


def _spec(config: Config, data: Data, trust: bool) -> ModelSpec:
    assert config.model.stem is not None, "resolve() sets it"
    width = config.model.width
    spec = ModelSpec(
        architecture=config.model.architecture,
        width=width if isinstance(width, int) else 1,
        stem=config.model.stem,
        head=config.model.head,
        classes=len(data.class_names),
        input_shape=data.image_shape,
    )
    if isinstance(width, int):
        return spec
    ticket = load_ticket(width.removeprefix("match:"), trust)
    return replace(spec, width=matching_width(spec, ticket.manifest.remaining))


def _images_per_class(data: Data) -> dict[str, dict[str, int]]:
    parts = {"train": data.train, "heldout": data.heldout, "test": data.test}
    return {
        name: {
            label: int(n)
            for label, n in zip(
                data.class_names, np.bincount(part.labels, minlength=len(data.class_names)), strict=True
            )
        }
        for name, part in parts.items()
        if part is not None
    }


def _steps(config: Config, images: int) -> int:
    """All training steps: iteration 0 from epoch 1, the others from the epoch after the rewind point."""
    epochs = config.training.epochs + config.pruning.iterations * (
        config.training.epochs - config.pruning.rewind_epochs
    )
    return epochs * math.ceil(images / config.training.batch_size)


def _size(variable: tf.Variable) -> int:
    return math.prod(variable.shape.as_list())


def _bytes(config: Config, named: Mapping[str, tf.Variable], prunable: Iterable[str]) -> int:
    """A ticket holds up to three sets of float32 weights and a SavedModel, a checkpoint up to four and the momentum."""
    weights = 4 * sum(_size(v) for v in named.values())
    masks = sum(_size(named[name]) for name in prunable)
    models = 1 if config.output.savedmodel == "all" else 0
    model = weights + GRAPH_BYTES
    tickets = (config.pruning.iterations + 1) * (3 * weights + models * model + masks)
    checkpoints = 3 * (5 * weights + masks)
    return tickets + checkpoints + 2 * weights + (1 - models) * model


def _require_space(folder: Path, needed: int) -> None:
    free = shutil.disk_usage(folder).free
    if needed > free:
        raise UserError(
            f"the run needs up to {needed / 2**20:,.0f} MiB in {folder}, but {free / 2**20:,.0f} MiB are free; set "
            "output.savedmodel: winner, fewer pruning.iterations, or another output.directory"
        )
