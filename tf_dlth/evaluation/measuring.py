"""All measures of one classifier on one set of images."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import asdict, dataclass
from functools import cached_property
from typing import Any

import numpy as np

from tf_dlth.config import DataConfig
from tf_dlth.data import Examples
from tf_dlth.data.sources.cifar10_c import is_regenerated
from tf_dlth.errors import UserError
from tf_dlth.evaluation.accuracy import accuracy, measures, predict
from tf_dlth.evaluation.cache import Cache, examples_sha256
from tf_dlth.evaluation.calibration import calibration
from tf_dlth.evaluation.robustness import Attack, corruption_matrix, under_attack
from tf_dlth.evaluation.subject import Subject
from tf_dlth.provenance import versions

Between = Callable[[], None]


@dataclass(frozen=True)
class Wanted:
    """What is measured beside accuracy."""

    ece: bool = False
    attack: Attack | None = None


@dataclass(frozen=True, eq=False)
class Images:
    """What is measured on; ``data`` is the dataset that the images are of, None for a folder's.

    ``seen_before`` is what :func:`tf_dlth.evaluation.leakage.leakage` found of a folder's.
    """

    examples: Examples
    data: DataConfig | None
    seen_before: dict[str, Any] | None = None

    @cached_property
    def sha256(self) -> str:
        """Of the images as the network sees them, with their labels."""
        return examples_sha256(self.examples)


def measured(subject: Subject, images: Images, wanted: Wanted, cache: Cache, between: Between) -> dict[str, Any]:
    """The measures by name, from the cache where the same was measured before.

    ``between`` is called after every batch.
    Raises UserError for an attack on a SavedModel, which takes whole numbers and has no gradient.
    """
    if wanted.attack is not None and subject.model is None:
        raise UserError(
            f"--attack: {subject.path} is a SavedModel, which takes uint8 images and gives no gradient; name the ticket"
        )
    key = {
        "subject": subject.digest,
        "images": images.sha256,
        "dataset": images.data.dataset if images.data else None,
        "wanted": asdict(wanted),
        "versions": versions(),
    }
    if subject.digest is not None and (known := cache.get(key)):
        return known
    result = dict(_measures(subject, images.examples, images.data, wanted, between))
    if subject.digest is not None:
        cache.put(key, result)
    return result


def _measures(
    subject: Subject, examples: Examples, data: DataConfig | None, wanted: Wanted, between: Between
) -> Iterator[tuple[str, Any]]:
    logits, labels = predict(subject.predict, examples, between), examples.labels
    yield from measures(logits, labels)
    if wanted.ece:
        yield from calibration(logits, labels)
    if data is not None and data.dataset == "cifar10_c":
        yield from corruption_matrix(logits, labels, examples.names, is_regenerated(data))
    if data is not None and data.dataset == "cifar10_2":
        yield from _published_test_part(logits, labels, examples.names)
    if wanted.attack is not None:
        assert subject.model is not None, "measured() has looked"
        yield from under_attack(subject.model, examples, wanted.attack, between)


def _published_test_part(logits: np.ndarray, labels: np.ndarray, names: tuple[str, ...]) -> Iterator[tuple[str, Any]]:
    """CIFAR-10.2 is published in two parts; the 2,000 images of its test part by themselves, as ``test_part``."""
    chosen = np.array([name.startswith("test_") for name in names])
    yield "test_part", {"n": int(chosen.sum()), "accuracy": accuracy(logits[chosen], labels[chosen])}
