"""How many images of a folder a ticket has met before: in training, in choosing, or in its test."""

from __future__ import annotations

import hashlib
from collections import Counter
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import numpy as np

from tf_dlth import files
from tf_dlth.config import DataConfig
from tf_dlth.data import Data, Examples, load_data
from tf_dlth.data.images import EXTENSIONS
from tf_dlth.errors import UserError
from tf_dlth.evaluation.subject import Subject
from tf_dlth.runs.facts import read_facts
from tf_dlth.runs.folder import SUBSET

PARTS = ("train", "heldout", "test")
LARGEST_COMPARED = 200_000
"""Images of a run that are read to compare their pixels; of more, names are compared."""
BATCH = 1000

Located = Callable[[DataConfig], DataConfig]


def leakage(subject: Subject, examples: Examples, located: Located) -> dict[str, Any] | None:
    """How many of ``examples`` are among the run's ``train``, ``heldout`` and ``test`` images, and ``by`` what.

    By ``sha256`` of the pixels that the network sees where the run's images are at hand, else by ``name`` within the
    folder; None where neither is known.
    """
    listed = _listed(subject)
    if (loaded := _at_hand(subject, listed, located)) is not None:
        own = _digests(examples.prepared_by(subject.preprocessing))
        parts = {"train": loaded.train, "heldout": loaded.heldout, "test": loaded.test}
        known = {part: set(_digests(e.prepared_by(subject.preprocessing))) if e else set() for part, e in parts.items()}
        return {"by": "sha256", **_counts(own, known)}
    names = {part: set(listed.get(part, ())) for part in PARTS}
    if not any(Path(name).suffix.lower() in EXTENSIONS for own in names.values() for name in own):
        return None
    return {"by": "name", **_counts(examples.names, names)}


def _counts(own: Any, known: Mapping[str, set[Any]]) -> dict[str, int]:
    """Each image of ``own`` counts, copies of one too."""
    images = Counter(own)
    return {part: sum(images[one] for one in images.keys() & found) for part, found in known.items()}


def _listed(subject: Subject) -> Mapping[str, list[str]]:
    """The names of the run's images by part, as its subset.json lists them; nothing of a ticket without its run."""
    run = subject.run
    facts = read_facts(run) if run else None
    if run is None or facts is None or not (run / SUBSET).is_file():
        return {}
    return files.read_json(run / SUBSET, facts.files.get(SUBSET)).get("images", {})


def _at_hand(subject: Subject, listed: Mapping[str, list[str]], located: Located) -> Data | None:
    """The run's images, if they can be read, are not too many, and still are what the run knew."""
    if subject.data is None or subject.data_sha256 is None or sum(map(len, listed.values())) > LARGEST_COMPARED:
        return None
    try:
        loaded = load_data(located(subject.data))
    except UserError:
        return None
    return loaded if loaded.sha256 == subject.data_sha256 else None


def _digests(examples: Examples) -> list[bytes]:
    found: list[bytes] = []
    for first in range(0, len(examples), BATCH):
        images = examples.read(np.arange(first, min(first + BATCH, len(examples))))
        found += [hashlib.sha256(image.tobytes()).digest() for image in images]
    return found
