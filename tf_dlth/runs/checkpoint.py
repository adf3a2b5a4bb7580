"""What is needed to go on, in two generations on disk.

A checkpoint is a JSON file that names a tensor file and its digest; the JSON is written last and carries a digest of
itself. The newest one that is whole counts, so a torn one falls back to the one before.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np

from tf_dlth import files
from tf_dlth.errors import UserError

Arrays = Mapping[str, np.ndarray]
GENERATIONS = 2


@dataclass(frozen=True)
class Checkpoint:
    """``meta`` is JSON; ``groups`` maps a group's name to its arrays by variable name."""

    meta: dict[str, Any]
    groups: Mapping[str, Arrays] = field(default_factory=dict)


class CheckpointStore:
    """The checkpoints of one run, in a folder of its own; ``accepts`` tells by its meta whether one is of the run."""

    def __init__(self, folder: Path, accepts: Callable[[Mapping[str, Any]], bool] = lambda meta: True) -> None:
        self._folder, self._accepts = folder, accepts
        self.warnings: list[str] = []

    def save(self, checkpoint: Checkpoint) -> None:
        """Writes a new generation whole, then removes the ones before the last."""
        number = max(self._numbers(), default=0) + 1
        tensors = {f"{group}:{name}": a for group, arrays in checkpoint.groups.items() for name, a in arrays.items()}
        sha256 = files.write_tensors(self._tensors(number), tensors)
        files.write_signed(self._json(number), {"meta": checkpoint.meta, "tensors_sha256": sha256}, "sha256")
        for old in self._numbers()[:-GENERATIONS]:
            for path in (self._json(old), self._tensors(old)):
                if path.exists():
                    files.remove(path)

    def latest(self) -> Checkpoint | None:
        """The newest whole checkpoint, None if there never was one; raises UserError if all are damaged.

        Damaged ones are removed, lest they push the whole one out when the next is saved.
        """
        files.sweep(self._folder)
        numbers = self._numbers()
        for number in reversed(numbers):
            try:
                checkpoint = self._load(number)
            except UserError as error:
                self.warnings.append(f"{error}; going on from the checkpoint before it")
                continue
            for damaged in numbers[numbers.index(number) + 1 :]:
                files.remove(self._json(damaged))
            return checkpoint
        if numbers:
            raise UserError(f"no checkpoint in {self._folder} is whole; start the run anew with --overwrite")
        return None

    def clear(self) -> None:
        """Removes all of them: the run is finished."""
        if self._folder.exists():
            files.remove(self._folder)

    def _load(self, number: int) -> Checkpoint:
        tree = files.read_signed(self._json(number), "sha256")
        if not self._accepts(tree["meta"]):
            raise UserError(f"{self._json(number)} is a checkpoint of another run")
        groups: dict[str, dict[str, np.ndarray]] = {}
        for key, array in files.read_tensors(self._tensors(number), tree["tensors_sha256"]).items():
            group, _, name = key.partition(":")
            groups.setdefault(group, {})[name] = array
        return Checkpoint(tree["meta"], groups)

    def _numbers(self) -> list[int]:
        return sorted(int(p.stem) for p in self._folder.glob("*.json") if p.stem.isdecimal())

    def _json(self, number: int) -> Path:
        return self._folder / f"{number:06d}.json"

    def _tensors(self, number: int) -> Path:
        return self._folder / f"{number:06d}.safetensors"
