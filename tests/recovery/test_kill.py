"""A process that dies at any moment costs no bit of the result.

One run is watched: before every change that it makes to the disk its folder is copied, as a process killed right there
would leave it. Each copy is then taken up. Real processes and real signals are in ``test_signals.py``.
"""

from __future__ import annotations

import functools
import os
import random
import shutil
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest

from tf_dlth import files
from tf_dlth.config import Config
from tf_dlth.experiment import run
from tf_dlth.lottery import imp
from tf_dlth.preparation import Prepared
from tf_dlth.reporting.tensorboard import TensorBoard
from tf_dlth.runs.folder import RunFolder, clear
from tf_dlth.tickets import saved_model as saved_models

MOMENTS = 8
Result = Callable[[Path], dict[str, Any]]


@dataclass
class Watch:
    """Copies ``folder`` to ``copies/N`` before each change; ``labels`` says what was about to happen."""

    folder: Path
    copies: Path
    labels: list[str] = field(default_factory=list)
    copying: bool = False

    def snapshot(self, label: str, torn: Path | None = None) -> None:
        """``torn`` is a file whose end had not reached the disk."""
        if self.copying or not self.folder.exists():
            return
        self.copying = True
        copy = self.copies / f"{len(self.labels):04d}" / self.folder.name
        shutil.copytree(self.folder, copy)
        if torn is not None and torn.is_relative_to(self.folder) and torn.is_file():
            file = copy / torn.relative_to(self.folder)
            os.truncate(file, random.Random(len(self.labels)).randrange(max(1, file.stat().st_size)))
        self.labels.append(label)
        self.copying = False

    def before(self, owner: Any, name: str, monkeypatch: pytest.MonkeyPatch) -> None:
        original = getattr(owner, name)

        @functools.wraps(original)
        def watched(*args: Any, **kwargs: Any) -> Any:
            self.snapshot(f"{name} {self._what(args)}")
            return original(*args, **kwargs)

        monkeypatch.setattr(owner, name, watched)

    def before_fsync(self, monkeypatch: pytest.MonkeyPatch) -> None:
        original = os.fsync

        def watched(descriptor: int) -> None:
            path = Path(os.readlink(f"/proc/self/fd/{descriptor}"))
            # Of metrics.jsonl, what an earlier call has flushed cannot be torn any more.
            self.snapshot(f"fsync {self._what((path,))}", None if path.name == "metrics.jsonl" else path)
            original(descriptor)

        monkeypatch.setattr(os, "fsync", watched)

    def _what(self, args: tuple[Any, ...]) -> str:
        paths = [Path(arg) for arg in args if isinstance(arg, str | Path)]
        return " ".join(str(p.relative_to(self.folder)) for p in paths if p.is_relative_to(self.folder))


@dataclass
class Watched:
    config: Callable[[Path], Config]
    result: dict[str, Any]
    scalars: dict[tuple[str, int], int]
    copies: Path
    labels: list[str]


@pytest.fixture(scope="module")
def watched(
    tiny: Callable[..., Config],
    own_networks: str,
    result: Result,
    scalars: Callable[[Path], dict],
    tmp_path_factory: pytest.TempPathFactory,
) -> Watched:
    """The uninterrupted run, and a copy of its folder for every moment."""

    def config(directory: Path) -> Config:
        own = (f"model.architecture={own_networks}:convolutional", "output.savedmodel=winner")
        return tiny(directory, *own, "output.checkpoint_seconds=0")

    root = tmp_path_factory.mktemp("watched")
    watch = Watch(root / "runs" / "tiny", root / "copies")
    with pytest.MonkeyPatch.context() as monkeypatch:
        for owner, names in {
            os: ("replace", "truncate"),
            shutil: ("rmtree",),
            Path: ("unlink", "mkdir"),
            saved_models: ("write",),
            imp: ("prune", "rewind"),
        }.items():
            for name in names:
                watch.before(owner, name, monkeypatch)
        watch.before_fsync(monkeypatch)
        path = run(config(root / "runs"), observers=[TensorBoard()]).path
    return Watched(config, result(path), scalars(path), root / "copies", watch.labels)


def numbers_of(labels: list[str], *words: str) -> list[int]:
    """The moments whose label has all the words."""
    return [i for i, label in enumerate(labels) if all(word in label for word in words)]


def take_up(watched: Watched, number: int, directory: Path) -> Path:
    copy = watched.copies / f"{number:04d}" / "tiny"
    shutil.copytree(copy, directory / "tiny")
    return run(watched.config(directory)).path


@pytest.mark.parametrize("draw", range(MOMENTS))
def test_r01_taken_up_at_a_drawn_moment(watched: Watched, result: Result, draw: int, tmp_path: Path) -> None:
    width = len(watched.labels) / MOMENTS  # one of each stretch of the run, so that none is left out
    number = int(width * (draw + random.Random(f"moment {draw}").random()))
    assert result(take_up(watched, number, tmp_path)) == watched.result, watched.labels[number]


