"""What a network has to beat: logistic regressions on the same training images, measured on the same test images."""

from __future__ import annotations

import os
from collections.abc import Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor

import numpy as np

from tf_dlth.data import Examples
from tf_dlth.data.features import colour_and_edges
from tf_dlth.errors import UserError
from tf_dlth.evaluation.accuracy import measure_of
from tf_dlth.evaluation.linear import logistic_regression
from tf_dlth.evaluation.transfer import encode
from tf_dlth.models import variables
from tf_dlth.models.build import encoder
from tf_dlth.models.inference import BATCH, predictor
from tf_dlth.preparation import Prepared
from tf_dlth.runs.regressions import Features, Regression, Regressions
from tf_dlth.training.devices import first_device

MOST = 5000
"""Training images that a regression is fitted to, drawn where there are more: it takes seconds, not minutes."""


def measure(prepared: Prepared, devices: str) -> Regressions:
    """Nothing is tuned; images are as they are, without augmentation.

    The features of the first weights are those before any training, where ``model.init`` gave them. Afterwards the
    prepared model holds theta_0.
    """
    data, most = prepared.data, np.random.RandomState(prepared.config.seed).permutation(len(prepared.data.train))[:MOST]
    parts = {"train": data.train.take(np.sort(most)), "heldout": data.heldout, "test": data.test}
    shown = {name: examples for name, examples in parts.items() if examples is not None}
    labels = {name: part.labels for name, part in shown.items()}
    found: dict[Features, Regression] = {}
    balanced = prepared.config.training.class_weights == "balanced"
    for features, values in _features(prepared, shown, devices):
        found[features] = fitted(values, labels, prepared.config.seed, balanced)
    return Regressions(regressions=found)


def fitted(
    features: Mapping[str, np.ndarray], labels: Mapping[str, np.ndarray], seed: int, balanced: bool = False
) -> Regression:
    """Fits to the part ``train`` of features [N, D] and labels int [N], and scores the others as networks are."""
    others = [part for part in features if part != "train"]
    shown = np.concatenate([features[part] for part in others])
    classes, converged = logistic_regression(features["train"], labels["train"], shown, seed)
    ends = np.cumsum([len(features[part]) for part in others])[:-1]
    right = {
        part: measure_of(part, balanced)(own, labels[part])
        for part, own in zip(others, np.split(classes, ends), strict=True)
    }
    return Regression(
        train_images=len(labels["train"]),
        test_images=len(labels["test"]),
        heldout_accuracy=right.get("heldout"),
        test_accuracy=right["test"],
        converged=converged,
    )


def _features(
    prepared: Prepared, parts: Mapping[str, Examples], devices: str
) -> Iterator[tuple[Features, dict[str, np.ndarray]]]:
    yield "colour_and_edges", {name: _simple(examples) for name, examples in parts.items()}
    if prepared.config.model.init == "random":
        return
    variables.assign(prepared.model, prepared.initial)
    compute = predictor(encoder(prepared.model))
    try:
        with first_device(devices):
            values = {name: encode(compute, examples) for name, examples in parts.items()}
    except UserError:  # features that are no finite numbers: nothing to fit, and no reason to fail a trained run
        return
    yield "first_weights", values


def _simple(examples: Examples) -> np.ndarray:
    starts = range(0, len(examples), BATCH)
    batches = (np.arange(start, min(len(examples), start + BATCH)) for start in starts)
    with ThreadPoolExecutor(os.cpu_count()) as threads:
        return np.concatenate(list(threads.map(lambda batch: colour_and_edges(examples.read(batch)), batches)))
