from __future__ import annotations

import errno
import fcntl
import os
from pathlib import Path

import pytest

from tf_dlth.errors import UserError
from tf_dlth.runs.lock import LOCK, is_locked, locked


def test_it_is_held_inside_and_names_the_process(tmp_path: Path):
    with locked(tmp_path / "runs" / "a"):
        lock = tmp_path / "runs" / "a" / LOCK
        assert lock.read_text() == f"process {os.getpid()}"
        with lock.open() as other, pytest.raises(BlockingIOError):
            fcntl.flock(other, fcntl.LOCK_EX | fcntl.LOCK_NB)


def test_r07_a_second_one_is_told_who_has_it_and_takes_nothing_away(tmp_path: Path):
    with locked(tmp_path):
        for _ in range(2):
            with pytest.raises(UserError, match=f"in use by process {os.getpid()}; wait"), locked(tmp_path):
                raise AssertionError("two processes at once")
    with locked(tmp_path):
        pass


def test_nothing_is_left_of_a_job_that_wrote_nothing(tmp_path: Path):
    with locked(tmp_path / "a"):
        pass
    assert not (tmp_path / "a").exists()


def test_what_was_written_stays_without_the_lock_whatever_happened(tmp_path: Path):
    def write_and_fail() -> None:
        with locked(tmp_path / "a"):
            (tmp_path / "a" / "run.json").write_text("{}")
            raise RuntimeError

    with pytest.raises(RuntimeError):
        write_and_fail()
    assert [path.name for path in (tmp_path / "a").iterdir()] == ["run.json"]


def test_r07_the_lock_of_a_dead_process_is_taken_over(tmp_path: Path):
    (tmp_path / LOCK).write_text("process 1, with a longer text than ours")
    with locked(tmp_path):
        assert (tmp_path / LOCK).read_text() == f"process {os.getpid()}"


def test_a_lock_that_its_holder_removed_meanwhile_locks_nothing(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    """Opened before the holder's end and locked after it, the file would have no name that anyone else could find."""
    real, calls = fcntl.flock, []

    def flock(file: object, operation: int) -> None:
        if not calls:
            (tmp_path / LOCK).unlink()
        calls.append(operation)
        real(file, operation)  # pyright: ignore[reportArgumentType]

    monkeypatch.setattr(fcntl, "flock", flock)
    with locked(tmp_path):
        assert len(calls) == 2
        with pytest.raises(UserError, match="in use"), locked(tmp_path):
            raise AssertionError("two processes at once")


def test_what_a_link_leads_to_is_left_alone(tmp_path: Path):
    (tmp_path / "outside").write_text("somebody's")
    (tmp_path / "run").mkdir()
    (tmp_path / "run" / LOCK).symlink_to(tmp_path / "outside")
    with pytest.raises(UserError, match=r"cannot write .*\.lock"), locked(tmp_path / "run"):
        raise AssertionError("it is not refused")
    assert (tmp_path / "outside").read_text() == "somebody's"


@pytest.fixture
def without_locks(monkeypatch: pytest.MonkeyPatch) -> None:
    """A file system that knows none."""

    def refuse(file: object, operation: int) -> None:
        raise OSError(errno.ENOLCK, os.strerror(errno.ENOLCK))

    monkeypatch.setattr(fcntl, "flock", refuse)


@pytest.mark.usefixtures("without_locks")
def test_r07_without_locks_the_file_counts_while_its_process_lives(tmp_path: Path):
    (tmp_path / LOCK).write_text("process 1")
    with pytest.raises(UserError, match="in use by process 1; wait"), locked(tmp_path):
        raise AssertionError("two processes at once")
    (tmp_path / LOCK).write_text("process 999999999")
    with locked(tmp_path):
        assert (tmp_path / LOCK).read_text() == f"process {os.getpid()}"
    assert not (tmp_path / LOCK).exists()


def test_a_place_where_no_folder_can_be(tmp_path: Path):
    (tmp_path / "file").write_text("")
    with pytest.raises(UserError, match=r"cannot write .*file/run"), locked(tmp_path / "file" / "run"):
        raise AssertionError("there is no folder")


def test_a_look_at_a_lock_leaves_nothing(tmp_path: Path) -> None:
    folder = tmp_path / "run"
    assert not is_locked(folder) and not folder.exists()
    with locked(folder):
        assert is_locked(folder)
        (folder / "kept").touch()
    assert not is_locked(folder)
