"""Files that are written whole or not at all, and read only when they are what was written.

What is read is an ordinary file of a bearable size, never a link: both are looked at before a byte is read. What is
written first grows under a temporary name, is flushed to the disk, and is then renamed; the folder is flushed too, so
that the new name survives a power cut. Tensors are stored as safetensors: reading them runs no code.
"""

from __future__ import annotations

import hashlib
import json
import os
import shutil
import stat
import struct
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import IO, Any

import numpy as np
from safetensors import SafetensorError
from safetensors.numpy import load as parse_tensors
from safetensors.numpy import save as tensor_bytes

from tf_dlth.errors import UserError, printable

TEMPORARY = ".partial-"
"""Prefix of the names of files and folders that are not complete."""

LARGEST_JSON = 2**26
LARGEST_TENSORS = 2**32
"""Bytes. A run of the largest network that is built stays well below."""

Tensors = Mapping[str, np.ndarray]


@contextmanager
def replacing(path: Path) -> Iterator[IO[bytes]]:
    """A file that stands under ``path`` when the block has ended, whole; raises UserError when the disk refuses."""
    temporary = path.with_name(f"{TEMPORARY}{os.getpid()}-{path.name}")
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        with temporary.open("wb") as file:
            yield file
            file.flush()
            os.fsync(file.fileno())
        os.replace(temporary, path)
        flush_folder(path.parent)
    except BaseException as error:
        with suppress(OSError):
            temporary.unlink()
        if isinstance(error, OSError):
            raise cannot_write(path, error) from None
        raise


def write_bytes(path: Path, content: bytes) -> str:
    """Replaces the file by ``content`` and returns its SHA-256; raises UserError when the disk refuses."""
    with replacing(path) as file:
        file.write(content)
    return hashlib.sha256(content).hexdigest()


def write_json(path: Path, tree: Any) -> str:
    """Like :func:`write_bytes`, for anything that JSON can hold; NaN is refused."""
    return write_bytes(path, (json.dumps(tree, indent=2, allow_nan=False) + "\n").encode())


def write_tensors(path: Path, tensors: Tensors) -> str:
    """Like :func:`write_bytes`, as safetensors; equal tensors give equal bytes."""
    return write_bytes(path, tensor_bytes({k: np.asarray(tensors[k], order="C") for k in sorted(tensors)}))


def write_signed(path: Path, tree: Mapping[str, Any], key: str) -> str:
    """Like :func:`write_json`, with a digest of all else under ``key``; returns that digest."""
    digest = digest_of(tree)
    write_json(path, {**tree, key: digest})
    return digest


def digest_of(tree: Mapping[str, Any]) -> str:
    """SHA-256 of JSON values, whatever the order of their keys."""
    return hashlib.sha256(json.dumps(tree, sort_keys=True).encode()).hexdigest()


def read_signed(path: Path, key: str) -> dict[str, Any]:
    """The inverse of :func:`write_signed`, ``key`` included; raises UserError where the digest does not hold."""
    tree = read_json(path)
    require_signed(path, tree, key)
    return tree


def require_signed(path: Path, tree: Mapping[str, Any], key: str) -> None:
    """Raises UserError unless ``key`` has the digest of all else in the file's tree."""
    found = digest_of(without(tree, key))
    if tree.get(key) != found:
        expected = printable(str(tree.get(key)), 80)
        raise UserError(f"{path} is damaged: expected SHA-256 {expected}, found {found}; restore it from a copy")


def require_version(path: Path, tree: Mapping[str, Any], known: int) -> None:
    """Raises UserError unless the file's tree states this ``format_version``."""
    if (found := tree.get("format_version")) != known:
        raise UserError(f"{path}: format_version {found!r} is not known; this version reads {known}")


def without(tree: Mapping[str, Any], key: str) -> dict[str, Any]:
    """All but one key."""
    return {name: value for name, value in tree.items() if name != key}


def read_json(path: Path, expected: str | None = None) -> dict[str, Any]:
    """A JSON object; raises UserError naming the file when it is missing, unreadable, no object or not ``expected``."""
    try:
        tree = json.loads(read_bytes(path, expected, LARGEST_JSON))
    except (ValueError, RecursionError) as error:
        raise UserError(f"{path} is damaged: not valid JSON ({printable(str(error))})") from None
    if not isinstance(tree, dict):
        raise UserError(f"{path} is damaged: it must hold a JSON object")
    return tree


def read_bytes(path: Path, expected: str | None = None, largest: int = LARGEST_TENSORS) -> bytes:
    """The file's content; raises UserError when it cannot be read or its SHA-256 is not ``expected``."""
    require_ordinary(path, largest)
    try:
        content = path.read_bytes()
    except OSError as error:
        raise UserError(f"{path} cannot be read: {error.strerror}") from None
    found = hashlib.sha256(content).hexdigest()
    if expected is not None and found != expected:
        raise UserError(f"{path} is damaged: expected SHA-256 {expected}, found {found}; restore it from a copy")
    return content


