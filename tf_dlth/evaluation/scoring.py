"""What a training is scored by: the accuracies that decide which epoch and which ticket is chosen."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from copy import copy

import numpy as np

from tf_dlth.data import Data
from tf_dlth.evaluation.accuracy import measure_of, predict
from tf_dlth.models.inference import Inference
from tf_dlth.training.devices import first_device


class Scorer:
    """Scores weights on the test set and the held-out set, with the functions that ``evaluate`` uses too.

    ``balanced``: held-out images, which only choose, are scored by the mean recall of their classes.
    """

    def __init__(self, inference: Inference, data: Data, devices: str, balanced: bool = False) -> None:
        self._inference, self._devices, self._balanced = inference, devices, balanced
        self._parts = {"test": data.test} | ({"heldout": data.heldout} if data.heldout is not None else {})

    @property
    def images(self) -> int:
        """How many are scored."""
        return sum(map(len, self._parts.values()))

    def of_some(self, images: int) -> Scorer:
        """The same compiled network on the first ``images`` of the test set alone."""
        fewer, test = copy(self), self._parts["test"]
        fewer._parts = {"test": test.take(np.arange(min(images, len(test))))}
        return fewer

    def __call__(self, weights: Mapping[str, np.ndarray], between: Callable[[], None]) -> Iterator[tuple[str, float]]:
        """Yields (``test`` or ``heldout``, its accuracy) of ``weights``, float32 by variable name.

        Calls ``between`` after every batch.
        """
        self._inference.load(weights)
        with first_device(self._devices):
            for name, examples in self._parts.items():
                logits = predict(self._inference, examples, between)
                yield name, measure_of(name, self._balanced)(logits.argmax(-1), examples.labels)
