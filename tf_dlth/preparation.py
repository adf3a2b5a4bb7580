"""From a configuration to all that training needs: images, resolved settings, model, first weights, counts."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any

import numpy as np
import tensorflow as tf

from tf_dlth import provenance
from tf_dlth.config import Config, ModelConfig, WeightsKind
from tf_dlth.config.schema import BASELINES
from tf_dlth.data import Data, load_data
from tf_dlth.data.images import Preprocessing
from tf_dlth.data.pipeline import Batches, training_batches, training_draws
from tf_dlth.data.resident import Resident, can_reside
from tf_dlth.errors import UserError
from tf_dlth.lottery.rows import epochs_until_winner
from tf_dlth.lottery.starts import Start, baseline, dense
from tf_dlth.models import variables
from tf_dlth.models.build import Built, assemble
from tf_dlth.models.given import frozen_names, given_names
from tf_dlth.models.inference import Inference
from tf_dlth.models.initialisation import initial_weights
from tf_dlth.models.pretrained import load_pretrained
from tf_dlth.models.prunable import prunable_names, unprunable_layers
from tf_dlth.models.registry import BUILT_IN
from tf_dlth.models.spec import ModelSpec
from tf_dlth.models.width import matching_width
from tf_dlth.runs.facts import Facts
from tf_dlth.tickets.ticket import load_ticket
from tf_dlth.tickets.writing import Origin
from tf_dlth.training.devices import intra_op_threads
from tf_dlth.training.schedule import Schedule
from tf_dlth.training.trial import require_replay

Arrays = Mapping[str, np.ndarray]
GRAPH_BYTES = 2**20
"""What a SavedModel takes beside its weights, about."""
SMALL_STEM_UP_TO = 64
"""Pixels: the paper's small stem is for 32 and 64 px images."""


@dataclass(frozen=True)
class Plan:
    """What a run is going to do: ``steps`` over all iterations, ``bytes`` that it writes at most at one time.

    ``sizes`` counts a folder's pictures by (height, width), ``skipped`` its files that are not used by reason.
    ``seconds`` are None where no speed was measured.
    """

    config: Config
    parameters: int
    prunable: int
    unprunable_layers: tuple[str, ...]
    initialisation: Mapping[str, Any]
    images_per_class: Mapping[str, Mapping[str, int]]
    preprocessing: Preprocessing
    sizes: Mapping[tuple[int, int], int]
    skipped: Mapping[str, int]
    schedule: Schedule
    steps: int
    bytes: int
    notes: tuple[str, ...]
    seconds: float | None = None


