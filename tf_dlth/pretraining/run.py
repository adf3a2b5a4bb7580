"""One pre-training from its configuration to its encoder: wires the parts together, as experiment.py does for a run."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Protocol

import numpy as np
import tensorflow as tf
import tf_keras

from tf_dlth import files
from tf_dlth.config import Config, TrainingConfig
from tf_dlth.data import Data, Examples
from tf_dlth.errors import UserError
from tf_dlth.evaluation.accuracy import predict
from tf_dlth.models import variables
from tf_dlth.models.build import encoder
from tf_dlth.models.inference import Inference
from tf_dlth.models.initialisation import initial_weights
from tf_dlth.preparation import Prepared
from tf_dlth.pretraining.contrast import Contrast
from tf_dlth.pretraining.knn import NEIGHBOURS, knn_accuracy
from tf_dlth.pretraining.simclr import Pretraining, Watcher, with_projection
from tf_dlth.pretraining.store import keep_encoder, verify_encoder
from tf_dlth.pretraining.views import view_batches
from tf_dlth.runs.facts import RUN
from tf_dlth.runs.folder import RunFolder, opened, run_path
from tf_dlth.training.compiling import compiles
from tf_dlth.training.devices import first_device, pin_threads, require_devices, strategy_for
from tf_dlth.training.masking import Unmasked
from tf_dlth.training.memory import exhaustion_told
from tf_dlth.training.network import Network
from tf_dlth.training.schedule import Position, Schedule
from tf_dlth.training.session import Session
from tf_dlth.training.signals import StopRequest

Arrays = Mapping[str, np.ndarray]


class Observer(Watcher, Protocol):
    """Whoever watches a pre-training from its start."""

    def started(self, config: Config, images: int, folder: Path) -> None: ...
    def warning(self, message: str) -> None: ...


@dataclass(frozen=True)
class Pretrained:
    """A finished pre-training, on disk under ``path``; ``trained`` is False where it had been finished before."""

    path: Path
    trained: bool = True

    @property
    def summary(self) -> dict[str, Any]:
        """run.json."""
        return files.read_json(self.path / RUN)


def pretrain(
    config: Config,
    observer: Observer,
    *,
    devices: str = "all",
    overwrite: bool = False,
    allow_change: Iterable[str] = (),
) -> Pretrained:
    """Trains the encoder that ``config`` asks for, or goes on where an earlier call of the same config stopped.

    Raises UserError for a mistake in the configuration or the data, and Stopped after Ctrl-C or SIGTERM, with the
    state saved.
    """
    pin_threads(config.training.threads)
    require_devices(devices)
    compiled = compiles(config.training.jit, strategy_for(devices))
    prepared = Prepared(config)
    if not len(prepared.data.train):
        raise UserError(f"data.dataset: {config.data.dataset} has test images only, nothing to train an encoder on")
    wanted, path = resolved(prepared), run_path(config)
    with ExitStack() as stack:
        own = {"config_sha256": wanted.sha256("pretrain"), "pretraining": _facts(prepared)}
        facts = prepared.facts(compiled).model_copy(update=own)
        folder = stack.enter_context(opened(path, "pretrain", facts, _bytes(prepared), overwrite))
        folder.refuse_changes(wanted, allow_change)
        if folder.finished:
            verify_encoder(path)
            folder.remove_checkpoints()
            return Pretrained(path, trained=False)
        stop = stack.enter_context(StopRequest())
        _train(prepared, folder, devices, stop, observer)
    return Pretrained(path)


def resolved(prepared: Prepared) -> Config:
    """The configuration with every null replaced but ``crop_padding``, whose null means random resized crops here."""
    data = prepared.config.data.model_copy(update={"crop_padding": prepared.given.data.crop_padding})
    return prepared.config.model_copy(update={"data": data})


def schedule(config: Config) -> TrainingConfig:
    """The ``pretrain`` section as one training; momentum and weight decay are the ``training`` section's."""
    return config.training.model_copy(
        update={
            "epochs": config.pretrain.epochs,
            "batch_size": config.pretrain.batch_size,
            "learning_rate": config.pretrain.learning_rate,
            "evaluate_every": config.pretrain.knn_every,
        }
    )


