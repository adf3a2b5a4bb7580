"""The folder of one long job: where it stands, and the only hand that writes its common files."""

from __future__ import annotations

import json
import os
import re
import shutil
from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any

from tf_dlth import files
from tf_dlth.config import Command, Config, differing_keys, load_config
from tf_dlth.config.keys import flat
from tf_dlth.errors import Stopped, UserError
from tf_dlth.runs.checkpoint import Checkpoint, CheckpointStore
from tf_dlth.runs.lock import LOCK, locked

FORMAT_VERSION = 1
CONFIG, RUN, SUBSET, METRICS, CHECKPOINTS = ("config.yaml", "run.json", "subset.json", "metrics.jsonl", "checkpoints")
OF_A_RUN = re.compile(
    r"config\.yaml|run\.json|subset\.json|iterations\.csv|metrics\.jsonl|(initial|rewind|encoder)\.safetensors"
    r"|tensorboard|checkpoints|iteration_\d\d|(accuracy_by_density|images_per_class)\.png"
)
"""Names that --overwrite may remove."""
COMPARED_FACTS = (
    "data_sha256",
    "versions.tf_dlth",
    "versions.tensorflow",
    "versions.tf_keras",
    "pretraining.method",
)


def run_path(config: Config) -> Path:
    """Where a job of this configuration lands."""
    return Path(config.output.directory) / config.name


def require_space(folder: Path, needed: int) -> None:
    """Raises UserError unless the disk has ``needed`` bytes for the folder, which need not be there yet."""
    held = files.size(folder) if folder.is_dir() else 0
    existing = next(path for path in (folder, *folder.absolute().parents) if path.is_dir())
    free = shutil.disk_usage(existing).free
    if needed - held > free:
        raise UserError(
            f"the run needs up to {(needed - held) / 2**20:,.0f} MiB in {folder}, but {free / 2**20:,.0f} MiB are "
            "free; set output.savedmodel: winner, fewer pruning.iterations, or another output.directory"
        )


@contextmanager
def opened(path: Path, command: Command, facts: Mapping[str, Any], needed: int, overwrite: bool) -> Iterator[RunFolder]:
    """The folder under its lock, with room for ``needed`` bytes, and emptied if an earlier run is overwritten."""
    with locked(path):
        require_space(path, needed)
        folder = RunFolder(path, command, facts)
        if overwrite:
            folder.clear()
        yield folder