class Prepared:
    """A configuration with its data read, its nulls resolved and its plain model built."""

    def __init__(self, config: Config, trust: bool = False, data: Data | None = None) -> None:
        """``data`` is what the section ``data`` asks for, where it was read before."""
        self.given, self._trust = config, trust
        self.data = data or load_data(config.data)
        self.config = resolve(config, self.data, trust)
        self.spec = _spec(self.config.model, self.data)
        assert self.config.data.normalisation is not None, "load_data resolves it"
        self.normalisation = self.config.data.normalisation
        built = assemble(self.spec, self.normalisation)
        self.model = built.model
        if not prunable_names(self.model):
            raise UserError(f"model.architecture: {self.spec.architecture} has no layer that can be pruned")
        if self.spec.architecture not in BUILT_IN:
            require_replay(self.model, self.config.training.precision)
        self.initial, self.provenance = self._initial(built)
        source = self.config.pruning.source
        self.source = None if source is None else load_ticket(source, trust)

    def _initial(self, built: Built) -> tuple[Arrays, dict[str, Any]]:
        """theta_0 and where it comes from: drawn, given by an own model's function, or partly read from a file."""
        given, frozen, init = (), (), self.config.model.init
        if own := self.spec.architecture not in BUILT_IN:
            given = given_names(built, lambda: assemble(self.spec, self.normalisation))
            frozen = frozen_names(built)
        weights, origin = initial_weights(self.model, self.config.seed, given), {"init": init}
        if init != "random":
            weights, origin = load_pretrained(init, self.spec, weights, self.config.model.pretrained_stem)
            given = tuple(name for name in given if name in origin["random"])
            origin["random"] = [name for name in origin["random"] if name not in given]
        return weights, {**origin, "given": list(given), "frozen": list(frozen)} if own else origin

    @property
    def schedule(self) -> Schedule:
        pruning = self.config.pruning
        return Schedule.of(
            self.config.training, len(self.data.train), pruning.rewind_epochs, rewound=pruning.method in BASELINES
        )

    @cached_property
    def batches(self) -> Batches:
        """The batches of all trainings."""
        return training_batches(
            self.data.train,
            self.config.data,
            batch_size=self.config.training.batch_size,
            seed=self.config.seed,
            last_epoch=self.schedule.epochs,
            classes=len(self.data.class_names),
        )

    @cached_property
    def draws(self) -> Batches:
        """What decides the batches of all trainings, which :meth:`resident` makes."""
        batch_size, last = self.config.training.batch_size, self.schedule.epochs
        return training_draws(len(self.data.train), batch_size=batch_size, seed=self.config.seed, last_epoch=last)

    @property
    def can_reside(self) -> bool:
        """Whether the devices that train can make the batches."""
        return can_reside(self.data.train, self.config.data)

    def resident(self) -> Resident:
        """The training images, on the devices of the strategy in whose scope this is called."""
        return Resident(self.data.train, self.config.data)

    @cached_property
    def inference(self) -> Inference:
        """The plain model as it is evaluated, with whatever weights it is given."""
        return Inference(self.model)

    def start(self) -> Start:
        """What the first training begins with."""
        prunable = prunable_names(self.model)
        if self.source is None:
            return dense(self.initial, prunable)
        manifest, data = self.source.manifest, self.data
        same_task = (manifest.dataset, tuple(manifest.class_names)) == (data.config.dataset, data.class_names)
        return baseline(self.config.pruning, self.source, self.initial, prunable, same_task)

    def _source(self) -> dict[str, Any]:
        """Which ticket a baseline begins with."""
        if self.source is None:
            return {}
        manifest = self.source.manifest
        return {"ticket": str(self.source.path), "manifest_sha256": manifest.sha256, "density": manifest.density}

    def plan(self) -> Plan:
        """Counts, without training."""
        named = variables.named_variables(self.model)
        prunable = prunable_names(self.model)
        return Plan(
            config=self.config,
            parameters=sum(_size(v) for v in variables.trainable(self.model).values()),
            prunable=sum(_size(named[name]) for name in prunable),
            unprunable_layers=unprunable_layers(self.model),
            initialisation=self.provenance,
            images_per_class=_images_per_class(self.data),
            preprocessing=self.data.preprocessing,
            sizes=self.data.sizes,
            skipped=self.data.skipped,
            schedule=self.schedule,
            steps=self.schedule.total_steps(self.config.pruning.iterations),
            bytes=bytes_on_disk(self.config, named, prunable),
            notes=tuple(self._matches(sum(_size(named[name]) for name in prunable))),
        )

    def _matches(self, prunable: int) -> Iterator[str]:
        """How near the network comes to what it is to match."""
        width, epochs = self.given.model.width, self.given.training.epochs
        if isinstance(width, str):
            wanted = load_ticket(width.removeprefix("match:"), self._trust).manifest.remaining
            yield f"width {self.spec.width} has {prunable / wanted:.3f} of the ticket's {wanted:,} remaining weights"
        if isinstance(epochs, str):
            yield f"{self.schedule.epochs} epochs, as many as {epochs.removeprefix('match:')} spent up to its winner"
        if self.source is not None:
            yield f"{self.config.pruning.method}: as dense as {self.source.path}, {self.source.density:.2%}"

    def origin(self) -> Origin:
        return Origin(
            spec=self.spec,
            preprocessing=self.data.preprocessing,
            normalisation=self.normalisation,
            dataset=self.config.data.dataset,
            class_names=self.data.class_names,
            augment=self.config.data.augment,
            config_sha256=self.config.sha256("train"),
            default_weights=self.config.output.weights or "last",
        )

    def facts(self, compiled: bool = False) -> Facts:
        """What run.json says before anything is trained; ``compiled`` says whether XLA compiles the steps."""
        return Facts(
            status="running",
            config_sha256=self.config.sha256("train"),
            data_sha256=self.data.sha256,
            seed=self.config.seed,
            initialisation={**self.provenance, **self._source()},
            versions=provenance.versions(),
            host=provenance.host(intra_op_threads(), compiled),
        )


