"""One process at a time on a run's folder."""

from __future__ import annotations

import fcntl
import os
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import IO

from tf_dlth import files
from tf_dlth.errors import UserError

LOCK = ".lock"


@contextmanager
def locked(folder: Path) -> Iterator[None]:
    """Creates the folder and holds its lock; raises UserError naming the process that has it.

    The kernel drops the lock when its holder dies, so a stale lock file does no harm. At the end the file is removed,
    and the folder too if nothing was written there.
    """
    with _acquired(folder) as file:
        file.truncate(0)
        file.write(f"process {os.getpid()}".encode())
        file.flush()
        try:
            yield
        finally:
            with suppress(OSError):
                (folder / LOCK).unlink()
                folder.rmdir()


def _acquired(folder: Path) -> IO[bytes]:
    try:
        folder.mkdir(parents=True, exist_ok=True)
        file = (folder / LOCK).open("a+b")
    except OSError as error:
        raise files.cannot_write(folder, error) from None
    try:
        fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        with file:
            file.seek(0)
            holder = file.read().decode(errors="replace") or "another process"
        raise UserError(f"{folder} is in use by {holder}; wait until it ends, or end it") from None
    if _is_current(file, folder / LOCK):
        return file
    file.close()  # its last holder removed it after it was opened here
    return _acquired(folder)


def _is_current(file: IO[bytes], path: Path) -> bool:
    try:
        return os.path.samestat(os.fstat(file.fileno()), path.stat())
    except FileNotFoundError:
        return False
