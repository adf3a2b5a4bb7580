"""Labelled images: in memory, or decoded when they are read."""

from __future__ import annotations

import hashlib
from abc import ABC, abstractmethod
from collections.abc import Iterable
from copy import copy
from pathlib import Path
from typing import Self, TypeGuard

import numpy as np

from tf_dlth.data import images as pictures
from tf_dlth.data.faults import every, image_fault
from tf_dlth.data.images import Preprocessing
from tf_dlth.data.labels import whole_labels


class Examples(ABC):
    """N images of one shape with their labels (int32 [N]) and names (file name, id or index)."""

    def __init__(self, labels: np.ndarray, names: Iterable[str]) -> None:
        self.labels = whole_labels(labels, "labels")
        self.names = tuple(names)
        if len(self.names) != len(self.labels):
            raise ValueError(f"{len(self.names)} names for {len(self.labels)} labels")

    def __len__(self) -> int:
        return len(self.labels)

    @property
    @abstractmethod
    def image_shape(self) -> tuple[int, int, int]:
        """(H, W, C) as the network sees them."""

    @abstractmethod
    def take(self, indices: np.ndarray) -> Self:
        """The examples at these positions (int [n]), in this order."""

    @abstractmethod
    def read(self, indices: np.ndarray) -> np.ndarray:
        """uint8 [n, H, W, C] of these positions (int [n]) as the network sees them when it is evaluated."""

    def read_random_crops(self, indices: np.ndarray, seeds: np.ndarray) -> np.ndarray:
        """uint8 [n, H, W, C]: a random resized crop of each image, by its own seed pair (int32 [n, 2])."""
        pairs = zip(indices, seeds, strict=True)
        crops = [self._random_crop(int(i), (int(a), int(b))) for i, (a, b) in pairs]
        return np.stack(crops) if crops else np.empty((0, *self.image_shape), np.uint8)

    def relabelled(self, labels: np.ndarray) -> Self:
        """The same images under other labels, int [N]."""
        changed = copy(self)
        changed.labels = whole_labels(labels, "labels", len(self))
        return changed

    def prepared_by(self, preprocessing: Preprocessing) -> Examples:
        """The same pictures as another network sees them."""
        if preprocessing.leaves(self.image_shape):
            return self
        return ResizedExamples(self, preprocessing)

    @abstractmethod
    def digests(self) -> list[bytes]:
        """SHA-256 of each image: of its decoded pixels, or of its file's bytes where it is decoded lazily.

        Raises UserError naming the images that cannot be read to their end.
        """

    def in_memory(self) -> ArrayExamples:
        """The images as the network sees them, as one array."""
        images = np.empty((len(self), *self.image_shape), np.uint8)

        def read(index: int) -> None:
            images[index] = self._read_one(index)

        every(read, range(len(self)))
        return ArrayExamples(images, self.labels, self.names)

    def _read_one(self, index: int) -> np.ndarray:
        return self.read(np.array([index]))[0]

    def _random_crop(self, index: int, seed: tuple[int, int]) -> np.ndarray:
        picture = pictures.from_array(self._read_one(index))
        return pictures.random_resized_crop(picture, self.image_shape, seed, self.names[index])

    def chosen_names(self, indices: np.ndarray) -> list[str]:
        """The names at these positions, int [n]."""
        return [self.names[i] for i in indices]

    def class_counts(self, classes: int) -> np.ndarray:
        """Images of each class, int64 [classes]."""
        return np.bincount(self.labels, minlength=classes)


class ArrayExamples(Examples):
    """Images in memory (or memory-mapped): uint8 [N, H, W, C]."""

    def __init__(self, images: np.ndarray, labels: np.ndarray, names: Iterable[str]) -> None:
        super().__init__(labels, names)
        if images.dtype != np.uint8 or images.ndim != 4 or len(images) != len(self.labels):
            raise ValueError(f"images must be uint8 [{len(self.labels)}, H, W, C], not {images.shape} {images.dtype}")
        self.images = images

    @property
    def image_shape(self) -> tuple[int, int, int]:
        _, height, width, channels = self.images.shape
        return height, width, channels

    def take(self, indices: np.ndarray) -> Self:
        return type(self)(self.images[indices], self.labels[indices], self.chosen_names(indices))

    def read(self, indices: np.ndarray) -> np.ndarray:
        return self.images[indices]

    def digests(self) -> list[bytes]:
        return [hashlib.sha256(image.tobytes()).digest() for image in self.images]

    def in_memory(self) -> ArrayExamples:
        return self