def resolve(config: Config, data: Data, trust: bool) -> Config:
    """The configuration with every null replaced that the data decides, and numbers for what is to match a ticket's.

    ``trust`` is of that ticket.
    """
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
            "model": _resolved_model(config.model, data, trust),
            "training": config.training.model_copy(update={"epochs": _resolved_epochs(config)}),
            "pruning": config.pruning.model_copy(update={"select_by": select_by, "iterations": _prunings(config)}),
            "output": config.output.model_copy(update={"weights": weights}),
        }
    )


def _resolved_model(model: ModelConfig, data: Data, trust: bool) -> ModelConfig:
    stem = model.stem or ("small" if max(data.image_shape[:2]) <= SMALL_STEM_UP_TO else "full")
    resolved = model.model_copy(update={"stem": stem})
    if isinstance(model.width, int):
        return resolved
    ticket = load_ticket(model.width.removeprefix("match:"), trust)
    spec = _spec(resolved.model_copy(update={"width": 1}), data)
    return resolved.model_copy(update={"width": matching_width(spec, ticket.manifest.remaining)})


def _prunings(config: Config) -> int:
    """A baseline is one training."""
    return 0 if config.pruning.method in BASELINES else config.pruning.iterations


def _resolved_epochs(config: Config) -> int:
    """All epochs that a run spent up to its winner, where the dense network is to have as many."""
    epochs = config.training.epochs
    if isinstance(epochs, int):
        return epochs
    spent = epochs_until_winner(Path(epochs.removeprefix("match:")))
    if config.pruning.rewind_epochs >= spent:
        raise UserError(f"pruning.rewind_epochs must be below training.epochs, which is {spent} by {epochs}")
    return spent


def _spec(model: ModelConfig, data: Data) -> ModelSpec:
    """The network of a resolved section."""
    return ModelSpec.model_validate(
        {
            "architecture": model.architecture,
            "width": model.width,
            "stem": model.stem,
            "head": model.head,
            "classes": len(data.class_names),
            "input_shape": data.image_shape,
        }
    )


def _images_per_class(data: Data) -> dict[str, dict[str, int]]:
    parts = {"train": data.train, "heldout": data.heldout, "test": data.test}
    return {name: data.class_counts(part) for name, part in parts.items() if part is not None}


def _size(variable: tf.Variable) -> int:
    return variable.shape.num_elements() or 0


def bytes_on_disk(config: Config, named: Mapping[str, tf.Variable], prunable: Iterable[str]) -> int:
    """A ticket holds up to three sets of float32 weights and a SavedModel, a checkpoint up to four and the momentum."""
    weights = 4 * sum(_size(v) for v in named.values())
    masks = sum(_size(named[name]) for name in prunable)
    models = 1 if config.output.savedmodel == "all" else 0
    model = weights + GRAPH_BYTES
    tickets = (config.pruning.iterations + 1) * (3 * weights + models * model + masks)
    checkpoints = 3 * (5 * weights + masks)
    return tickets + checkpoints + 2 * weights + (1 - models) * model