@pytest.mark.parametrize(
    ("words", "which"),
    [
        (("fsync", "config.yaml"), 0),
        (("replace", "run.json"), 0),  # config.yaml is there, run.json is not
        (("fsync", "metrics.jsonl"), 4),
        (("replace", "checkpoints", "000003.json"), 0),  # its tensors are there
        (("replace", "iteration_01"), -1),
        (("fsync", "iterations.csv"), 1),  # the ticket is in place, nothing says so yet
        (("prune",), 1),
        (("write", "saved_model"), 0),
        (("replace", "saved_model"), 0),
        (("replace", "ticket.json"), -1),  # the SavedModel is there, unsigned
        (("rmtree", "checkpoints"), -1),  # finished but for the checkpoints
    ],
)
def test_r01_taken_up_between_two_steps(
    watched: Watched, result: Result, words: tuple[str, ...], which: int, tmp_path: Path
) -> None:
    number = numbers_of(watched.labels, *words)[which]
    assert result(take_up(watched, number, tmp_path)) == watched.result, watched.labels[number]


@pytest.mark.slow
def test_r01_taken_up_at_every_moment(watched: Watched, result: Result, tmp_path: Path) -> None:
    wrong = [
        watched.labels[number]
        for number in range(len(watched.labels))
        if result(take_up(watched, number, tmp_path / str(number))) != watched.result
    ]
    assert wrong == []


def test_r01_no_tensorboard_step_stands_twice(
    watched: Watched, scalars: Callable[[Path], dict], tmp_path: Path
) -> None:
    number = numbers_of(watched.labels, "fsync", "iterations.csv")[1]
    shutil.copytree(watched.copies / f"{number:04d}" / "tiny", tmp_path / "tiny")
    path = run(watched.config(tmp_path), observers=[TensorBoard()]).path
    assert set(watched.scalars.values()) == {1}
    assert scalars(path) == watched.scalars


@pytest.mark.parametrize("damage", ["cut", "flipped"])
@pytest.mark.parametrize("suffix", ["json", "safetensors"])
def test_r05_a_torn_newest_checkpoint_falls_back(
    watched: Watched, result: Result, damage: str, suffix: str, tmp_path: Path
) -> None:
    path = self_made(watched, tmp_path)
    damage_file(max((path / "checkpoints").glob(f"*.{suffix}")), damage)
    heard = Warnings()
    run(watched.config(tmp_path), observers=[heard])
    assert len(heard.messages) == 1
    assert "is damaged" in heard.messages[0] and "going on from the checkpoint before" in heard.messages[0]
    assert result(path) == watched.result


def test_r05_after_a_fall_back_the_whole_checkpoint_is_not_pushed_out(
    watched: Watched, result: Result, tmp_path: Path
) -> None:
    """Torn, taken up, and torn again at the first checkpoint after that."""
    path = self_made(watched, tmp_path)
    damage_file(max((path / "checkpoints").glob("*.json")), "cut")
    folder = RunFolder(path, "train", Prepared(watched.config(tmp_path)).facts())
    checkpoint = folder._checkpoints.latest()
    assert checkpoint is not None
    folder._checkpoints.save(checkpoint)
    damage_file(max((path / "checkpoints").glob("*.json")), "cut")
    assert result(run(watched.config(tmp_path)).path) == watched.result


def self_made(watched: Watched, directory: Path) -> Path:
    """A run in its second iteration, with two checkpoints."""
    number = numbers_of(watched.labels, "fsync", "iterations.csv")[1]
    return Path(shutil.copytree(watched.copies / f"{number:04d}" / "tiny", directory / "tiny"))


def damage_file(path: Path, damage: str) -> None:
    content = bytearray(path.read_bytes())
    if damage == "cut":
        del content[len(content) // 2 :]
    else:
        content[len(content) // 2] ^= 1
    path.write_bytes(content)


class Warnings(TensorBoard):
    """Notes what a run warns of."""

    def __init__(self) -> None:
        super().__init__()
        self.messages: list[str] = []

    def warning(self, message: str) -> None:
        self.messages.append(message)


def test_r01_overwriting_that_was_broken_off(
    watched: Watched, result: Result, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Half removed, it is an unfinished run to the same command, with --overwrite or without."""
    path = run(watched.config(tmp_path)).path
    facts = Prepared(watched.config(tmp_path)).facts()
    watch = Watch(path, tmp_path / "copies")
    watch.before(Path, "unlink", monkeypatch)
    watch.before(shutil, "rmtree", monkeypatch)
    clear(path)
    monkeypatch.undo()
    assert len(watch.labels) > 5
    for number in range(1, len(watch.labels)):
        copy = tmp_path / "copies" / f"{number:04d}" / "tiny"
        assert not RunFolder(copy, "train", facts).finished, watch.labels[number]
    middle = tmp_path / "copies" / f"{len(watch.labels) // 2:04d}"
    assert result(run(watched.config(middle)).path) == watched.result
    last = tmp_path / "copies" / f"{len(watch.labels) - 1:04d}"
    assert result(run(watched.config(last), overwrite=True).path) == watched.result


def test_nothing_temporary_stays(watched: Watched) -> None:
    assert not [name for name in watched.result if files.TEMPORARY in name or name.startswith((".", "checkpoints"))]
