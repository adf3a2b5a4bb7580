from __future__ import annotations

import errno
import hashlib
import json
import os
import struct
from contextlib import suppress
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tf_dlth import files
from tf_dlth.errors import UserError

TENSORS = {
    "stem/kernel": np.arange(24, dtype=np.float32).reshape(2, 3, 4),
    "head/scale": np.float32(0.5).reshape(()),
    "mask": np.array([0, 1, 1], np.uint8),
    "nothing": np.zeros((0, 3), np.float64),
}


@pytest.fixture
def tensor_file(tmp_path: Path) -> Path:
    files.write_tensors(tmp_path / "weights.safetensors", TENSORS)
    return tmp_path / "weights.safetensors"


def test_written_bytes_come_back_with_their_digest(tmp_path: Path):
    path = tmp_path / "made" / "on the way" / "file"
    digest = files.write_bytes(path, b"content")
    assert digest == hashlib.sha256(b"content").hexdigest() == files.sha256(path)
    assert files.read_bytes(path, digest) == b"content"
    assert [p.name for p in path.parent.iterdir()] == ["file"]


@pytest.mark.parametrize("call", ["fsync", "replace", "open"])
@pytest.mark.parametrize("code", [errno.ENOSPC, errno.EACCES, errno.EIO])
def test_r06_a_refusing_disk_leaves_the_old_file_and_no_other(tmp_path: Path, monkeypatch, call: str, code: int):
    path = tmp_path / "file"
    files.write_bytes(path, b"old")

    def refuse(*arguments: object, **named: object) -> None:
        raise OSError(code, os.strerror(code))

    if call == "open":
        monkeypatch.setattr(Path, "open", refuse)
    else:
        monkeypatch.setattr(files.os, call, refuse)
    with pytest.raises(UserError, match=f"cannot write {path}: {os.strerror(code)}; free some space"):
        files.write_bytes(path, b"new and longer")
    monkeypatch.undo()
    assert path.read_bytes() == b"old"
    assert [p.name for p in tmp_path.iterdir()] == ["file"]


def test_r06_an_unwritable_place(tmp_path: Path):
    (tmp_path / "file").write_text("")
    with pytest.raises(UserError, match="cannot write"):
        files.write_bytes(tmp_path / "file" / "below", b"")


def test_r06_the_file_then_its_name_are_flushed(tmp_path: Path, monkeypatch):
    """The content before the rename, the folder after it: in this order nothing can be half there after a power cut."""
    calls: list[tuple[str, str]] = []
    fsync, replace = os.fsync, os.replace

    def record_fsync(descriptor: int) -> None:
        calls.append(("fsync", Path(os.readlink(f"/proc/self/fd/{descriptor}")).name))
        fsync(descriptor)

    def record_replace(source: Path, target: Path) -> None:
        calls.append(("replace", Path(target).name))
        replace(source, target)

    monkeypatch.setattr(files.os, "fsync", record_fsync)
    monkeypatch.setattr(files.os, "replace", record_replace)
    files.write_bytes(tmp_path / "file", b"content")
    temporary = f"{files.TEMPORARY}{os.getpid()}-file"
    assert calls == [("fsync", temporary), ("replace", "file"), ("fsync", tmp_path.name)]


def test_json(tmp_path: Path):
    path = tmp_path / "tree.json"
    tree = {"a": [1, 0.1, None, "ä"], "b": {"c": True}}
    files.write_json(path, tree)
    assert files.read_json(path) == tree
    with pytest.raises(ValueError, match="JSON"):
        files.write_json(path, {"loss": float("nan")})
    assert files.read_json(path) == tree


@pytest.mark.parametrize(
    "content", [b"", b"{", b"[]", b"1", b"\xff\xfe", b'{"a": ' + b"9" * 5000 + b"}", b'{"a":' * 100_000, b"{} {}"]
)
def test_what_is_no_json_object(tmp_path: Path, content: bytes):
    (tmp_path / "tree.json").write_bytes(content)
    with pytest.raises(UserError, match=r"tree\.json is damaged"):
        files.read_json(tmp_path / "tree.json")


