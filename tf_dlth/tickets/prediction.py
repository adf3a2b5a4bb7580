"""The classes of single images, seen as the classifier's own preprocessing says."""

from __future__ import annotations

import csv
import io
from collections.abc import Callable, Iterator, Sequence
from dataclasses import astuple, dataclass
from itertools import islice
from pathlib import Path
from typing import Any, NamedTuple, Protocol

import numpy as np
import pandas as pd
import tensorflow as tf
from PIL import Image
from scipy.special import softmax

from tf_dlth.data.examples import FileExamples
from tf_dlth.data.faults import ImageFaults, attempted, every, image_fault, joined
from tf_dlth.data.images import Preprocessing, from_array, prepare
from tf_dlth.data.sources.files import images_at
from tf_dlth.errors import UserError
from tf_dlth.models.inference import BATCH, Predict

Images = str | Path | np.ndarray | Sequence[str | Path | np.ndarray]
COLUMNS = ("file", "class", "probability")


class Classifier(Protocol):
    """What names classes: a ticket's network, or a SavedModel."""

    @property
    def predict(self) -> Predict: ...
    @property
    def class_names(self) -> tuple[str, ...]: ...
    @property
    def preprocessing(self) -> Preprocessing: ...


@dataclass(frozen=True)
class Compiled:
    """A ticket's network as a classifier."""

    predict: Predict
    class_names: tuple[str, ...]
    preprocessing: Preprocessing


class Predicted(NamedTuple):
    """Of N images the likeliest class and all probabilities, float64 [N, classes] in the order of ``class_names``."""

    images: tuple[str, ...]
    classes: tuple[str, ...]
    probabilities: np.ndarray
    class_names: tuple[str, ...]

    def _repr_html_(self) -> str:
        return pd.DataFrame(self.probabilities, index=list(self.images), columns=list(self.class_names)).to_html()


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


def predicted(classifier: Classifier, images: Images) -> Predicted:
    """All of ``images``: a file or a folder, several, or arrays uint8 [N, H, W, C], [H, W, C] or [H, W].

    An array is prepared as a picture from a file is. Raises UserError naming the files that cannot be read.
    """
    names, read = _readers(images, classifier.preprocessing)
    parts = []
    for first in range(0, len(names), BATCH):
        batch = np.stack(every(read, range(first, min(first + BATCH, len(names)))))
        parts.append(classifier.predict(tf.constant(batch)).numpy())
    logits = np.concatenate(parts)
    known = classifier.class_names
    classes = tuple(known[number] for number in logits.argmax(-1))
    return Predicted(names, classes, softmax(logits.astype(np.float64), axis=-1), known)


def _readers(images: Images, preprocessing: Preprocessing) -> tuple[tuple[str, ...], Callable[[int], np.ndarray]]:
    """The images' names, and the function from a number to uint8 [H, W, C] as the network sees it."""
    several = [images] if isinstance(images, str | Path) or getattr(images, "ndim", 4) < 4 else list(images)
    if not several:
        raise UserError("there are no images to predict the classes of")
    if all(isinstance(one, str | Path) for one in several):
        paths = images_at(map(str, several))
        examples = FileExamples(paths, np.zeros(len(paths), np.int32), map(str, paths), preprocessing)
        return examples.names, lambda number: examples.read(np.array([number]))[0]
    names = tuple(map(str, range(len(several))))
    return names, lambda number: prepare(_picture(several[number], names[number]), preprocessing, names[number])


def _picture(pixels: object, name: str) -> Image.Image:
    if not isinstance(pixels, np.ndarray) or pixels.dtype != np.uint8 or pixels.ndim not in (2, 3):
        given = f"{pixels.dtype} {list(pixels.shape)}" if isinstance(pixels, np.ndarray) else type(pixels).__name__
        raise image_fault(name, f"is {given}", "give files, or arrays uint8 [H, W, 1 or 3]")
    return from_array(pixels[:, :, np.newaxis] if pixels.ndim == 2 else pixels)


def predict_files(subject: Classifier, paths: Sequence[Path], top: int = 1) -> Predictions:
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
