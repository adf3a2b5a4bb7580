"""The folder of one run: where it stands, and the only hand that writes its files."""

from __future__ import annotations

import json
import os
import re
import shutil
from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager, suppress
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import numpy as np

from tf_dlth import files
from tf_dlth.config import Config, WeightsKind, differing_keys, flat, load_config
from tf_dlth.errors import Stopped, UserError
from tf_dlth.lottery import selection
from tf_dlth.lottery.lock import LOCK
from tf_dlth.lottery.manifest import RewindEntry
from tf_dlth.lottery.rows import Row, row_of, to_csv
from tf_dlth.lottery.ticket import Origin, Ticket, add_saved_model, iteration_name, load_ticket, write_ticket
from tf_dlth.training.checkpoint import Checkpoint, CheckpointStore
from tf_dlth.training.trainer import Trained

Arrays = Mapping[str, np.ndarray]
FORMAT_VERSION = 1
CONFIG, RUN, SUBSET, ITERATIONS, METRICS = (
    "config.yaml",
    "run.json",
    "subset.json",
    "iterations.csv",
    "metrics.jsonl",
)
INITIAL, REWIND, CHECKPOINTS = "initial.safetensors", "rewind.safetensors", "checkpoints"
OF_A_RUN = re.compile(
    r"config\.yaml|run\.json|subset\.json|iterations\.csv|metrics\.jsonl|(initial|rewind|encoder)\.safetensors"
    r"|tensorboard|checkpoints|iteration_\d\d|(accuracy_by_density|images_per_class)\.png"
)
"""Names that --overwrite may remove."""
COMPARED_VERSIONS = ("tf_dlth", "tensorflow", "tf_keras")


@dataclass(frozen=True)
class Keeping:
    """How tickets are written: their common origin, the weights meant by default, a SavedModel in each or not."""

    origin: Origin
    default_weights: WeightsKind
    saved_model_in_all: bool


