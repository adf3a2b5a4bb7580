"""Linear classifiers: one layer trained as a network is, and scikit-learn's logistic regression."""

from __future__ import annotations

import math
import warnings
from collections.abc import Callable, Collection, Mapping
from typing import Any

import numpy as np
import tensorflow as tf
import tf_keras
from sklearn.exceptions import ConvergenceWarning
from sklearn.linear_model import LogisticRegression
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

from tf_dlth.config import ProbeConfig, TrainingConfig
from tf_dlth.models.build import HEAD
from tf_dlth.models.layers import linear
from tf_dlth.runs.checkpoint import Checkpoint
from tf_dlth.training.devices import strategy_for
from tf_dlth.training.losses import cross_entropy
from tf_dlth.training.masking import Arrays, Unmasked
from tf_dlth.training.network import Network
from tf_dlth.training.objectives import Classification
from tf_dlth.training.schedule import Position, Schedule
from tf_dlth.training.session import Session
from tf_dlth.training.signals import StopRequest

KERNEL, BIAS = f"{HEAD}/kernel", f"{HEAD}/bias"
MOST_ITERATIONS = 1000
"""Of the logistic regression's solver."""
Progress = Callable[[Position, float], None]


def with_classifier(encoder: tf_keras.Model, classes: int) -> tf_keras.Model:
    """The encoder with a linear layer ``head`` on its output [N, D], initialised as a network's is."""
    return tf_keras.Model(encoder.input, linear(encoder.output, classes, HEAD))


def classifier(inputs: int, classes: int) -> tf_keras.Model:
    """The linear layer ``head`` alone: features [N, inputs] -> logits [N, classes]."""
    features = tf_keras.Input([inputs])
    return tf_keras.Model(features, linear(features, classes, HEAD))


def logits(head: Arrays, features: np.ndarray) -> np.ndarray:
    """float32 [N, classes]."""
    return features @ head[KERNEL] + head[BIAS]


def schedule(section: ProbeConfig) -> TrainingConfig:
    """SGD with momentum 0.9 on a cosine schedule, without decay; not compiled, as one layer gains nothing."""
    return TrainingConfig(
        epochs=section.epochs,
        batch_size=section.batch_size,
        learning_rate=section.learning_rate,
        weight_decay=0,
        jit=False,
    )


def train_classifier(
    model: tf_keras.Model,
    initial: Arrays,
    section: ProbeConfig,
    batches: tf.data.Dataset,
    images: int,
    devices: str,
    progress: Progress,
    trained: Collection[str] = (KERNEL, BIAS),
) -> dict[str, np.ndarray]:
    """The model's variables after all epochs on ``images`` images; those of ``trained`` alone take steps.

    Raises UserError when the training diverges.
    """
    training = schedule(section)
    objective = Classification(cross_entropy)
    network = Network(model, training, strategy_for(devices), Unmasked(), objective, trained=trained)
    session = Session(
        network=network,
        schedule=Schedule.of(training, images),
        section="probe",
        log=_Unsaved(),
        stop=StopRequest(),
        progress=progress,
        checkpoint_seconds=math.inf,
    )
    session.begin(initial, {}, first_epoch=1)
    for _ in session.epochs(lambda position: batches, lambda: Checkpoint({})):
        pass
    return session.weights()


class _Unsaved:
    """The log of a training that is short enough to be begun anew."""

    def append_metrics(self, line: Mapping[str, Any]) -> None: ...
    def save(self, checkpoint: Checkpoint) -> None: ...


def logistic_regression(train: np.ndarray, labels: np.ndarray, test: np.ndarray, seed: int) -> tuple[np.ndarray, bool]:
    """The classes of the ``test`` features, standardised by the training ones, and whether the solver converged."""
    model = make_pipeline(StandardScaler(), LogisticRegression(max_iter=MOST_ITERATIONS, random_state=seed))
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        model.fit(train.astype(np.float64), labels)
    converged = not any(issubclass(warning.category, ConvergenceWarning) for warning in caught)
    return model.predict(test.astype(np.float64)), converged
