"""Images that come as one array."""

from __future__ import annotations

from collections.abc import Iterable

import numpy as np

from tf_dlth.config import DataConfig
from tf_dlth.config.base import Fit
from tf_dlth.data.catalogue import FACTS, Facts
from tf_dlth.data.examples import ArrayExamples, Examples, ResizedExamples
from tf_dlth.data.images import Preprocessing


def in_memory(
    config: DataConfig, images: np.ndarray, labels: np.ndarray, names: Iterable[str]
) -> tuple[Examples, Preprocessing]:
    """The examples at ``image_size`` (their own size where that is null) and what is done to them."""
    return at_image_size(config, ArrayExamples(images, labels, names))


def at_image_size(config: DataConfig, stored: Examples) -> tuple[Examples, Preprocessing]:
    """Stored examples, all of one shape, as ``image_size`` says, and what is done to them."""
    preprocessing = preprocessing_for(config, stored.image_shape)
    if preprocessing.leaves(stored.image_shape):
        return stored, preprocessing
    return ResizedExamples(stored, preprocessing), preprocessing


def preprocessing_for(config: DataConfig, shape: tuple[int, int, int]) -> Preprocessing:
    """Preparation of pictures whose own shape is (H, W, C): a square is prepared alike whether asked for or found."""
    height, width, channels = shape
    side = config.image_size or (height if height == width else None)
    return Preprocessing.of_shape(shape) if side is None else sized(FACTS[config.dataset], side, channels, config.fit)


def sized(facts: Facts, side: int, channels: int, fit: Fit = "crop") -> Preprocessing:
    """Preparation to a square; cropped, sets with random resized crops leave a margin of 256 to 224 at test time."""
    margin = fit == "crop" and facts.cropped_and_resized(side)
    resize = round(side * 256 / 224) if margin else side
    return Preprocessing(channels=channels, resize=resize, crop=(side, side), fit=fit)
