"""Sets of images after each other."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from copy import copy
from typing import Self

import numpy as np

from tf_dlth.data.examples import Examples
from tf_dlth.data.images import Preprocessing


class JoinedExamples(Examples):
    """The images of several sets of one image shape, read where they lie."""

    def __init__(self, sets: Iterable[Examples]) -> None:
        self._sets = tuple(sets)
        labels = np.concatenate([part.labels for part in self._sets])
        super().__init__(labels, [name for part in self._sets for name in part.names])
        self._ends = np.cumsum([len(part) for part in self._sets])
        self._positions = np.arange(len(labels))

    @property
    def image_shape(self) -> tuple[int, int, int]:
        return self._sets[0].image_shape

    def take(self, indices: np.ndarray) -> Self:
        taken = copy(self)
        taken.labels, taken.names = self.labels[indices], tuple(self.chosen_names(indices))
        taken._positions = self._positions[indices]
        return taken

    def read(self, indices: np.ndarray) -> np.ndarray:
        images = np.empty((len(indices), *self.image_shape), np.uint8)
        for part, rows, own in self._located(indices):
            images[rows] = part.read(own)
        return images

    def prepared_by(self, preprocessing: Preprocessing) -> Examples:
        prepared = copy(self)
        prepared._sets = tuple(part.prepared_by(preprocessing) for part in self._sets)
        return prepared

    def digests(self) -> list[bytes]:
        found = [b""] * len(self)
        for part, rows, own in self._located(np.arange(len(self))):
            for row, digest in zip(rows.tolist(), part.take(own).digests(), strict=True):
                found[row] = digest
        return found

    def _random_crop(self, index: int, seed: tuple[int, int]) -> np.ndarray:
        ((part, _, own),) = self._located(np.array([index]))
        return part.read_random_crops(own, np.array([seed], np.int32))[0]

    def _located(self, indices: np.ndarray) -> Iterator[tuple[Examples, np.ndarray, np.ndarray]]:
        """Each set that holds some of the ``indices`` (int [n]), the rows of those, and their positions within it."""
        positions = self._positions[indices]
        numbers = np.searchsorted(self._ends, positions, side="right")
        for number, part in enumerate(self._sets):
            if (rows := np.flatnonzero(numbers == number)).size:
                yield part, rows, positions[rows] - (self._ends[number] - len(part))
