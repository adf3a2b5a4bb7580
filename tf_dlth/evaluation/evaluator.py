"""Tickets, runs and SavedModels measured one after the other, images read once."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

from tf_dlth.config import DataConfig, WeightsKind
from tf_dlth.data import Examples
from tf_dlth.evaluation.cache import Cache
from tf_dlth.evaluation.images import is_folder, named_data, read_images
from tf_dlth.evaluation.leakage import leakage
from tf_dlth.evaluation.measuring import Images, Wanted, measured
from tf_dlth.evaluation.subject import Subject, open_subject
from tf_dlth.models.inference import BATCH

Heard = Callable[[int, int], None]
"""Called with how many images are done, of how many."""


class Evaluator:
    """Measures what is ``wanted``; results are kept in the folder ``cache``, if there is one.

    ``located`` fills in where a dataset lies.
    """

    def __init__(self, wanted: Wanted, cache: Path | None, located: Callable[[DataConfig], DataConfig]) -> None:
        self._wanted, self._cache, self._located = wanted, Cache(cache), located
        self._images: dict[str, Images] = {}

    def measure(
        self,
        path: str,
        weights: WeightsKind | None,
        trust: bool,
        data: str | None,
        data_dir: str | None,
        heard: Heard,
    ) -> dict[str, Any]:
        """A record of the contract's keys; ``data`` None is the subject's own test images.

        Of a folder's images, ``seen_before`` says how many the subject has met.
        """
        subject = open_subject(path, weights, trust)
        config = named_data(subject, data, data_dir)
        config = self._located(config) if config else None
        images = self._read(subject, data, config)
        between = _counting(images.examples, self._wanted, heard)
        found = measured(subject, images, self._wanted, self._cache, between)
        name = data or (config.dataset if config else "")
        own = {"iteration": subject.iteration, "density": subject.density}
        head = {"ticket": path, "weights": subject.weights, "data": name}
        record = {**head, **{key: value for key, value in own.items() if value is not None}, **found}
        record["class_names"] = list(subject.class_names)
        return {**record, "seen_before": images.seen_before} if is_folder(data, config) else record

    def _read(self, subject: Subject, data: str | None, config: DataConfig | None) -> Images:
        key = repr((data, config, subject.run, subject.data_sha256, subject.preprocessing, subject.class_names))
        if key not in self._images:
            # The last set alone, as sets may be large.
            examples = read_images(subject, data, config)
            seen = leakage(subject, examples, self._located) if is_folder(data, config) else None
            self._images = {key: Images(examples, config, seen)}
        return self._images[key]


def _counting(examples: Examples, wanted: Wanted, heard: Heard) -> Callable[[], None]:
    passes = 2 if wanted.attack else 1
    done = 0

    def between() -> None:
        nonlocal done
        done += BATCH
        heard(min(done, passes * len(examples)), passes * len(examples))

    return between
