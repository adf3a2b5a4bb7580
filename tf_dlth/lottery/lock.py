"""One process at a time on a run's folder."""

from __future__ import annotations

import fcntl
import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from tf_dlth import files
from tf_dlth.errors import UserError

LOCK = ".lock"


@contextmanager
def locked(folder: Path) -> Iterator[None]:
    """Creates the folder and holds its lock; raises UserError naming the process that has it.

    The kernel drops the lock when its holder dies, so a stale lock file does no harm.
    """
    try:
        folder.mkdir(parents=True, exist_ok=True)
        file = (folder / LOCK).open("a+b")
    except OSError as error:
        raise files.cannot_write(folder, error) from None
    with file:
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            file.seek(0)
            holder = file.read().decode(errors="replace") or "another process"
            raise UserError(f"{folder} is in use by {holder}; wait until it ends, or end it") from None
        file.truncate(0)
        file.write(f"process {os.getpid()}".encode())
        file.flush()
        yield
        file.truncate(0)
