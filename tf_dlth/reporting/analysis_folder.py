"""The folder that analyses are written to: a table and figures a kind, and ``analysis.json``, which says of what.

Nothing else is ever overwritten: a file of the same name that is not in analysis.json, or was changed since, stays.
"""

from __future__ import annotations

import csv
import hashlib
import io
import math
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, Literal

from pydantic import Field

from tf_dlth import files
from tf_dlth.config.base import Section
from tf_dlth.config.loading import validated
from tf_dlth.errors import UserError
from tf_dlth.runs.facts import Sha256
from tf_dlth.runs.lock import locked

RECORD, SIGNATURE, MAKER = "analysis.json", "analysis_sha256", "tf_dlth.analyze"


class Made(Section):
    """One kind's inputs, settings, and the digests that its files may have: before and after a replacement."""

    settings: dict[str, Any]
    files: dict[str, list[Sha256]]


class Record(Section):
    """The content of analysis.json."""

    made_by: Literal["tf_dlth.analyze"]
    format_version: Literal[1] = 1
    analyses: dict[str, Made] = Field(default_factory=dict)


def require_free(folder: Path, kind: str, suffixes: Sequence[str]) -> Record:
    """What analyses made in ``folder`` so far; raises UserError where writing would overwrite anything else."""
    if (folder.exists() or folder.is_symlink()) and not folder.is_dir():
        raise UserError(f"--out {folder} is no folder; name one, or a new one")
    record = _read(folder)
    own = record.analyses[kind].files if kind in record.analyses else {}
    for path in (folder / f"{kind}.{suffix}" for suffix in suffixes):
        if path.is_symlink() or (path.exists() and not _is_one_of(path, own.get(path.name, []))):
            raise UserError(f"{path} was not made by this command or was changed since; move it, or name another --out")
    return record


def write(folder: Path, kind: str, contents: Mapping[str, bytes], settings: Mapping[str, Any]) -> list[Path]:
    """Writes ``<kind>.<suffix>`` of each suffix, and returns the paths; raises UserError as :func:`require_free`."""
    with locked(folder):
        record = require_free(folder, kind, tuple(contents))
        paths = {folder / f"{kind}.{suffix}": content for suffix, content in contents.items()}
        # First of all, so that a command that was killed in between can be given again.
        made = Made(
            settings=dict(settings),
            files={path.name: _digests(path, content) for path, content in paths.items()},
        )
        _write(folder, Record(made_by=MAKER, analyses={**record.analyses, kind: made}))
        for path, content in paths.items():
            files.write_bytes(path, content)
    return list(paths)


def to_csv(rows: Sequence[Mapping[str, Any]]) -> bytes:
    """The rows under the first one's keys; what does not exist, NaN included, is empty."""
    text = io.StringIO()
    writer = csv.DictWriter(text, list(rows[0]), lineterminator="\n")
    writer.writeheader()
    for row in rows:
        writer.writerow({key: "" if isinstance(x, float) and math.isnan(x) else x for key, x in row.items()})
    return text.getvalue().encode()


def _read(folder: Path) -> Record:
    path = folder / RECORD
    if not path.exists() and not path.is_symlink():
        return Record(made_by=MAKER)
    if files.read_json(path).get("made_by") != MAKER:
        raise UserError(f"{path} was not made by this command; name another --out")
    signed = {key: value for key, value in files.read_signed(path, SIGNATURE).items() if key != SIGNATURE}
    return validated(signed, Record, f"{path} is damaged: ")


def _write(folder: Path, record: Record) -> None:
    files.write_signed(folder / RECORD, record.model_dump(mode="json"), SIGNATURE)


def _digests(path: Path, content: bytes) -> list[str]:
    new = hashlib.sha256(content).hexdigest()
    before = [files.sha256(path)] if path.exists() else []
    return [new, *(digest for digest in before if digest != new)]


def _is_one_of(path: Path, digests: Sequence[str]) -> bool:
    return path.is_file() and files.sha256(path) in digests