class RunFolder:
    """The files that a search and a pre-training have in common; to be used under :func:`tf_dlth.runs.lock.locked`.

    On resume the newest whole checkpoint counts: what it does not know of is trained and written again.
    """

    def __init__(self, path: Path, command: Command, facts: Mapping[str, Any]) -> None:
        self.path = path
        self.warnings: list[str] = []
        self._command: Command = command
        self._facts = dict(facts)
        self._changes: dict[str, tuple[Any, Any]] = {}
        self._admitted: list[dict[str, Any]] = []
        self._checkpoints = CheckpointStore(path / CHECKPOINTS)

    @property
    def status(self) -> str | None:
        """``running``, ``finished``, ``failed``, or None where there is no run."""
        return self._stored().get("status")

    def refuse_changes(self, config: Config, allowed: Iterable[str]) -> None:
        """Raises UserError with the keys in which an earlier run of this name differs, or if it is no run's folder.

        What is ``allowed`` to differ is noted in run.json when the run goes on.
        """
        self._refuse_foreign_folder()
        if not (self.path / CONFIG).is_file():
            return
        stored = load_config(self.path / CONFIG)
        self._changes = {**differing_keys(stored, config, self._command), **self._changed_facts()}
        admitted = set(allowed)
        if refused := [key for key in self._changes if key not in admitted]:
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

    def begin(self, config: Config, subset: Mapping[str, Any]) -> Checkpoint | None:
        """Writes what is known before training, and gives the newest checkpoint if there is one."""
        files.sweep(self.path)
        checkpoint = self._checkpoints.latest()
        self.warnings += self._checkpoints.warnings
        self._note_changes(checkpoint)
        if self._changes:  # first, lest a change that config.yaml shows is noted nowhere
            self.write_status("running")
        files.write_bytes(self.path / CONFIG, config.to_yaml().encode())
        files.write_json(self.path / SUBSET, subset)
        self.write_status("running")
        self._cut_metrics(checkpoint.meta["metrics_bytes"] if checkpoint else 0)
        return checkpoint

    @property
    def admitted(self) -> tuple[str, ...]:
        """A line for each change that was admitted in the course of the run."""
        return tuple(
            f"from iteration {change['from_iteration']} on {key} is {values['new']}, before {values['old']}"
            for change in self._admitted
            for key, values in change["keys"].items()
        )

    def write_status(self, status: str, **more: Any) -> None:
        """Replaces run.json."""
        known = {"format_version": FORMAT_VERSION, "status": status, **self._facts, "admitted": self._admitted}
        files.write_json(self.path / RUN, {**known, **more})

    def finish(self, **summary: Any) -> None:
        """After this the run is not taken up again; its checkpoints are no longer needed."""
        self.write_status("finished", **summary)
        self.remove_checkpoints()

    def remove_checkpoints(self) -> None:
        """Does no harm where there are none."""
        self._checkpoints.clear()

    @contextmanager
    def told(self) -> Iterator[None]:
        """Leaves word of a failure in run.json, if the disk lets it; says of a stop where the state is."""
        try:
            yield
        except Stopped as stopped:
            message = f"stopped; all is saved in {self.path}, and the same command goes on from there"
            raise Stopped(stopped.signal_number, message) from None
        except Exception as error:
            reason = str(error) if isinstance(error, UserError) else f"{type(error).__name__}: {error}"
            with suppress(UserError):
                self.write_status("failed", error=reason)
            raise

    def append_metrics(self, line: Mapping[str, Any]) -> None:
        """Adds a line to metrics.jsonl, whole and durable."""
        try:
            with (self.path / METRICS).open("ab") as file:
                file.write((json.dumps(line, allow_nan=False) + "\n").encode())
                file.flush()
                os.fsync(file.fileno())
        except OSError as error:
            raise files.cannot_write(self.path / METRICS, error) from None

    def metrics(self) -> list[dict[str, Any]]:
        """The lines of metrics.jsonl."""
        return [json.loads(line) for line in files.read_bytes(self.path / METRICS).splitlines()]

    def save(self, checkpoint: Checkpoint) -> None:
        """Writes a checkpoint that also knows how much of metrics.jsonl belongs to it."""
        meta = {**checkpoint.meta, "metrics_bytes": self._metrics_bytes()}
        self._checkpoints.save(Checkpoint(meta, checkpoint.groups))

    def _metrics_bytes(self) -> int:
        metrics = self.path / METRICS
        return metrics.stat().st_size if metrics.exists() else 0

    def _cut_metrics(self, needed: int) -> None:
        metrics, found = self.path / METRICS, self._metrics_bytes()
        if found < needed:
            raise UserError(f"{metrics} is damaged: it lacks {needed - found} of {needed} bytes; use --overwrite")
        if found:
            os.truncate(metrics, needed)

    def _note_changes(self, checkpoint: Checkpoint | None) -> None:
        """Takes over what was admitted before, and adds what is admitted now."""
        stored = self._stored()
        self._admitted = list(stored.get("admitted", []))
        if not self._changes:
            return
        change = {
            "from_iteration": checkpoint.meta["iteration"] if checkpoint else 0,
            "config_sha256": stored.get("config_sha256"),
            "keys": {key: {"old": old, "new": new} for key, (old, new) in self._changes.items()},
        }
        if change not in self._admitted:  # as after a process that died between run.json and config.yaml
            self._admitted.append(change)

    def _stored(self) -> dict[str, Any]:
        run = self.path / RUN
        return files.read_json(run) if run.is_file() else {}

    def _refuse_foreign_folder(self) -> None:
        found = {p.name for p in self.path.iterdir() if not p.name.startswith(files.TEMPORARY)} - {LOCK}
        if found and CONFIG not in found:
            raise UserError(f"{self.path} holds files that are no run's; choose another name or output.directory")

    def _changed_facts(self) -> dict[str, tuple[Any, Any]]:
        if not (self.path / RUN).is_file():
            return {}
        before, now = flat(self._stored()), flat(self._facts)
        pairs = {key: (before.get(key), now.get(key)) for key in COMPARED_FACTS}
        return {key: (old, new) for key, (old, new) in pairs.items() if old != new}
