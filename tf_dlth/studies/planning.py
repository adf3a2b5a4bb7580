"""What is left of a study, and about how long it takes on this machine: a rehearsal that keeps nothing."""

from __future__ import annotations

import json
import tempfile
import time
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np

from tf_dlth.config import Config
from tf_dlth.config.schema import BASELINES
from tf_dlth.errors import DataAbsent
from tf_dlth.evaluation.accuracy import predict
from tf_dlth.experiment import run
from tf_dlth.models import variables
from tf_dlth.models.inference import predictor
from tf_dlth.models.prunable import prunable_names
from tf_dlth.preparation import Prepared, bytes_on_disk
from tf_dlth.reporting.observer import RunObserver
from tf_dlth.studies.grid import Cell
from tf_dlth.studies.ledger import Ledger, Standing
from tf_dlth.studies.measuring import needs_trust
from tf_dlth.training.devices import first_device, pin_threads
from tf_dlth.training.schedule import Position, Schedule

SECONDS_OF_TRIAL = 3.0
"""For how long training is timed, and evaluation after it."""
IMAGES_OF_TRIAL = 250
SEEDS_AND_PICTURES = ("subset_seed", "augment", "flip", "crop_padding", "cutout")
"""Keys of the data section that change neither how many images there are nor their shape."""


@dataclass(frozen=True)
class Planned:
    """What a cell's run does in all: training steps, bytes on disk, seconds; None where it has no data here.

    Of a cell that is to match another's ticket the most that it can be, for the ticket is not known.
    """

    standing: Standing
    steps: int = 0
    bytes: int = 0
    seconds: float = 0.0

    @property
    def is_left(self) -> bool:
        return self.standing.run is None and self.standing.state != "absent"


@dataclass(frozen=True)
class Speed:
    """Images per second on this machine now."""

    training: float
    evaluation: float


