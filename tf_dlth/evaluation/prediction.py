"""The classes of single image files, seen as the classifier's own preprocessing says."""

from __future__ import annotations

import csv
import io
from collections.abc import Iterator, Sequence
from dataclasses import astuple, dataclass
from itertools import islice
from pathlib import Path
from typing import Any

import numpy as np
import tensorflow as tf
from scipy.special import softmax

from tf_dlth.data.examples import FileExamples
from tf_dlth.data.faults import ImageFaults, attempted, joined
from tf_dlth.evaluation.accuracy import BATCH
from tf_dlth.evaluation.subject import Subject

COLUMNS = ("file", "class", "probability")


@dataclass(frozen=True)
class Prediction:
    """One class of one image; the probability is the softmax of the logits in float64."""

    file: str
    class_name: str
    probability: float

    def record(self) -> dict[str, Any]:
        """By the names of ``COLUMNS``."""
        return dict(zip(COLUMNS, astuple(self), strict=True))


@dataclass(frozen=True)
class Predictions:
    """The rows of all images in their order, of each the likeliest class first, and what could not be read."""

    rows: tuple[Prediction, ...]
    faults: tuple[ImageFaults, ...]


def predict_files(subject: Subject, paths: Sequence[Path], top: int = 1) -> Predictions:
    """The ``top`` likeliest classes of every image that can be read; raises UserError where none can."""
    examples = FileExamples(paths, np.zeros(len(paths), np.int32), map(str, paths), subject.preprocessing)
    rows: list[Prediction] = []
    faults: list[ImageFaults] = []
    readable = _readable(examples, faults)
    while batch := list(islice(readable, BATCH)):
        names, images = zip(*batch, strict=True)
        logits = subject.predict(tf.constant(np.stack(images))).numpy()
        rows += _ranked(names, logits, subject.class_names, top)
    if not rows:
        raise joined(faults)
    return Predictions(tuple(rows), tuple(faults))


def csv_text(rows: Sequence[Prediction]) -> str:
    """The rows under ``COLUMNS``, probabilities to their last digit."""
    text = io.StringIO()
    csv.writer(text, lineterminator="\n").writerows([COLUMNS, *map(astuple, rows)])
    return text.getvalue()


def _readable(examples: FileExamples, faults: list[ImageFaults]) -> Iterator[tuple[str, np.ndarray]]:
    """Names and images, uint8 [H, W, C], a few at a time; what cannot be read is added to ``faults``."""
    for start in range(0, len(examples), BATCH):
        numbers = range(start, min(len(examples), start + BATCH))
        for number, found in zip(numbers, attempted(lambda n: examples.read(np.array([n]))[0], numbers), strict=True):
            if isinstance(found, ImageFaults):
                faults.append(found)
            else:
                yield examples.names[number], found


def _ranked(names: Sequence[str], logits: np.ndarray, class_names: tuple[str, ...], top: int) -> Iterator[Prediction]:
    """Of equal logits the first counts, as in an accuracy."""
    probabilities = softmax(logits.astype(np.float64), axis=-1)
    orders = np.argsort(-logits, axis=-1, kind="stable")[:, :top].tolist()
    for name, own, order in zip(names, probabilities, orders, strict=True):
        yield from (Prediction(name, class_names[c], float(own[c])) for c in order)
