"""Accuracy under attack, and of corrupted images by kind and severity (paper figures 3, 4 and 9)."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any, Literal

import numpy as np
import tensorflow as tf
import tf_keras

from tf_dlth.corruptions import GROUPS
from tf_dlth.data import Examples
from tf_dlth.data.pipeline import evaluation_batches
from tf_dlth.evaluation.attacks import LEVELS, fgsm, loss_gradient, pgd
from tf_dlth.models.inference import BATCH, predictor


@dataclass(frozen=True)
class Attack:
    """``epsilon`` is the largest change of a pixel as a fraction of white; ``seed`` is of PGD's random starts."""

    kind: Literal["fgsm", "pgd"]
    epsilon: float
    seed: int = 0


def under_attack(
    model: tf_keras.Model, examples: Examples, attack: Attack, between: Callable[[], None]
) -> Iterator[tuple[str, Any]]:
    """The accuracy on attacked images, as ``attack``; ``between`` is called after every batch."""
    gradient, predict = loss_gradient(model), predictor(model)
    hits, seen = 0, 0
    for batch, labels in evaluation_batches(examples, BATCH):
        images, classes = tf.cast(batch, tf.float32) / LEVELS, tf.constant(labels)
        if attack.kind == "fgsm":
            changed = fgsm(gradient, images, classes, attack.epsilon)
        else:
            changed = pgd(gradient, images, classes, attack.epsilon, seed=attack.seed, first=seen)
        hits += int(np.sum(predict(LEVELS * changed).numpy().argmax(-1) == labels))
        seen += len(images)
        between()
    yield "attack", {"kind": attack.kind, "epsilon": attack.epsilon, "accuracy": hits / seen}


def corruption_matrix(
    logits: np.ndarray, labels: np.ndarray, names: tuple[str, ...], regenerated: bool
) -> Iterator[tuple[str, Any]]:
    """The accuracy of every kind at every severity, and their means, as ``corruptions``.

    ``logits`` [N, classes] and ``labels`` [N] are of images named KIND/SEVERITY/INDEX. All cells weigh alike.
    """
    hits = logits.argmax(-1) == labels
    kinds, levels = (np.array(part) for part in zip(*(name.split("/")[:2] for name in names), strict=True))
    cells = {
        kind: {
            str(level): float(hits[(kinds == kind) & (levels == level)].mean())
            for level in sorted(set(levels[kinds == kind]), key=int)
        }
        for kind in sorted(set(kinds))
    }
    by_kind = {kind: float(np.mean(list(row.values()))) for kind, row in cells.items()}
    severities = sorted({level for row in cells.values() for level in row}, key=int)
    yield (
        "corruptions",
        {
            "regenerated": regenerated,
            "cells": cells,
            "by_kind": by_kind,
            "by_severity": {s: float(np.mean([row[s] for row in cells.values() if s in row])) for s in severities},
            "by_group": {
                group: float(np.mean([by_kind[kind] for kind in members if kind in by_kind]))
                for group, members in GROUPS.items()
                if set(members) & by_kind.keys()
            },
            "mean": float(np.mean([value for row in cells.values() for value in row.values()])),
        },
    )