def test_missing_and_unreadable_files(tmp_path: Path):
    with pytest.raises(UserError, match="missing does not exist"):
        files.read_bytes(tmp_path / "missing")
    with pytest.raises(UserError, match="is no ordinary file; put the file itself there"):
        files.read_bytes(tmp_path)


def test_tensors_keep_their_shapes_and_types(tensor_file: Path):
    found = files.read_tensors(tensor_file)
    assert found.keys() == TENSORS.keys()
    for name, tensor in TENSORS.items():
        assert found[name].shape == tensor.shape
        assert found[name].dtype == tensor.dtype
        assert np.array_equal(found[name], tensor)


def test_equal_tensors_give_equal_bytes(tmp_path: Path):
    fortran = {name: np.asfortranarray(t) if t.ndim else t for name, t in reversed(TENSORS.items())}
    assert files.write_tensors(tmp_path / "a", TENSORS) == files.write_tensors(tmp_path / "b", fortran)
    strided = {"x": np.arange(10, dtype=np.float32)[::2]}
    files.write_tensors(tmp_path / "c", strided)
    assert files.read_tensors(tmp_path / "c")["x"].tolist() == [0, 2, 4, 6, 8]


@pytest.mark.parametrize("length", [0, 1, 7, 8, 9, 0.5, -1])
def test_truncated_tensors(tensor_file: Path, length: float):
    content = tensor_file.read_bytes()
    cut = int(len(content) * length) if length == 0.5 else int(length)
    tensor_file.write_bytes(content[:cut])
    with pytest.raises(UserError, match=r"weights\.safetensors is damaged: not a valid safetensors file"):
        files.read_tensors(tensor_file)


def test_flipped_bits_give_the_digest_or_nothing_but_a_user_error(tensor_file: Path):
    content, digest = tensor_file.read_bytes(), files.sha256(tensor_file)
    random = np.random.RandomState(0)
    for position in random.randint(0, len(content), 200):
        flipped = bytearray(content)
        flipped[position] ^= 1 << random.randint(8)
        tensor_file.write_bytes(flipped)
        with pytest.raises(UserError, match=f"expected SHA-256 {digest}, found"):
            files.read_tensors(tensor_file, digest)
        with suppress(UserError):
            files.read_tensors(tensor_file)


@given(content=st.binary(max_size=200))
@settings(max_examples=200, deadline=None)
def test_any_bytes(tmp_path_factory: pytest.TempPathFactory, content: bytes):
    path = tmp_path_factory.getbasetemp() / "any.safetensors"
    for prefix in (b"", struct.pack("<Q", len(content)), struct.pack("<Q", 2**63)):
        path.write_bytes(prefix + content)
        with suppress(UserError):
            files.read_tensors(path)


def write_raw(path: Path, header: str, data: bytes = b"") -> None:
    path.write_bytes(struct.pack("<Q", len(header)) + header.encode() + data)


ONE = '"x":{"dtype":"F32","shape":[1],"data_offsets":[0,4]}'


@pytest.mark.parametrize(
    ("header", "data"),
    [
        (f"{{{ONE},{ONE}}}", bytes(4)),
        ('{"x":{"dtype":"F32","shape":[1],"shape":[1],"data_offsets":[0,4]}}', bytes(4)),
        (f'{{{ONE},"y":{{"dtype":"F32","shape":[1],"data_offsets":[0,4]}}}}', bytes(4)),
        (f"{{{ONE}}}", bytes(8)),
        (f"{{{ONE}}}", bytes(2)),
        ('{"x":{"dtype":"F32","shape":[9999999999],"data_offsets":[0,4]}}', bytes(4)),
        ('{"x":{"dtype":"Q7","shape":[1],"data_offsets":[0,4]}}', bytes(4)),
        ("[]", b""),
        ("{" * 1000, b""),
        ('{"x":' * 50_000, b""),
    ],
    ids=[
        "a name twice", "a key twice", "overlapping", "surplus data", "missing data", "a shape bomb", "no such type",
        "a list", "open braces", "deep",
    ],
)  # fmt: skip
def test_hostile_headers(tmp_path: Path, header: str, data: bytes):
    write_raw(tmp_path / "x.safetensors", header, data)
    with pytest.raises(UserError, match=r"x\.safetensors is damaged"):
        files.read_tensors(tmp_path / "x.safetensors")


