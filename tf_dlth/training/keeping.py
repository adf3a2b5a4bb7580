"""What is kept of a training: the weights that each rule chose."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass
from typing import Any, Literal

import numpy as np

from tf_dlth.config import WeightsKind

Arrays = Mapping[str, np.ndarray]
BestKind = Literal["test_best", "heldout"]


@dataclass(frozen=True)
class Scores:
    """Accuracies as fractions; ``heldout`` is None where no images are held out."""

    test: float
    heldout: float | None = None

    def by_rule(self) -> dict[BestKind, float]:
        """What each rule that chooses an epoch looks at: the test set, and the held-out set if there is one."""
        if self.heldout is None:
            return {"test_best": self.test}
        return {"test_best": self.test, "heldout": self.heldout}


@dataclass(frozen=True)
class Kept:
    """Weights worth keeping, by variable name, and what they scored after ``epoch``."""

    epoch: int
    scores: Scores
    weights: Arrays


@dataclass(frozen=True)
class Trained:
    """One finished training; ``kept`` has ``last``, ``test_best`` and, with a held-out set, ``heldout``."""

    kept: Mapping[WeightsKind, Kept]
    epochs: int
    train_loss: float
    train_accuracy: float | None
    seconds: float
    images_per_second: float


class Best(dict[BestKind, Kept]):
    """The best so far under each rule; of equal ones the earliest."""

    def offer(self, kept: Kept) -> None:
        """Takes ``kept`` where it is better."""
        for kind, score in kept.scores.by_rule().items():
            if kind not in self or score > self[kind].scores.by_rule()[kind]:
                self[kind] = kept

    def meta(self) -> dict[str, Any]:
        """All but the weights, as JSON values."""
        return {kind: {"epoch": kept.epoch, "scores": asdict(kept.scores)} for kind, kept in self.items()}

    @classmethod
    def restored(cls, meta: Mapping[BestKind, Any], groups: Mapping[str, Arrays]) -> Best:
        """The inverse of :meth:`meta`, with the weights by rule."""
        return cls({k: Kept(m["epoch"], Scores(**m["scores"]), groups[k]) for k, m in meta.items()})