class Planner:
    """Plans cells; every model and set of images is prepared once, and timed once."""

    def __init__(self, ledger: Ledger, devices: str) -> None:
        self._ledger, self._devices = ledger, devices
        self._prepared: dict[str, Prepared | DataAbsent] = {}
        self._speeds: dict[str, Speed] = {}

    def plan(self) -> list[Planned]:
        """Of all cells. Raises UserError for what can be known to fail without training."""
        pin_threads(self._ledger.grid.study.threads)
        return [self._planned(standing) for standing in self._ledger.standings()]

    def _planned(self, standing: Standing) -> Planned:
        placed = self._ledger.grid.candidates(standing.cell)[0]
        config = self._stand_in(placed)
        prepared = self._prepare(config)
        if isinstance(prepared, DataAbsent):
            return Planned(Standing(standing.cell, "absent", str(prepared)))
        named, prunable = variables.named_variables(prepared.model), prunable_names(prepared.model)
        schedule, data = self._schedule(placed, config, prepared), prepared.data
        speed = self._speed(config, prepared)
        iterations = range(config.pruning.iterations + 1)
        epochs = sum(schedule.length(k) for k in iterations)
        evaluations = sum(schedule.evaluations(k) for k in iterations)
        judged = len(data.test) + (len(data.heldout) if data.heldout else 0)
        seconds = epochs * len(data.train) / speed.training + evaluations * judged / speed.evaluation
        steps = schedule.total_steps(config.pruning.iterations)
        return Planned(standing, steps, bytes_on_disk(config, named, prunable), seconds)

    def _stand_in(self, cell: Cell) -> Config:
        """A configuration that needs no ticket and costs as much, or at least as much."""
        config, source = self._ledger.grid.config(cell), self._ledger.grid.source(cell)
        pruning, model, training = config.pruning, config.model, config.training
        likeness = self._stand_in(source) if source is not None else config
        if isinstance(model.width, str):
            model = model.model_copy(update={"width": likeness.model.width})
        if isinstance(training.epochs, str):
            one = likeness.pruning
            assert isinstance(likeness.training.epochs, int), "a search states its epochs"
            most = likeness.training.epochs + one.iterations * (likeness.training.epochs - one.rewind_epochs)
            training = training.model_copy(update={"epochs": most})
        if pruning.method in BASELINES:
            single = {"method": "none", "iterations": 0, "source": None, "start": "rewind"}
            pruning = pruning.model_copy(update=single)
        return config.model_copy(update={"pruning": pruning, "model": model, "training": training})

    def _schedule(self, cell: Cell, config: Config, prepared: Prepared) -> Schedule:
        method = self._ledger.grid.config(cell).pruning.method
        rewind = config.pruning.rewind_epochs
        return Schedule.of(config.training, len(prepared.data.train), rewind, rewound=method in BASELINES)

    def _prepare(self, config: Config) -> Prepared | DataAbsent:
        data = config.data.model_dump(mode="json", exclude=set(SEEDS_AND_PICTURES))
        key = json.dumps([data, config.model.model_dump(mode="json")], sort_keys=True)
        if key not in self._prepared:
            try:
                self._prepared[key] = Prepared(config, needs_trust(config))
            except DataAbsent as absent:
                self._prepared[key] = absent
        return self._prepared[key]

    def _speed(self, config: Config, prepared: Prepared) -> Speed:
        shape: list[Any] = [prepared.spec.model_dump(mode="json"), config.training.batch_size, config.training.loss]
        key = json.dumps(shape, sort_keys=True)
        if key not in self._speeds:
            self._speeds[key] = Speed(self._training_speed(config), self._evaluation_speed(prepared))
        return self._speeds[key]

    def _training_speed(self, config: Config) -> float:
        with tempfile.TemporaryDirectory() as folder:
            output = config.output.model_copy(update={"directory": folder, "tensorboard": False})
            endless = {"epochs": 10**6, "evaluate_every": 10**6}
            pruning = config.pruning.model_copy(update={"iterations": 0, "method": "none", "rewind_epochs": 0})
            training = config.training.model_copy(update=endless)
            trial = config.model_copy(update={"output": output, "training": training, "pruning": pruning})
            try:
                run(trial, devices=self._devices, trust=needs_trust(config), observers=[_Timer()])
            except _Enough as measured:
                return measured.images_per_second
        raise AssertionError("a trial never ends by itself")

    def _evaluation_speed(self, prepared: Prepared) -> float:
        images = prepared.data.test.take(np.arange(min(IMAGES_OF_TRIAL, len(prepared.data.test))))
        classify = predictor(prepared.model)
        with first_device(self._devices):
            predict(classify, images)  # compiles
            begin, done = time.monotonic(), 0
            while time.monotonic() - begin < SECONDS_OF_TRIAL:
                predict(classify, images)
                done += len(images)
        return done / (time.monotonic() - begin)


class _Enough(Exception):
    """Ends a trial."""

    def __init__(self, images_per_second: float) -> None:
        super().__init__("the speed is known")
        self.images_per_second = images_per_second


class _Timer(RunObserver):
    """Lets a run train until its rate is known; compiling takes no part in it."""

    def __init__(self) -> None:
        self._begun: float | None = None

    def progress(self, iteration: int, position: Position, images_per_second: float) -> None:
        self._begun = self._begun or time.monotonic()
        if images_per_second and time.monotonic() - self._begun > SECONDS_OF_TRIAL:
            raise _Enough(images_per_second)


def left(plan: list[Planned], slots: int) -> Mapping[str, Any]:
    """The sums over what is left; ``hours`` with ``slots`` cells at a time that do not slow each other down."""
    cells = [planned for planned in plan if planned.is_left]
    return {
        "cells": len(cells),
        "steps": sum(planned.steps for planned in cells),
        "bytes": sum(planned.bytes for planned in cells),
        "hours": sum(planned.seconds for planned in cells) / 3600 / slots,
    }
