"""What every source gives."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from tf_dlth.config import DataConfig
from tf_dlth.data.examples import ArrayExamples, Examples
from tf_dlth.data.images import Preprocessing
from tf_dlth.errors import UserError


@dataclass(frozen=True)
class Source:
    """A dataset in its own parts; ``heldout`` is the part that it sets aside itself for selection."""

    name: str
    class_names: tuple[str, ...]
    train: Examples
    test: Examples
    heldout: Examples | None
    preprocessing: Preprocessing


def no_examples(shape: tuple[int, int, int]) -> ArrayExamples:
    """The training part of a set that only tests."""
    return ArrayExamples(np.empty((0, *shape), np.uint8), np.empty(0, np.int32), ())


def required_dir(config: DataConfig, how: str) -> str:
    """``data_dir``; raises UserError with what it must hold."""
    if config.data_dir is None:
        raise UserError(f"data.data_dir is missing: {config.dataset} needs {how}")
    return config.data_dir