def lie_in_memory(examples: Examples) -> TypeGuard[ArrayExamples]:
    """Whether all images are there as one array, none of it in a file."""
    return isinstance(examples, ArrayExamples) and not isinstance(examples.images, np.memmap)


class ResizedExamples(Examples):
    """Images at their own size, prepared whenever they are read; digests are of the stored pixels."""

    def __init__(self, stored: Examples, preprocessing: Preprocessing) -> None:
        super().__init__(stored.labels, stored.names)
        self.stored = stored
        self.preprocessing = preprocessing

    @property
    def image_shape(self) -> tuple[int, int, int]:
        return self.preprocessing.image_shape

    def take(self, indices: np.ndarray) -> Self:
        return type(self)(self.stored.take(indices), self.preprocessing)

    def read(self, indices: np.ndarray) -> np.ndarray:
        images = np.empty((len(indices), *self.image_shape), np.uint8)
        for row, (index, stored) in enumerate(zip(indices, self.stored.read(indices), strict=True)):
            images[row] = pictures.prepare(pictures.from_array(stored), self.preprocessing, self.names[index])
        return images

    def prepared_by(self, preprocessing: Preprocessing) -> Examples:
        return self.stored.prepared_by(preprocessing)

    def digests(self) -> list[bytes]:
        return self.stored.digests()


class EncodedExamples(Examples):
    """Images of any size that are decoded and prepared whenever they are read."""

    def __init__(self, labels: np.ndarray, names: Iterable[str], preprocessing: Preprocessing) -> None:
        super().__init__(labels, names)
        self.preprocessing = preprocessing

    def prepared_by(self, preprocessing: Preprocessing) -> Examples:
        prepared = copy(self)
        prepared.preprocessing = preprocessing
        return prepared

    @abstractmethod
    def encoded(self, index: int) -> bytes:
        """The bytes of the image's file."""

    @property
    def image_shape(self) -> tuple[int, int, int]:
        return self.preprocessing.image_shape

    def read(self, indices: np.ndarray) -> np.ndarray:
        prepared = [self._prepared(int(i)) for i in indices]
        return np.stack(prepared) if prepared else np.empty((0, *self.image_shape), np.uint8)

    def digests(self) -> list[bytes]:
        return every(self._checked_digest, range(len(self)))

    def _checked_digest(self, index: int) -> bytes:
        encoded = self.encoded(index)
        pictures.check_image(encoded, self.names[index], self.preprocessing.channels)
        return hashlib.sha256(encoded).digest()

    def _prepared(self, index: int) -> np.ndarray:
        name = self.names[index]
        return pictures.prepare(pictures.open_image(self.encoded(index), name), self.preprocessing, name)

    def _random_crop(self, index: int, seed: tuple[int, int]) -> np.ndarray:
        name = self.names[index]
        image = pictures.open_image(self.encoded(index), name)
        return pictures.random_resized_crop(image, self.image_shape, seed, name, self.preprocessing.fit)


class FileExamples(EncodedExamples):
    """Image files, one an example."""

    def __init__(
        self, paths: Iterable[Path], labels: np.ndarray, names: Iterable[str], preprocessing: Preprocessing
    ) -> None:
        super().__init__(labels, names, preprocessing)
        self.paths = tuple(paths)

    def encoded(self, index: int) -> bytes:
        return read_file(self.paths[index])

    def take(self, indices: np.ndarray) -> Self:
        paths = [self.paths[i] for i in indices]
        return type(self)(paths, self.labels[indices], self.chosen_names(indices), self.preprocessing)


def read_file(path: Path) -> bytes:
    """The bytes of an image file; raises UserError naming it."""
    try:
        return path.read_bytes()
    except OSError as error:
        raise image_fault(str(path), f"cannot be read ({error.strerror})") from None
