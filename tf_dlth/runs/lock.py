"""One process at a time on a folder."""

from __future__ import annotations

import errno
import fcntl
import os
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import IO

from tf_dlth import files
from tf_dlth.errors import UserError, printable

LOCK = ".lock"
UNSUPPORTED = (errno.ENOLCK, errno.EOPNOTSUPP, errno.ENOSYS, errno.EINVAL)
"""What file systems answer that know no locks."""


@contextmanager
def locked(folder: Path) -> Iterator[None]:
    """Creates the folder and holds its lock; raises UserError naming the process that has it.

    The kernel drops the lock when its holder dies, so a stale lock file does no harm; on a file system without locks
    the file itself is the lock for as long as the process that it names is alive. At the end the file is removed, and
    the folder too if nothing was written there.
    """
    with _acquired(folder) as file:
        try:
            file.truncate(0)
            file.write(_named(os.getpid()).encode())
            file.flush()
        except OSError as error:
            raise files.cannot_write(folder / LOCK, error) from None
        try:
            yield
        finally:
            with suppress(OSError):
                (folder / LOCK).unlink()
                folder.rmdir()


def is_locked(folder: Path) -> bool:
    """Whether a process works in the folder now; nothing is written."""
    try:
        with (folder / LOCK).open("rb") as file:
            fcntl.flock(file, fcntl.LOCK_SH | fcntl.LOCK_NB)
            return False
    except BlockingIOError:
        return True
    except OSError:
        return False


def _acquired(folder: Path) -> IO[bytes]:
    file = _opened(folder)
    try:
        fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        with file:
            raise UserError(f"{folder} is in use by {_holder(file)}; wait until it ends, or end it") from None
    except OSError as error:
        if error.errno not in UNSUPPORTED:
            raise files.cannot_write(folder / LOCK, error) from None
        if (holder := _holder(file)) != _named(os.getpid()) and _is_alive(holder):
            file.close()
            raise UserError(f"{folder} is in use by {holder}; wait until it ends, or end it") from None
    if _is_current(file, folder / LOCK):
        return file
    file.close()  # its last holder removed it after it was opened here
    return _acquired(folder)


def _opened(folder: Path) -> IO[bytes]:
    """The lock's file; never what a link of its name leads to."""
    try:
        folder.mkdir(parents=True, exist_ok=True)
        flags = os.O_RDWR | os.O_CREAT | os.O_APPEND | os.O_NOFOLLOW | os.O_NONBLOCK
        return os.fdopen(os.open(folder / LOCK, flags, 0o666), "a+b")
    except OSError as error:
        raise files.cannot_write(folder / LOCK, error) from None


def _named(process: int) -> str:
    return f"process {process}"


def _holder(file: IO[bytes]) -> str:
    file.seek(0)
    return printable(file.read(100).decode(errors="replace")) or "another process"


def _is_alive(holder: str) -> bool:
    number = holder.removeprefix("process ")
    return number.isdecimal() and Path(f"/proc/{number}").exists()


def _is_current(file: IO[bytes], path: Path) -> bool:
    try:
        return os.path.samestat(os.fstat(file.fileno()), path.stat())
    except FileNotFoundError:
        return False
