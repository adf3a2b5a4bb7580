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
    """Keeps results in the folder ``cache``, if there is one; ``located`` fills in where a dataset lies."""

    def __init__(self, cache: Path | None, located: Callable[[DataConfig], DataConfig]) -> None:
        self._cache, self._located = Cache(cache), located
        self._images: dict[str, Images] = {}
        self._subjects: dict[tuple[str, WeightsKind | None], Subject] = {}

    def measure(
        self,
        wanted: Wanted,
        path: str,
        weights: WeightsKind | None,
        trust: bool,
        data: str | None,
        data_dir: str | None,
        heard: Heard,
    ) -> dict[str, Any]:
        """A record of what is ``wanted``, with the contract's keys; ``data`` None is the subject's own test images.

        Of a folder's images, ``seen_before`` says how many the subject has met.
        """
        subject = self._opened(path, weights, trust)
        config = named_data(subject, data, data_dir)
        config = self._located(config) if config else None
        images = self._read(subject, data, config)
        between = _counting(images.examples, wanted, heard)
        found = measured(subject, images, wanted, self._cache, between)
        name = data or (config.dataset if config else "")
        own = {"iteration": subject.iteration, "density": subject.density}
        head = {"ticket": path, "weights": subject.weights, "data": name}
        record = {**head, **{key: value for key, value in own.items() if value is not None}, **found}
        record["class_names"] = list(subject.class_names)
        return {**record, "seen_before": images.seen_before} if is_folder(data, config) else record

    def _opened(self, path: str, weights: WeightsKind | None, trust: bool) -> Subject:
        """The last one alone: it may be measured again, in another way."""
        if (path, weights) not in self._subjects:
            self._subjects = {(path, weights): open_subject(path, weights, trust)}
        return self._subjects[path, weights]

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