@pytest.mark.parametrize("value", [np.nan, np.inf, -np.inf])
@pytest.mark.parametrize("dtype", [np.float16, np.float32, np.float64])
def test_values_that_are_no_numbers(tmp_path: Path, value: float, dtype: type):
    files.write_tensors(tmp_path / "x", {"fine": np.ones(2, dtype), "broken": np.array([1, value], dtype)})
    with pytest.raises(UserError, match="tensor broken holds NaN or infinity"):
        files.read_tensors(tmp_path / "x")


def fill(folder: Path, content: str) -> Path:
    (folder / "sub").mkdir(parents=True)
    (folder / "sub" / "file").write_text(content)
    return folder


def test_a_folder_takes_anothers_place(tmp_path: Path):
    for content in ("first", "second"):
        files.replace_folder(fill(tmp_path / ".partial-x", content), tmp_path / "final")
        assert (tmp_path / "final" / "sub" / "file").read_text() == content
    assert [p.name for p in tmp_path.iterdir()] == ["final"]


def test_digests_and_size(tmp_path: Path):
    fill(tmp_path / "a", "content")
    assert files.digests(tmp_path) == {"a/sub/file": hashlib.sha256(b"content").hexdigest()}
    assert files.size(tmp_path) == len("content")


def test_r06_sweeping(tmp_path: Path):
    fill(tmp_path / ".partial-7-iteration_00", "x")
    (tmp_path / ".partial-7-run.json").write_text("{")
    (tmp_path / "run.json").write_text(json.dumps({}))
    files.sweep(tmp_path)
    files.sweep(tmp_path / "missing")
    assert [p.name for p in tmp_path.iterdir()] == ["run.json"]


def test_the_line_for_a_full_disk():
    error = files.cannot_write(Path("a/b"), OSError(errno.ENOSPC, "No space left on device"))
    assert str(error).startswith("cannot write a/b: No space left on device;")


# Folders that are written whole or not at all


def test_a_folder_stands_when_it_is_whole(tmp_path: Path) -> None:
    final = tmp_path / "new" / "out"
    with files.writing(final) as folder:
        (folder / "file").write_text("content")
        assert not final.exists()
    assert (final / "file").read_text() == "content"
    assert [p.name for p in final.parent.iterdir()] == ["out"]


def test_nothing_is_left_of_a_folder_that_failed(tmp_path: Path) -> None:
    with suppress(ZeroDivisionError), files.writing(tmp_path / "out") as folder:
        (folder / "file").write_text("half")
        _ = 1 / 0
    assert not list(tmp_path.iterdir())


def test_a_folder_that_cannot_be_written(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    with pytest.raises(UserError, match=r"^cannot write .*out: "), files.writing(tmp_path / "file" / "out"):
        pass


def test_what_is_there_is_not_free(tmp_path: Path) -> None:
    (tmp_path / "empty").mkdir()
    (tmp_path / "link").symlink_to(tmp_path / "empty")
    for name in ("empty", "new"):
        files.require_free(tmp_path / name, "--out")
    for name, what in ((".", "is not empty"), ("link", "is no folder")):
        with pytest.raises(UserError, match=rf"^--out .*: {what}; name a new"):
            files.require_free(tmp_path / name, "--out")
