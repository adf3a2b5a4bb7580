"""``run.json``: what a job's folder says of itself, validated when it is read."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Any, Literal

from pydantic import Field

from tf_dlth import files
from tf_dlth.config.base import Section, Seed, Sha256
from tf_dlth.config.loading import validated

RUN, SIGNATURE = "run.json", "run_sha256"
FORMAT_VERSION = 1
Iteration = Annotated[int, Field(ge=0)]


class Values(Section):
    """A value before and after a change."""

    old: Any
    new: Any


class Admitted(Section):
    """Differences that were allowed in the course of a job; ``config_sha256`` is that of before."""

    from_iteration: Iteration
    config_sha256: Sha256
    data_sha256: Sha256
    keys: dict[str, Values]


class Facts(Section):
    """The content of run.json. What only a search or only a pre-training has is None in the other.

    ``files`` has the digests of files beside it, ``manifests`` of the tickets' manifests, each by its folder's name.
    """

    format_version: Literal[1] = FORMAT_VERSION
    status: Literal["running", "finished", "failed"]
    config_sha256: Sha256
    data_sha256: Sha256
    seed: Seed
    initialisation: dict[str, Any]
    versions: dict[str, str]
    host: dict[str, Any]
    admitted: tuple[Admitted, ...] = Field(default=(), strict=False)
    error: str | None = None
    seconds: float | None = None
    files: dict[str, Sha256] = Field(default_factory=dict)
    manifests: dict[str, Sha256] = Field(default_factory=dict)
    winner: Iteration | None = None
    best_sparse: Iteration | None = None
    winners: dict[str, Iteration] | None = None
    winners_16: dict[str, Iteration] | None = None
    dense_would_win: dict[str, bool] | None = None
    pretraining: dict[str, Any] | None = None
    encoder: dict[str, str] | None = None
    nt_xent: float | None = None
    knn_accuracy: float | None = None
    knn_accuracy_before: float | None = None

    def knows(self, config_sha256: str, data_sha256: str) -> bool:
        """Whether something made with this config and these data is the job's, now or before an admitted change."""
        configs = {self.config_sha256, *(change.config_sha256 for change in self.admitted)}
        data = {self.data_sha256, *(change.data_sha256 for change in self.admitted)}
        return config_sha256 in configs and data_sha256 in data


def read_facts(folder: Path) -> Facts | None:
    """The facts of a job's folder, None where there is no run.json; raises UserError for a damaged one."""
    path = folder / RUN
    if not path.exists() and not path.is_symlink():
        return None
    tree = files.read_json(path)
    files.require_version(path, tree, FORMAT_VERSION)
    files.require_signed(path, tree, SIGNATURE)
    return validated(files.without(tree, SIGNATURE), Facts, f"{path} is damaged: ")


def write_facts(folder: Path, facts: Facts) -> None:
    """Replaces run.json; what is None is left out."""
    files.write_signed(folder / RUN, facts.model_dump(mode="json", exclude_none=True), SIGNATURE)
