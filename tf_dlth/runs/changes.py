"""Which differences between a run and its continuation may be admitted, and which there are beside the config's."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from tf_dlth.errors import UserError
from tf_dlth.runs.facts import Facts

ADMISSIBLE = (
    "data.augment",
    "data.crop_padding",
    "data.cutout",
    "data.flip",
    "training.batch_size",
    "training.evaluate_every",
    "training.learning_rate",
    "training.momentum",
    "training.weight_decay",
    "pruning.iterations",
    "pruning.method",
    "pruning.rate",
    "pruning.rewind",
    "pruning.select_by",
    "pretrain.batch_size",
    "pretrain.knn_every",
    "pretrain.learning_rate",
    "pretrain.temperature",
    "data_sha256",
    "versions.tensorflow",
    "versions.tf_dlth",
    "versions.tf_keras",
)
"""Keys whose change leaves tickets of one network on one task: others would compare what cannot be compared."""


def admissible(keys: Iterable[str]) -> frozenset[str]:
    """The keys; raises UserError for one that may not change in the course of a run."""
    asked = frozenset(keys)
    if refused := sorted(asked - set(ADMISSIBLE)):
        raise UserError(f"--allow-change {refused[0]}: only these may change within a run: {', '.join(ADMISSIBLE)}")
    return asked


def changed_facts(before: Facts, now: Facts) -> dict[str, tuple[Any, Any]]:
    """What differs of images, first weights, libraries and kind of job, as key -> (before, now)."""
    libraries = [key for key in ADMISSIBLE if key.startswith("versions.")]
    keys = ("data_sha256", "initialisation.sha256", "pretraining.method", *libraries)
    pairs = [(key, _value(before, key), _value(now, key)) for key in keys]
    return {key: (old, new) for key, old, new in pairs if old != new}


def _value(facts: Facts, key: str) -> Any:
    section, _, leaf = key.partition(".")
    value = getattr(facts, section)
    return (value or {}).get(leaf) if leaf else value
