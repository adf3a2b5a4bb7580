"""The folder of one long job: where it stands, and the only hand that writes its common files."""

from __future__ import annotations

import hashlib
import json
import os
import re
import shutil
import stat
from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any

from tf_dlth import files
from tf_dlth.config import Command, Config, differing_keys, parse_config
from tf_dlth.config.loading import read_text
from tf_dlth.errors import Stopped, UserError
from tf_dlth.provenance import changed_bits
from tf_dlth.runs.changes import admissible, changed_facts
from tf_dlth.runs.checkpoint import Checkpoint, CheckpointStore
from tf_dlth.runs.facts import RUN, Admitted, Facts, Values, read_facts, write_facts
from tf_dlth.runs.lock import LOCK, locked

CONFIG, SUBSET, METRICS, CHECKPOINTS = "config.yaml", "subset.json", "metrics.jsonl", "checkpoints"
OF_A_RUN = re.compile(
    r"config\.yaml|run\.json|subset\.json|regressions\.json|iterations\.csv|metrics\.jsonl|(initial|rewind|encoder)\.safetensors"
    r"|tensorboard|checkpoints|iteration_\d\d|classes\.csv"
    r"|(accuracy_by_density|images_per_class|learning_curves|confusion|mistakes)\.png"
)
"""Names that --overwrite may remove."""
SIGNED = (
    "subset.json", "iterations.csv", "metrics.jsonl", "regressions.json", "classes.csv", "initial.safetensors",
    "rewind.safetensors",
)  # fmt: skip
"""Names whose digests a finished run's run.json has; tickets and encoders have their own, config.yaml's is another."""
RESULTS = re.compile(r"iteration_\d\d|encoder\.safetensors")
"""Names of what costs hours to make."""


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


def refuse_links(folder: Path) -> None:
    """Raises UserError for a link or a device anywhere in a job's folder: what is written there must stay there."""
    for path in folder.rglob("*"):
        mode = path.lstat().st_mode
        if not (stat.S_ISREG(mode) or stat.S_ISDIR(mode)):
            raise UserError(f"{path} is a link or a device, which no run makes; remove it, or choose another name")


def stored_config(folder: Path, facts: Facts) -> Config:
    """config.yaml of a job's folder; raises UserError where it is not the one that run.json knows."""
    text = read_text(folder / CONFIG)
    try:
        config = parse_config(text, origin=CONFIG)
    except UserError as error:
        raise UserError(f"{folder / CONFIG} is damaged: {error}; restore it from a copy") from None
    if not facts.knows(config.sha256("pretrain" if facts.pretraining else "train"), facts.data_sha256):
        raise UserError(
            f"{folder / CONFIG} is damaged: {RUN} knows another config; restore it from a copy, or start anew with "
            "--overwrite"
        )
    return config


def verify_files(folder: Path, facts: Facts) -> None:
    """Raises UserError unless the files beside run.json are those that it knows."""
    for name, sha256 in facts.files.items():
        files.read_bytes(folder / name, sha256)


@contextmanager
def opened(path: Path, command: Command, facts: Facts, needed: int, overwrite: bool) -> Iterator[RunFolder]:
    """The folder under its lock, with room for ``needed`` bytes, and emptied if an earlier run is overwritten."""
    with locked(path):
        refuse_links(path)
        require_space(path, needed)
        folder = RunFolder(path, command, facts)
        if overwrite:
            clear(path)
        yield folder


def clear(folder: Path) -> None:
    """Removes an earlier run, under its lock; raises UserError, and removes nothing, if there is anything else."""
    files.sweep(folder)
    found = [path for path in folder.iterdir() if path.name != LOCK]
    if foreign := sorted(path.name for path in found if not OF_A_RUN.fullmatch(path.name)):
        raise UserError(f"{folder} holds {foreign[0]}, which is no run's; move it, or choose another name")
    # In an order that leaves, half-way, an unfinished run: never a finished one, never a folder that is no run's.
    order = {CHECKPOINTS: -2, **{p.name: -1 for p in found if RESULTS.fullmatch(p.name)}, RUN: 1, CONFIG: 2}
    if (folder / RUN).is_file():
        with suppress(UserError):
            _mark_unfinished(folder)
    for path in sorted(found, key=lambda path: order.get(path.name, 0)):
        files.remove(path)


def _mark_unfinished(folder: Path) -> None:
    if stored := read_facts(folder):
        write_facts(folder, stored.model_copy(update={"status": "running"}))


