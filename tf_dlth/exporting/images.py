"""The images that an export is compared on, and those that its ranges are taken from."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np

from tf_dlth.config import DataConfig
from tf_dlth.data import Examples, load_data
from tf_dlth.data.examples import ArrayExamples
from tf_dlth.errors import DataAbsent, UserError
from tf_dlth.evaluation.images import named_data, own_images
from tf_dlth.evaluation.subject import Subject

MOST_COMPARED, MOST_REPRESENTATIVE, NOISE = 2000, 200, 250
"""Images, evenly spread over the test and the training set; and how many of noise stand in for absent ones."""
Located = Callable[[DataConfig], DataConfig]


def compared_images(subject: Subject, config: DataConfig | None) -> tuple[Examples, str | None]:
    """The test images; noise, and why, where they are not on this machine. Noise has no right classes."""
    reason = f"{subject.path} does not say where its images are"
    if config is not None:
        try:
            return _spread(own_images(subject, config), MOST_COMPARED), None
        except DataAbsent as absent:
            reason = str(absent)
    shape = subject.preprocessing.image_shape
    noise = np.random.default_rng(0).integers(0, 256, (NOISE, *shape), np.uint8)
    return ArrayExamples(noise, np.zeros(NOISE, np.int32), map(str, range(NOISE))), reason


def own_data(subject: Subject, data_dir: str | None, located: Located) -> DataConfig | None:
    """Where the subject's own images are, if it knows or is told."""
    config = named_data(subject, None, data_dir) if subject.data is not None else None
    return located(config) if config is not None else None


def representative_images(subject: Subject, config: DataConfig | None) -> np.ndarray:
    """Training images, uint8 [N, H, W, C]; raises UserError where they are not on this machine."""
    if config is None:
        raise UserError(f"--int8 needs training images, but {subject.path} does not say where they are; leave it out")
    train = load_data(config).train.prepared_by(subject.preprocessing)
    return _spread(train, MOST_REPRESENTATIVE).in_memory().images


def _spread(examples: Examples, most: int) -> Examples:
    if len(examples) <= most:
        return examples
    return examples.take(np.linspace(0, len(examples) - 1, most).astype(int))
