from __future__ import annotations

import io
import os
import tracemalloc
import warnings
import zipfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from tf_dlth.data.sources import arrayfiles
from tf_dlth.data.sources.arrayfiles import map_npy, read_npz
from tf_dlth.errors import UserError

Save = Callable[..., None]


def arrays() -> dict[str, Any]:
    random = np.random.RandomState(0)
    return {"x": random.randint(0, 4, (20, 6, 7, 3), np.uint8), "y": np.arange(20) % 3, "names": np.array(["a", "bc"])}


def read(path: Path) -> dict[str, np.ndarray] | str:
    """The arrays, or the one line that refuses them."""
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        try:
            return read_npz(path, ("x", "y"), ("names", "more"))
        except UserError as error:
            return str(error)


def member(path: Path, header: bytes, content: bytes = b"", compression: int = zipfile.ZIP_DEFLATED) -> Path:
    """A file whose ``x.npy`` has a header of these bytes."""
    head = b"\x93NUMPY\x01\x00" + len(header).to_bytes(2, "little") + header
    with zipfile.ZipFile(path, "w", compression) as archive:
        archive.writestr("x.npy", head + content)
        archive.writestr("y.npy", head + content)
    return path


@pytest.mark.parametrize("save", [np.savez, np.savez_compressed])
@pytest.mark.parametrize("chunk", [100, arrayfiles.CHUNK])
def test_arrays_are_those_that_numpy_reads(
    tmp_path: Path, save: Save, chunk: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(arrayfiles, "CHUNK", chunk)
    changed = arrays() | {"x": np.asfortranarray(arrays()["x"]), "y": np.empty(0, ">i8"), "names": np.array(5.5)}
    for number, content in enumerate((arrays(), changed)):
        save(tmp_path / f"{number}.npz", **content)
        found = read_npz(tmp_path / f"{number}.npz", ("x", "y"), ("names", "more"))
        with np.load(tmp_path / f"{number}.npz") as expected:
            assert list(found) == expected.files
            for name in expected.files:
                assert found[name].dtype == expected[name].dtype
                np.testing.assert_array_equal(found[name], expected[name])


def test_arrays_that_are_not_asked_for_are_left_alone(tmp_path: Path) -> None:
    np.savez(tmp_path / "a.npz", x=np.arange(3), y=np.arange(2), z=np.array([object()]), allow_pickle=True)
    assert set(read_npz(tmp_path / "a.npz", ("x", "y"))) == {"x", "y"}


@pytest.mark.parametrize("save", [np.savez, np.savez_compressed])
def test_every_truncation_is_one_line(tmp_path: Path, save: Save) -> None:
    path = tmp_path / "a.npz"
    save(path, **arrays())
    whole = path.read_bytes()
    for length in range(0, len(whole), max(1, len(whole) // 200)):
        path.write_bytes(whole[:length])
        line = read(path)
        assert isinstance(line, str) and line.startswith(f"{path} ") and line.isprintable()


@pytest.mark.parametrize("save", [np.savez, np.savez_compressed])
def test_flipped_bits_are_one_line_or_without_effect(tmp_path: Path, save: Save) -> None:
    path = tmp_path / "a.npz"
    save(path, **arrays())
    whole, random, refused = path.read_bytes(), np.random.RandomState(1), 0
    for _ in range(400):
        damaged = bytearray(whole)
        damaged[random.randint(len(whole))] ^= 1 << random.randint(8)
        path.write_bytes(damaged)
        found = read(path)
        if isinstance(found, str):
            refused += 1
            assert found.startswith(f"{path} ") and found.isprintable() and len(found) < 600
        else:
            assert all((found[name] == arrays()[name]).all() for name in found)
            assert {"x", "y"} <= set(found)
    assert refused > 200


SHAPES = [
    "(9999999999999, 9999999)",
    "(1099511627776,)",
    "(9223372036854775808,)",
    "(-1, -8)",
    "(-8,)",
    "(7,)",
    "(9,)",
    "(True, 9)",
    "8",
    "('a',)",
    "(1e9,)",
    "(" * 90,
    "(1," * 60 + ")" * 60,
]


@pytest.mark.parametrize("shape", SHAPES)
def test_absurd_shapes_are_one_line_and_take_no_memory(tmp_path: Path, shape: str) -> None:
    header = f"{{'descr': '|u1', 'fortran_order': False, 'shape': {shape}, }}\n".encode()
    path = member(tmp_path / "a.npz", header, bytes(8))
    (tmp_path / "a.npy").write_bytes(zipfile.ZipFile(path).read("x.npy"))
    tracemalloc.start()
    line = read(path)
    with pytest.raises(UserError, match=r"a.npy cannot be read as a .npy file: ") as raised:
        map_npy(tmp_path / "a.npy", "a file")
    assert tracemalloc.get_traced_memory()[1] < 2**25
    tracemalloc.stop()
    assert isinstance(line, str)
    assert line.startswith(f"{path} cannot be read as a .npz file of plain arrays: ")
    assert line.isprintable() and str(raised.value).isprintable()


@pytest.mark.parametrize(
    "header",
    [
        b"",
        b"\n",
        b"\xff\xfe\x00",
        b"{'descr': '|u1'",
        b"{'descr': '|O', 'fortran_order': False, 'shape': (1,)}",
        b"1",
        b"[",
    ],
)
def test_headers_of_another_form_are_one_line(tmp_path: Path, header: bytes) -> None:
    assert "cannot be read as a .npz file" in str(read(member(tmp_path / "a.npz", header, bytes(8))))


def test_python_objects_are_refused_unread(tmp_path: Path) -> None:
    np.savez(tmp_path / "a.npz", x=np.array([object()]), y=np.arange(3), allow_pickle=True)
    assert str(read(tmp_path / "a.npz")).endswith("plain arrays: an array of Python objects")


def test_a_bomb_is_refused_before_memory_is_taken(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    np.savez_compressed(tmp_path / "a.npz", x=np.zeros(2**24, np.uint8), y=np.arange(3))
    sizes = {"SC_PHYS_PAGES": 2**10, "SC_PAGE_SIZE": 2**12}
    monkeypatch.setattr(os, "sysconf", sizes.__getitem__)
    tracemalloc.start()
    line = read(tmp_path / "a.npz")
    assert tracemalloc.get_traced_memory()[1] < 2**20
    tracemalloc.stop()
    assert str(line).endswith(
        "holds arrays of 0.0 GiB, and the machine has 0.0 GiB of memory; use fewer or smaller images"
    )


def test_a_size_that_no_compression_reaches_is_refused(tmp_path: Path) -> None:
    header = b"{'descr': '|u1', 'fortran_order': False, 'shape': (1099511627776,)}\n"
    whole = bytearray(member(tmp_path / "a.npz", header, bytes(8)).read_bytes())
    place = whole.index(b"PK\x01\x02") + 24
    whole[place : place + 4] = (2**32 - 2).to_bytes(4, "little")
    (tmp_path / "a.npz").write_bytes(whole)
    assert str(read(tmp_path / "a.npz")).endswith("x.npy declares 4,294,967,294 bytes, which it cannot hold")


def test_encrypted_members_and_unknown_compressions_are_one_line(tmp_path: Path) -> None:
    np.savez(tmp_path / "a.npz", **arrays())
    whole = (tmp_path / "a.npz").read_bytes()
    for offset, value in ((8, 1), (10, 99)):
        damaged = bytearray(whole)
        damaged[whole.index(b"PK\x01\x02") + offset] = value
        (tmp_path / "a.npz").write_bytes(damaged)
        assert "cannot be read as a .npz file" in str(read(tmp_path / "a.npz"))


@pytest.mark.parametrize("make", [Path.mkdir, os.mkfifo])
def test_what_is_no_file_is_one_line(tmp_path: Path, make: Callable[[Path], None]) -> None:
    path = tmp_path / "a.npz"
    make(path)
    assert read(path) == f"{path} is no file; it must be a .npz file with x, y"
    with pytest.raises(UserError, match=r"a.npz is no file; bring a sheet"):
        map_npy(path, "bring a sheet")


def test_a_missing_array_and_a_missing_file(tmp_path: Path) -> None:
    assert read(tmp_path / "b.npz") == f"{tmp_path}/b.npz does not exist; it must be a .npz file with x, y"
    odd: dict[str, Any] = {"x": np.arange(3), "\x1b[31m": np.arange(3)}
    np.savez(tmp_path / "a.npz", **odd)
    assert str(read(tmp_path / "a.npz")).endswith(r"has no array y; it needs x, y and has x, \x1b[31m")


def test_a_mapped_file(tmp_path: Path) -> None:
    path = tmp_path / "a.npy"
    np.save(path, arrays()["x"])
    mapped = map_npy(path, "a file")
    assert isinstance(mapped, np.memmap)
    assert (mapped == arrays()["x"]).all()


def test_a_damaged_mapped_file_is_one_line(tmp_path: Path) -> None:
    buffer, path, random = io.BytesIO(), tmp_path / "a.npy", np.random.RandomState(0)
    np.save(buffer, np.arange(16, dtype=np.int32))
    whole = buffer.getvalue()
    lines = []
    for damaged in [
        *(whole[:length] for length in range(0, len(whole), 3)),
        whole + b"x",
        b"PK\x03\x04",
        b"\x80\x04N.",
    ]:
        path.write_bytes(damaged)
        with pytest.raises(UserError) as raised:
            map_npy(path, "a file")
        lines.append(str(raised.value))
    for _ in range(200):
        flipped = bytearray(whole)
        flipped[random.randint(128)] ^= 1 << random.randint(8)
        path.write_bytes(flipped)
        try:
            assert map_npy(path, "a file").nbytes == 64
        except UserError as error:
            lines.append(str(error))
    assert all(line.startswith(f"{path} cannot be read as a .npy file: ") and line.isprintable() for line in lines)
    assert len(lines) > 100