class RunFolder:
    """The files that a search and a pre-training have in common; to be used under :func:`tf_dlth.runs.lock.locked`.

    On resume the newest whole checkpoint counts: what it does not know of is trained and written again.
    """

    def __init__(self, path: Path, command: Command, facts: Facts) -> None:
        self.path = path
        self.warnings: list[str] = []
        self._command: Command = command
        self._facts = facts
        self._before: Facts | None = None
        self._changes: dict[str, tuple[Any, Any]] = {}
        self._checkpoints = CheckpointStore(path / CHECKPOINTS, self._is_own)

    @property
    def facts(self) -> Facts:
        """What run.json says, or will."""
        return self._facts

    @property
    def finished(self) -> bool:
        stored = read_facts(self.path)
        return stored is not None and stored.status == "finished"

    def refuse_changes(self, config: Config, allowed: Iterable[str]) -> None:
        """Raises UserError with the keys in which an earlier run of this name differs, or if it is no run's folder.

        What is ``allowed`` to differ is noted in run.json when the run goes on. Nothing is written before.
        """
        allowed = admissible(allowed)
        stored = self._understood()
        if stored is None:
            return
        before = stored_config(self.path, stored)
        self._changes = {**differing_keys(before, config, self._command), **changed_facts(stored, self._facts)}
        if refused := [key for key in self._changes if key not in allowed]:
            raise UserError(
                f"{self.path} holds a run that differs in {', '.join(refused)}; give this one another name, start "
                "anew with --overwrite, or admit a change with --allow-change KEY"
            )

    def begin(self, config: Config, subset: Mapping[str, Any]) -> Checkpoint | None:
        """Writes what is known before training, and gives the newest checkpoint if there is one."""
        files.sweep(self.path)
        self._before = read_facts(self.path)
        checkpoint = self._checkpoints.latest()
        self.warnings += self._checkpoints.warnings
        if self._before:
            self._facts = self._going_on(self._before, checkpoint)
            self.warnings += [
                f"the last bits differ from those of a run that was never stopped: {line}"
                for line in changed_bits(self._before.host, self._facts.host)
            ]
        if self._changes:  # first, lest a change that config.yaml shows is noted nowhere
            self.write_status("running")
        files.write_bytes(self.path / CONFIG, config.to_yaml().encode())
        files.write_json(self.path / SUBSET, subset)
        self.write_status("running")
        self._cut_metrics(checkpoint)
        return checkpoint

    @property
    def admitted(self) -> tuple[str, ...]:
        """A line for each change that was admitted in the course of the run."""
        return tuple(
            f"from iteration {change.from_iteration} on {key} is {values.new}, before {values.old}"
            for change in self._facts.admitted
            for key, values in change.keys.items()
        )

    def write_status(self, status: str, **more: Any) -> None:
        """Replaces run.json; ``more`` facts are kept from now on."""
        self._facts = Facts.model_validate({**self._facts.model_dump(), "status": status, "error": None, **more})
        write_facts(self.path, self._facts)

    def finish(self, **summary: Any) -> None:
        """After this the run is not taken up again; its checkpoints are no longer needed."""
        signed = {name: files.sha256(self.path / name) for name in SIGNED if (self.path / name).exists()}
        self.write_status("finished", files=signed, **summary)
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
        return [json.loads(line) for line in self._metrics().splitlines()]

    def save(self, checkpoint: Checkpoint) -> None:
        """Writes a checkpoint that knows its run, and how much of metrics.jsonl belongs to it."""
        metrics = self._metrics()
        meta = {
            **checkpoint.meta,
            "config_sha256": self._facts.config_sha256,
            "data_sha256": self._facts.data_sha256,
            "metrics_bytes": len(metrics),
            "metrics_sha256": hashlib.sha256(metrics).hexdigest(),
        }
        self._checkpoints.save(Checkpoint(meta, checkpoint.groups))

    def _understood(self) -> Facts | None:
        """The facts of an earlier run, None where there is none; raises UserError for a folder that is no run's.

        A process that died as it began leaves no more than config.yaml and subset.json.
        """
        found = {p.name for p in self.path.iterdir() if not p.name.startswith(files.TEMPORARY)} - {LOCK}
        if RUN in found and CONFIG not in found:
            raise UserError(f"{self.path} holds {RUN} but no {CONFIG}; restore that from a copy, or use --overwrite")
        if found and CONFIG not in found:
            raise UserError(f"{self.path} holds files that are no run's; choose another name or output.directory")
        stored = read_facts(self.path)
        if stored is None and (made := sorted(name for name in found if RESULTS.fullmatch(name))):
            raise UserError(
                f"{self.path} holds {made[0]} but no {RUN}; restore that from a copy, choose another name, or remove "
                "all of it with --overwrite"
            )
        return stored

    def _going_on(self, before: Facts, checkpoint: Checkpoint | None) -> Facts:
        """The facts of now, with what was admitted before and is admitted now."""
        kept = {name: getattr(before, name) for name in ("admitted", "files", "manifests")}
        now = self._facts.model_copy(update=kept)
        # Both agree already after a process that died between run.json and config.yaml.
        if before.config_sha256 == now.config_sha256 and not changed_facts(before, now):
            return now
        change = Admitted(
            from_iteration=checkpoint.meta["iteration"] if checkpoint else 0,
            config_sha256=before.config_sha256,
            data_sha256=before.data_sha256,
            keys={key: Values(old=old, new=new) for key, (old, new) in self._changes.items()},
        )
        return now.model_copy(update={"admitted": (*before.admitted, change)})

    def _is_own(self, meta: Mapping[str, Any]) -> bool:
        known = self._before or self._facts
        return known.knows(str(meta.get("config_sha256")), str(meta.get("data_sha256")))

    def _metrics(self) -> bytes:
        return files.read_bytes(self.path / METRICS) if (self.path / METRICS).exists() else b""

    def _cut_metrics(self, checkpoint: Checkpoint | None) -> None:
        """Leaves the lines that the checkpoint knows; raises UserError where they are not what it knows."""
        path, found = self.path / METRICS, self._metrics()
        needed = checkpoint.meta["metrics_bytes"] if checkpoint else 0
        digest = hashlib.sha256(found[:needed]).hexdigest()
        if checkpoint and (len(found) < needed or digest != checkpoint.meta["metrics_sha256"]):
            raise UserError(f"{path} is damaged: its first {needed} bytes are not those of the run; use --overwrite")
        if len(found) > needed:
            files.write_bytes(path, found[:needed])
