"""Arrays from NumPy's files: nothing is unpickled, and nothing is allocated that a file does not hold."""

from __future__ import annotations

import math
import os
import warnings
import zipfile
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import IO

import numpy as np
from numpy.lib import format as npy

from tf_dlth.errors import DataAbsent, UserError, printable

MOST_COMPRESSED = 1032
"""Bytes that a byte of the deflate format can stand for, at most."""
CHUNK = 2**20
Header = tuple[tuple[int, ...], bool, np.dtype]


def read_npz(path: Path, required: Sequence[str], optional: Sequence[str] = ()) -> dict[str, np.ndarray]:
    """The named arrays of a file; raises UserError for a missing one, for any damage, and for too little memory."""
    needs = f"it must be a .npz file with {', '.join(required)}"
    with _one_line(path, needs, "cannot be read as a .npz file of plain arrays"), zipfile.ZipFile(path) as archive:
        members = {info.filename.removesuffix(".npy"): info for info in archive.infolist()}
        if missing := [name for name in required if name not in members]:
            found = printable(", ".join(members)) or "nothing"
            raise UserError(f"{path} has no array {missing[0]}; it needs {', '.join(required)} and has {found}")
        wanted = [name for name in (*required, *optional) if name in members]
        _require_memory(path, [members[name] for name in wanted])
        return {name: _member(archive, members[name]) for name in wanted}


def map_npy(path: Path, needs: str) -> np.ndarray:
    """The array of a file, memory-mapped; raises UserError for any damage."""
    with _one_line(path, needs, "cannot be read as a .npy file"):
        with path.open("rb") as file:
            _check_header(_header(file), file.tell(), path.stat().st_size)
        return npy.open_memmap(path, mode="r")


@contextmanager
def _one_line(path: Path, needs: str, fault: str) -> Iterator[None]:
    if not path.exists():
        raise DataAbsent(f"{path} does not exist; {needs}")
    if not path.is_file():
        raise UserError(f"{path} is no file; {needs}")
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            yield
    except UserError:
        raise
    except Exception as error:  # zipfile and NumPy raise whatever the damage leads them to
        raise UserError(f"{path} {fault}: {printable(str(error) or type(error).__name__)}") from None


def _require_memory(path: Path, members: Iterable[zipfile.ZipInfo]) -> None:
    held = path.stat().st_size
    for info in members:
        if info.file_size > MOST_COMPRESSED * min(held, info.compress_size):
            raise ValueError(f"{info.filename} declares {info.file_size:,} bytes, which it cannot hold")
    needed = sum(info.file_size for info in members)
    memory = os.sysconf("SC_PHYS_PAGES") * os.sysconf("SC_PAGE_SIZE")
    if needed > memory:
        raise UserError(
            f"{path} holds arrays of {needed / 2**30:,.1f} GiB, and the machine has {memory / 2**30:,.1f} GiB of "
            "memory; use fewer or smaller images"
        )


def _member(archive: zipfile.ZipFile, info: zipfile.ZipInfo) -> np.ndarray:
    with archive.open(info) as file:
        header = _header(file)
        content = np.empty(_check_header(header, file.tell(), info.file_size), np.uint8)
        view, position = content.data, 0
        while read := file.readinto(view[position : position + CHUNK]):
            position += read
        if position < len(content) or file.read(1):  # the read after the last byte compares the checksum
            raise ValueError(f"{info.filename} has another length than it declares")
    shape, fortran, dtype = header
    return np.ndarray(shape, dtype, content, order="F" if fortran else "C")


def _header(file: IO[bytes]) -> Header:
    version = npy.read_magic(file)
    if version == (1, 0):
        return npy.read_array_header_1_0(file)
    if version == (2, 0):
        return npy.read_array_header_2_0(file)
    raise ValueError(f"an array of format {version[0]}.{version[1]}, not 1.0 or 2.0")


def _check_header(header: Header, offset: int, held: int) -> int:
    """The array's bytes; raises ValueError for Python objects and unless they are what follows the header."""
    shape, _, dtype = header
    needed = math.prod(shape) * dtype.itemsize
    if dtype.hasobject:
        raise ValueError("an array of Python objects")
    if needed != held - offset or min(shape, default=0) < 0:
        raise ValueError(f"an array of shape {list(shape)} needs {needed:,} bytes and has {held - offset:,}")
    return needed
