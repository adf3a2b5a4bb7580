"""The folder that a command's results are written to, and the record in it, which says of what each was made.

Nothing else is ever overwritten: a file of the same name that is not in the record, or was changed since, stays.
"""

from __future__ import annotations

import csv
import hashlib
import io
import math
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

from pydantic import Field

from tf_dlth import files
from tf_dlth.config.base import Section
from tf_dlth.config.loading import validated
from tf_dlth.errors import UserError
from tf_dlth.runs.facts import Sha256
from tf_dlth.runs.lock import locked


@dataclass(frozen=True)
class Maker:
    """The command that writes, the name of its record, and of the digest in that."""

    command: str
    record: str
    signature: str


ANALYZE = Maker("tf_dlth.analyze", "analysis.json", "analysis_sha256")
REPORT = Maker("tf_dlth.report", "report.json", "report_sha256")


class Made(Section):
    """One result's inputs, settings, and the digests that its files may have: before and after a replacement."""

    settings: dict[str, Any]
    files: dict[str, list[Sha256]]


class Record(Section):
    """The content of analysis.json or report.json."""

    made_by: str
    format_version: Literal[1] = 1
    analyses: dict[str, Made] = Field(default_factory=dict)


def require_free(folder: Path, kind: str, names: Iterable[str], maker: Maker = ANALYZE) -> Record:
    """What was made in ``folder`` so far; raises UserError where writing ``names`` would overwrite anything else."""
    if (folder.exists() or folder.is_symlink()) and not folder.is_dir():
        raise UserError(f"--out {folder} is no folder; name one, or a new one")
    record = _read(folder, maker)
    own = record.analyses[kind].files if kind in record.analyses else {}
    for path in (folder / name for name in names):
        if path.is_symlink() or (path.exists() and not _is_one_of(path, own.get(path.name, []))):
            raise UserError(f"{path} was not made by this command or was changed since; move it, or name another --out")
    return record


def write(
    folder: Path, kind: str, contents: Mapping[str, bytes], settings: Mapping[str, Any], maker: Maker = ANALYZE
) -> list[Path]:
    """Writes the files by name, and returns their paths; raises UserError as :func:`require_free`.

    What an earlier call wrote for the same ``kind`` and this one does not is removed, unless it was changed since.
    """
    with locked(folder):
        record = require_free(folder, kind, contents, maker)
        before = record.analyses[kind].files if kind in record.analyses else {}
        old = {name: digests for name, digests in before.items() if name not in contents}
        new = {name: _digests(folder / name, content) for name, content in contents.items()}
        # First of all, so that a command that was killed in between can be given again.
        _note(folder, maker, record, kind, Made(settings=dict(settings), files={**old, **new}))
        for name, content in contents.items():
            files.write_bytes(folder / name, content)
        for name, digests in old.items():
            if Path(name).name == name and _is_one_of(folder / name, digests):
                files.remove(folder / name)
        if old:
            _note(folder, maker, record, kind, Made(settings=dict(settings), files=new))
    return [folder / name for name in contents]


def to_csv(rows: Sequence[Mapping[str, Any]]) -> bytes:
    """The rows under the first one's keys; what does not exist, NaN included, is empty."""
    text = io.StringIO()
    writer = csv.DictWriter(text, list(rows[0]), lineterminator="\n")
    writer.writeheader()
    for row in rows:
        writer.writerow({key: "" if isinstance(x, float) and math.isnan(x) else x for key, x in row.items()})
    return text.getvalue().encode()


def _read(folder: Path, maker: Maker) -> Record:
    path = folder / maker.record
    if not path.exists() and not path.is_symlink():
        return Record(made_by=maker.command)
    if files.read_json(path).get("made_by") != maker.command:
        raise UserError(f"{path} was not made by this command; name another --out")
    signed = files.read_signed(path, maker.signature)
    return validated({k: v for k, v in signed.items() if k != maker.signature}, Record, f"{path} is damaged: ")


def _note(folder: Path, maker: Maker, record: Record, kind: str, made: Made) -> None:
    noted = Record(made_by=maker.command, analyses={**record.analyses, kind: made})
    files.write_signed(folder / maker.record, noted.model_dump(mode="json"), maker.signature)


def _digests(path: Path, content: bytes) -> list[str]:
    new = hashlib.sha256(content).hexdigest()
    before = [files.sha256(path)] if path.exists() else []
    return [new, *(digest for digest in before if digest != new)]


def _is_one_of(path: Path, digests: Sequence[str]) -> bool:
    return path.is_file() and not path.is_symlink() and files.sha256(path) in digests
