"""A run's network on its own test images, or why that cannot be seen."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from tf_dlth.config import WeightsKind
from tf_dlth.data import Examples
from tf_dlth.errors import UserError
from tf_dlth.evaluation.accuracy import accuracy, predict
from tf_dlth.evaluation.subject import Subject, open_subject
from tf_dlth.tickets.manifest import MANIFEST

Images = Callable[[Subject], Examples]


@dataclass(frozen=True, eq=False)
class Judged:
    """``logits`` float32 [N, classes] of ``examples``, as ``subject`` sees them."""

    subject: Subject
    examples: Examples
    logits: np.ndarray

    @property
    def accuracy(self) -> float:
        return accuracy(self.logits, self.examples.labels)


def judge(folder: Path, weights: WeightsKind, trust: bool, images: Images) -> Judged | str:
    """The ticket in ``folder`` on its test images; a sentence where either is not at hand.

    Raises UserError for a damaged ticket, or one that has not these weights.
    """
    if not (folder / MANIFEST).is_file():
        return f"{folder} is not here"
    subject = open_subject(str(folder), weights, trust)
    try:
        examples = images(subject)
        return Judged(subject, examples, predict(subject.predict, examples))
    except UserError as error:
        return str(error)