class Monitor:
    """Accuracy by nearest neighbours on the penultimate features, training images against test images."""

    def __init__(self, classifier: tf_keras.Model, data: Data, devices: str) -> None:
        network = encoder(classifier)
        self._names = list(variables.named_variables(network))
        self._encoder, self._data, self._devices = Inference(network), data, devices

    def encoder_weights(self, weights: Arrays) -> dict[str, np.ndarray]:
        """Those of ``weights`` that are the encoder's: without head and projection."""
        return {name: weights[name] for name in self._names}

    def __call__(self, weights: Arrays, between: Callable[[], None]) -> float:
        self._encoder.load(self.encoder_weights(weights))

        def encoded(examples: Examples) -> np.ndarray:
            return predict(self._encoder, examples, between)

        train, test = self._data.train, self._data.test
        with first_device(self._devices):
            return knn_accuracy(encoded(train), train.labels, encoded(test), test.labels)


def _facts(prepared: Prepared) -> dict[str, Any]:
    return {"method": "simclr", "images": len(prepared.data.train), "neighbours": NEIGHBOURS}


def _bytes(prepared: Prepared) -> int:
    """Three checkpoints with the momentum, theta_0 and the encoder, all with a projection as large as the features."""
    return 9 * sum(weight.nbytes for weight in prepared.initial.values())


def _train(prepared: Prepared, folder: RunFolder, devices: str, stop: StopRequest, observer: Observer) -> None:
    config = resolved(prepared)
    checkpoint = folder.begin(config, prepared.data.subset())
    observer.started(config, len(prepared.data.train), folder.path)
    for warning in (*folder.warnings, *folder.admitted):
        observer.warning(warning)
    model = with_projection(prepared.model, config.pretrain.projection)
    monitor = Monitor(prepared.model, prepared.data, devices)
    initial = {**initial_weights(model, config.seed), **monitor.encoder_weights(prepared.initial)}
    session = _session(prepared, model, folder, devices, stop, observer)
    pretraining = Pretraining(session, _batches(prepared), monitor, folder, observer)
    with folder.told(), exhaustion_told("pretrain"):
        weights = pretraining.train(initial, checkpoint)
        before, *_, after = folder.metrics()
        keep_encoder(
            folder,
            monitor.encoder_weights(weights),
            seconds=session.seconds,
            nt_xent=after["nt_xent"],
            knn_accuracy=after["knn_accuracy"],
            knn_accuracy_before=before["knn_accuracy"],
        )


def _session(
    prepared: Prepared,
    model: tf_keras.Model,
    folder: RunFolder,
    devices: str,
    stop: StopRequest,
    observer: Observer,
) -> Session:
    config = resolved(prepared)
    training, objective, stream = schedule(config), Contrast(config.pretrain.temperature), f"pretrain:{config.seed}"
    return Session(
        network=Network(model, training, strategy_for(devices), Unmasked(), objective, stream=stream),
        schedule=Schedule.of(training, len(prepared.data.train)),
        section="pretrain",
        log=folder,
        stop=stop,
        progress=observer.progress,
        checkpoint_seconds=config.output.checkpoint_seconds,
    )


def _batches(prepared: Prepared) -> Callable[[Position], tf.data.Dataset]:
    config = resolved(prepared)
    training = schedule(config)

    def batches(position: Position) -> tf.data.Dataset:
        return view_batches(
            prepared.data.train,
            config.data,
            batch_size=training.batch_size,
            seed=config.seed,
            epoch=position.epoch,
            first_step=position.step,
            last_epoch=config.pretrain.epochs,
        )

    return batches