class RunFolder:
    """The files of a run; to be used under :func:`tf_dlth.lottery.lock.locked`.

    On resume the newest whole checkpoint counts: what it does not know of is trained and written again.
    """

    def __init__(self, path: Path, facts: Mapping[str, Any]) -> None:
        self.path = path
        self.rows: list[Row] = []
        self.warnings: list[str] = []
        self._facts = dict(facts)
        self._keeping: Keeping | None = None
        self._summary: dict[str, Any] = {}
        self._unfinished: Checkpoint | None = None
        self._checkpoints = CheckpointStore(path / CHECKPOINTS)

    @property
    def status(self) -> str | None:
        """``running``, ``finished``, ``failed``, or None where there is no run."""
        run = self.path / RUN
        return files.read_json(run).get("status") if run.is_file() else None

    def refuse_changes(self, config: Config, allowed: Iterable[str]) -> None:
        """Raises UserError with the keys in which an earlier run of this name differs, or if it is no run's folder."""
        self._refuse_foreign_folder()
        if not (self.path / CONFIG).is_file():
            return
        stored = load_config(self.path / CONFIG)
        changed = [*differing_keys(stored, config), *self._changed_facts()]
        admitted = set(allowed)
        if refused := [key for key in changed if key not in admitted]:
            raise UserError(
                f"{self.path} holds a run that differs in {', '.join(refused)}; give this one another name, start "
                "anew with --overwrite, or admit a change with --allow-change KEY"
            )

    def clear(self) -> None:
        """Removes an earlier run; raises UserError, and removes nothing, if the folder holds anything else."""
        files.sweep(self.path)
        found = [path for path in self.path.iterdir() if path.name != LOCK]
        if foreign := sorted(path.name for path in found if not OF_A_RUN.fullmatch(path.name)):
            raise UserError(f"{self.path} holds {foreign[0]}, which is no run's; move it, or choose another name")
        # In an order that leaves, half-way, an unfinished run: never a finished one, never a folder that is no run's.
        order = {RUN: -2, CHECKPOINTS: -1, CONFIG: 1}
        try:
            for path in sorted(found, key=lambda path: order.get(path.name, 0)):
                shutil.rmtree(path) if path.is_dir() and not path.is_symlink() else path.unlink()
        except OSError as error:
            raise files.cannot_write(self.path, error) from None

    def begin(self, config: Config, subset: Mapping[str, Any], keeping: Keeping | None) -> None:
        """Writes what is known before training, and takes up the newest checkpoint if there is one."""
        files.sweep(self.path)
        self._keeping = keeping
        files.write_bytes(self.path / CONFIG, config.to_yaml().encode())
        files.write_json(self.path / SUBSET, subset)
        self._write_status("running")
        self._take_up(self._checkpoints.latest())
        self.warnings = self._checkpoints.warnings

    def choose_winner(self, select_by: selection.Rule) -> None:
        """Names the winner, under every rule, and gives it a SavedModel."""
        self._summary = selection.summary(self.rows, select_by)
        if not (winner := self.ticket(self._summary["winner"])).has_saved_model:
            add_saved_model(winner)
        self._write_status("running", **self._summary)

    def finish(self) -> None:
        """After this the run is not taken up again; its checkpoints are no longer needed."""
        self._write_status("finished", seconds=sum(row.seconds for row in self.rows), **self._summary)
        self.remove_checkpoints()

    def remove_checkpoints(self) -> None:
        """Does no harm where there are none."""
        self._checkpoints.clear()

    @contextmanager
    def told(self) -> Iterator[None]:
        """Leaves word of a failure in run.json, if the disk lets it; says of a stop where the state is."""
        try:
            yield
        except UserError as error:
            with suppress(UserError):
                self._write_status("failed", error=str(error))
            raise
        except Stopped as stopped:
            message = f"stopped; all is saved in {self.path}, and the same command goes on from there"
            raise Stopped(stopped.signal_number, message) from None

    # What the lottery keeps (tf_dlth.lottery.imp.Store)

    def keep_initial(self, weights: Arrays) -> None:
        if not self.has_ticket(0):
            files.write_tensors(self.path / INITIAL, weights)

    def keep_rewind(self, weights: Arrays) -> None:
        files.write_tensors(self.path / REWIND, weights)

    def rewind(self) -> dict[str, np.ndarray]:
        return self.ticket(0).rewind

    def has_ticket(self, iteration: int) -> bool:
        return iteration < len(self.rows)

    def ticket(self, iteration: int) -> Ticket:
        return load_ticket(self.path / iteration_name(iteration), trust=True)

    def unfinished(self, iteration: int) -> Checkpoint | None:
        checkpoint = self._unfinished
        return checkpoint if checkpoint and checkpoint.meta["iteration"] == iteration else None

    def keep_ticket(self, iteration: int, masks: Arrays, trained: Trained) -> None:
        """Writes the ticket, then its row, then the checkpoint that makes both count."""
        assert self._keeping is not None, "begin() comes first"
        write_ticket(
            self.path / iteration_name(iteration),
            iteration,
            masks,
            trained.kept,
            self._keeping.origin,
            RewindEntry(file=REWIND, sha256=files.sha256(self.path / REWIND)),
            self._keeping.default_weights,
            self._keeping.saved_model_in_all,
        )
        self.rows = [*self.rows, row_of(iteration, masks, trained)]
        files.write_bytes(self.path / ITERATIONS, to_csv(self.rows).encode())
        self.save(Checkpoint({"iteration": iteration + 1}))

    # What a training leaves (tf_dlth.training.trainer.Log)

    def append_metrics(self, line: Mapping[str, Any]) -> None:
        try:
            with (self.path / METRICS).open("ab") as file:
                file.write((json.dumps(line, allow_nan=False) + "\n").encode())
                file.flush()
                os.fsync(file.fileno())
        except OSError as error:
            raise files.cannot_write(self.path / METRICS, error) from None

    def save(self, checkpoint: Checkpoint) -> None:
        metrics = self.path / METRICS
        meta = {
            **checkpoint.meta,
            "rows": [asdict(row) for row in self.rows],
            "metrics_bytes": metrics.stat().st_size if metrics.exists() else 0,
        }
        self._checkpoints.save(Checkpoint(meta, checkpoint.groups))

    def _take_up(self, checkpoint: Checkpoint | None) -> None:
        meta = checkpoint.meta if checkpoint else {"rows": [], "metrics_bytes": 0}
        self.rows = [Row(**row) for row in meta["rows"]]
        self._unfinished = checkpoint if checkpoint and checkpoint.groups else None
        metrics, needed = self.path / METRICS, meta["metrics_bytes"]
        found = metrics.stat().st_size if metrics.exists() else 0
        if found < needed:
            raise UserError(f"{metrics} is damaged: it lacks {needed - found} of {needed} bytes; use --overwrite")
        if found:
            os.truncate(metrics, needed)

    def _refuse_foreign_folder(self) -> None:
        found = {p.name for p in self.path.iterdir() if not p.name.startswith(files.TEMPORARY)} - {LOCK}
        if found and CONFIG not in found:
            raise UserError(f"{self.path} holds files that are no run's; choose another name or output.directory")

    def _changed_facts(self) -> list[str]:
        if not (self.path / RUN).is_file():
            return []
        before, now = flat(files.read_json(self.path / RUN)), flat(self._facts)
        compared = ["data_sha256", *(f"versions.{name}" for name in COMPARED_VERSIONS), "pretraining.method"]
        return [key for key in compared if before.get(key) != now.get(key)]

    def _write_status(self, status: str, **more: Any) -> None:
        tree = {"format_version": FORMAT_VERSION, "status": status, **self._facts, **more}
        files.write_json(self.path / RUN, tree)