def require_ordinary(path: Path, largest: int) -> None:
    """Raises UserError for a link, a folder or a device, and for more than ``largest`` bytes."""
    try:
        status = path.lstat()
    except FileNotFoundError:
        raise UserError(f"{path} does not exist") from None
    except (OSError, ValueError) as error:
        raise UserError(f"{path} cannot be read: {getattr(error, 'strerror', None) or error}") from None
    if not stat.S_ISREG(status.st_mode):
        kind = "a symbolic link" if stat.S_ISLNK(status.st_mode) else "no ordinary file"
        raise UserError(f"{path} is {kind}; put the file itself there")
    if status.st_size > largest:
        raise UserError(f"{path} is damaged: {status.st_size:,} bytes, where at most {largest:,} can be")


def read_tensors(path: Path, expected: str | None = None, largest: int = LARGEST_TENSORS) -> dict[str, np.ndarray]:
    """The tensors of a safetensors file; raises UserError for damage, a wrong digest, NaN or infinity."""
    content = read_bytes(path, expected, largest)
    try:
        _refuse_duplicate_names(content)
        tensors = parse_tensors(content)
    except (SafetensorError, ValueError, KeyError, TypeError, struct.error, RecursionError) as error:
        raise UserError(f"{path} is damaged: not a valid safetensors file ({printable(str(error))})") from None
    for name, tensor in tensors.items():
        if np.issubdtype(tensor.dtype, np.floating) and not np.isfinite(tensor).all():
            raise UserError(f"{path} is damaged: tensor {printable(name)} holds NaN or infinity")
    return tensors


def digests(folder: Path) -> dict[str, str]:
    """SHA-256 of every file below a folder, by its relative POSIX path."""
    files = sorted(p for p in folder.rglob("*") if p.is_file())
    return {p.relative_to(folder).as_posix(): sha256(p) for p in files}


def size(folder: Path) -> int:
    """Bytes of all files below a folder."""
    return sum(p.stat().st_size for p in folder.rglob("*") if p.is_file())


def sha256(path: Path) -> str:
    """The file's digest, read in pieces."""
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def replace_folder(temporary: Path, final: Path) -> None:
    """Puts a finished folder under its name, in place of an older one."""
    try:
        if final.exists():
            old = final.with_name(f"{TEMPORARY}old-{final.name}")
            shutil.rmtree(old, ignore_errors=True)
            os.replace(final, old)
            os.replace(temporary, final)
            shutil.rmtree(old)
        else:
            os.replace(temporary, final)
        flush_folder(final.parent)
    except OSError as error:
        raise cannot_write(final, error) from None


@contextmanager
def writing(folder: Path) -> Iterator[Path]:
    """A new folder that stands under ``folder``, which is free, when the block has ended, whole; else nothing does.

    Raises UserError when the disk refuses.
    """
    final = folder.absolute()
    temporary = final.with_name(f"{TEMPORARY}{os.getpid()}-{final.name}")
    try:
        temporary.mkdir(parents=True)
        yield temporary
        replace_folder(temporary, final)
    except OSError as error:
        raise cannot_write(folder, error) from None
    finally:
        shutil.rmtree(temporary, ignore_errors=True)


def require_free(folder: Path, option: str) -> None:
    """Raises UserError unless nothing, or an empty folder, stands under ``folder``."""
    if folder.is_dir() and not folder.is_symlink():
        if any(folder.iterdir()):
            raise UserError(f"{option} {folder}: is not empty; name a new folder, or remove what is in it")
    elif folder.exists() or folder.is_symlink():
        raise UserError(f"{option} {folder}: is no folder; name a new one")


def remove(path: Path) -> None:
    """Removes a file, a link or a whole folder; raises UserError when the disk refuses."""
    try:
        shutil.rmtree(path) if path.is_dir() and not path.is_symlink() else path.unlink()
    except OSError as error:
        raise cannot_write(path, error) from None


def sweep(folder: Path) -> None:
    """Removes what a killed process left under temporary names."""
    for leftover in folder.glob(f"{TEMPORARY}*"):
        remove(leftover)


def cannot_write(path: Path, error: OSError) -> UserError:
    """The one line for a full disk or an unwritable folder."""
    return UserError(f"cannot write {path}: {error.strerror or error}; free some space or choose another folder")


def flush_folder(folder: Path) -> None:
    """Makes renames in the folder durable."""
    descriptor = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def _refuse_duplicate_names(content: bytes) -> None:
    (length,) = struct.unpack("<Q", content[:8])

    def unique(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
        if len({name for name, _ in pairs}) != len(pairs):
            raise ValueError("a name stands twice in the header")
        return dict(pairs)

    json.loads(content[8 : 8 + length], object_pairs_hook=unique)
