"""What a run's networks have to beat, as it lies in the run's folder: regressions.json."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Literal

from pydantic import Field

from tf_dlth import files
from tf_dlth.config.base import Section
from tf_dlth.config.loading import validated

REGRESSIONS = "regressions.json"

Features = Literal["colour_and_edges", "first_weights"]
NAMES: dict[Features, str] = {
    "colour_and_edges": "logistic regression",
    "first_weights": "regression on init",
}


class Regression(Section):
    """Accuracies as fractions, the held-out one by the measure that the run chooses by.

    ``converged`` says whether the solver came to an end.
    """

    train_images: int = Field(ge=1)
    test_images: int = Field(ge=1)
    heldout_accuracy: float | None = Field(default=None, ge=0, le=1)
    test_accuracy: float = Field(ge=0, le=1)
    converged: bool


class Regressions(Section):
    """The content of regressions.json, by the features that they are fitted to."""

    format_version: Literal[1] = 1
    regressions: dict[Features, Regression]


def write(folder: Path, found: Regressions) -> None:
    """Replaces regressions.json; what is None is left out."""
    files.write_json(folder / REGRESSIONS, found.model_dump(mode="json", exclude_none=True))


def read(folder: Path, digests: Mapping[str, str]) -> Regressions | None:
    """What :func:`write` wrote; None where there is none. Raises UserError for one that is not of these ``digests``."""
    path = folder / REGRESSIONS
    if not path.is_file():
        return None
    tree = files.read_json(path, digests.get(REGRESSIONS))
    files.require_version(path, tree, 1)
    return validated(tree, Regressions, f"{path} is damaged: ")
