"""Any file of a run's folder, damaged in any way, gives one line that names it, or does no harm: never another number.

A sample by default; ``-m slow`` tries every file with every damage, and TF_DLTH_FLIPS bits of each (200 by default).
"""

from __future__ import annotations

import itertools
import json
import os
import random
import shutil
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from tf_dlth import evaluate
from tf_dlth.config import Config
from tf_dlth.errors import UserError
from tf_dlth.experiment import run
from tf_dlth.lottery.store import verify_run
from tf_dlth.reporting.figures.run import PICTURES
from tf_dlth.reporting.observer import RunObserver

SAMPLE = 12
FLIPS = int(os.environ.get("TF_DLTH_FLIPS", "200"))
KEPT_APART = ("tensorboard/", *PICTURES)
"""Drawings, which no number is read from."""
Result = Callable[[Path], dict[str, Any]]
Damage = Callable[[Path, Path], Any]


def cut(share: float, less: int = 0) -> Damage:
    return lambda path, other: os.truncate(path, max(0, int(path.stat().st_size * share) - less))


def flip(number: int) -> Damage:
    """One bit, at a place that the number draws."""

    def flipped(path: Path, other: Path) -> None:
        content = bytearray(path.read_bytes())
        place = random.Random(f"{path.name} {number}").randrange(8 * len(content))
        content[place // 8] ^= 1 << place % 8
        path.write_bytes(content)

    return flipped


def swap(path: Path, other: Path) -> None:
    shutil.copy(other, path) if other.exists() else path.unlink()


DAMAGES: dict[str, Damage] = {
    "emptied": cut(0),
    "cut to a byte": lambda path, other: os.truncate(path, 1),
    "cut in half": cut(0.5),
    "cut by a byte": cut(1, less=1),
    "removed": lambda path, other: path.unlink(),
    "another run's": swap,
    "a flipped bit": flip(0),
}


@dataclass(frozen=True)
class Runs:
    """Finished and broken-off folders of one run and of another; ``config`` is asked for by folder."""

    config: Callable[[Path], Config]
    finished: Path
    stopped: Path
    others: dict[Path, Path]
    expected: dict[str, Any]


class Stops(RunObserver):
    def iteration_ended(self, row: Any, ticket: Any) -> None:
        if row.iteration == 1:
            raise KeyboardInterrupt


@pytest.fixture(scope="module")
def runs(
    tiny: Callable[..., Config], own_networks: str, result: Result, tmp_path_factory: pytest.TempPathFactory
) -> Runs:
    root = tmp_path_factory.mktemp("whole")

    def config(folder: Path, *more: str) -> Config:
        own = (f"model.architecture={own_networks}:convolutional", "output.checkpoint_seconds=0")
        return tiny(folder, *own, *more)

    made: dict[str, tuple[Path, Path]] = {}
    for seed in ("1", "2"):
        with pytest.raises(KeyboardInterrupt):
            run(config(root / "stopped" / seed, f"seed={seed}"), observers=[Stops()])
        finished = run(config(root / "finished" / seed, f"seed={seed}")).path
        made[seed] = (finished, root / "stopped" / seed / "tiny")
    (finished, stopped), others = made["1"], made["2"]
    return Runs(
        lambda folder: config(folder, "seed=1"), finished, stopped,
        dict(zip((finished, stopped), others, strict=True)), result(finished),
    )  # fmt: skip


def files_of(run: Path) -> list[str]:
    names = sorted(path.relative_to(run).as_posix() for path in run.rglob("*") if path.is_file())
    return [name for name in names if not name.startswith(KEPT_APART)]


def cases(run: Path, seed: str, sample: int) -> Iterator[tuple[str, str]]:
    """Each damage about as often, and as many files as there can be."""
    draws = random.Random(seed)
    names = [name for _ in range(sample) for name in draws.sample(files_of(run), len(files_of(run)))]
    yield from itertools.islice(zip(names, itertools.cycle(DAMAGES)), sample)


def all_cases(run: Path) -> Iterator[tuple[str, str]]:
    yield from itertools.product(files_of(run), DAMAGES)


def damage(runs: Runs, source: Path, folder: Path, name: str, how: Damage) -> Path:
    """A copy of the run with one file damaged."""
    copy = Path(shutil.copytree(source, folder / "tiny"))
    how(copy / name, runs.others[source] / name)
    return copy


def measured(path: Path, json_file: Path, capfd: pytest.CaptureFixture[str]) -> list[dict[str, Any]] | str:
    """The record of ``evaluate``, or its one line."""
    code = evaluate.main([str(path), "--trust", "--json", str(json_file)])
    error = capfd.readouterr().err
    if code == 0:
        return json.loads(json_file.read_text())
    assert (code, error.count("\n"), len(error) <= 1001) == (2, 1, True), error
    return error


def check_evaluated(runs: Runs, copy: Path, said: str, capfd: pytest.CaptureFixture[str]) -> None:
    for asked in (copy, copy / "iteration_00"):
        whole = runs.finished / asked.relative_to(copy)
        expected = measured(whole, copy.parent / "whole.json", capfd)
        found = measured(asked, copy.parent / "found.json", capfd)
        assert isinstance(expected, list)
        assert isinstance(found, str) or values(found) == values(expected), said


def values(records: list[dict[str, Any]]) -> list[dict[str, Any]]:
    return [{key: value for key, value in record.items() if key != "ticket"} for record in records]


def refusal(runs: Runs, folder: Path) -> str | None:
    """What ``train`` says against the run in the folder, None where it is content."""
    try:
        run(runs.config(folder))
    except UserError as error:
        return str(error)
    return None


def lacks_a_line_break(one: Path, other: Path) -> bool:
    """JSON that is signed by its values says the same without the line break at its end."""
    return one.suffix == ".json" and one.exists() and one.read_bytes() == other.read_bytes().rstrip(b"\n")


def refusal_by_digests(runs: Runs, folder: Path) -> str | None:
    """The same, but for what comes before the digests of a finished run are checked, which takes most of the time."""
    try:
        verify_run(folder / "tiny")
    except UserError as error:
        return str(error)
    return refusal(runs, folder)


Refusal = Callable[[Runs, Path], str | None]


def check_finished(runs: Runs, copy: Path, name: str, how: str, refused: Refusal = refusal) -> None:
    """Refused by name, unless it holds the same, or is where config.yaml says no more than where things lie."""
    same = (copy / name).exists() and (copy / name).read_bytes() == (runs.finished / name).read_bytes()
    said = refused(runs, copy.parent)
    if said is None:
        assert same or name == "config.yaml" or lacks_a_line_break(copy / name, runs.finished / name), (name, how)
    else:
        folder, _, file = name.rpartition("/")
        assert not same and (file in said or (folder and folder in said)), (name, how, said)


def check_trained(runs: Runs, result: Result, copy: Path, said: str) -> None:
    """An error of ours, or the result of the run that was never damaged."""
    if refusal(runs, copy.parent) is None:
        found = {name: content for name, content in result(copy).items() if not name.startswith(KEPT_APART)}
        expected = {name: content for name, content in runs.expected.items() if not name.startswith(KEPT_APART)}
        assert found == expected, said


def test_r05_evaluating_a_damaged_run(runs: Runs, tmp_path: Path, capfd: pytest.CaptureFixture[str]) -> None:
    for number, (name, how) in enumerate(cases(runs.finished, "evaluate", SAMPLE)):
        copy = damage(runs, runs.finished, tmp_path / str(number), name, DAMAGES[how])
        check_evaluated(runs, copy, f"{name} {how}", capfd)


def test_r05_a_damaged_finished_run(runs: Runs, tmp_path: Path) -> None:
    for number, (name, how) in enumerate(cases(runs.finished, "finished", 2 * SAMPLE)):
        copy = damage(runs, runs.finished, tmp_path / str(number), name, DAMAGES[how])
        check_finished(runs, copy, name, how)


def test_r05_going_on_from_a_damaged_run(runs: Runs, result: Result, tmp_path: Path) -> None:
    for number, (name, how) in enumerate(cases(runs.stopped, "resume", SAMPLE)):
        copy = damage(runs, runs.stopped, tmp_path / str(number), name, DAMAGES[how])
        check_trained(runs, result, copy, f"{name} {how}")


@pytest.mark.slow
def test_r05_every_damage(runs: Runs, result: Result, tmp_path: Path, capfd: pytest.CaptureFixture[str]) -> None:
    for name, how in all_cases(runs.finished):
        check_evaluated(runs, damage(runs, runs.finished, tmp_path / "a", name, DAMAGES[how]), f"{name} {how}", capfd)
        shutil.rmtree(tmp_path / "a")
    for name, how in all_cases(runs.finished):
        check_finished(runs, damage(runs, runs.finished, tmp_path / "a", name, DAMAGES[how]), name, how)
        shutil.rmtree(tmp_path / "a")
    for name, how in all_cases(runs.stopped):
        check_trained(runs, result, damage(runs, runs.stopped, tmp_path / "a", name, DAMAGES[how]), f"{name} {how}")
        shutil.rmtree(tmp_path / "a")


@pytest.mark.slow
def test_r05_many_flipped_bits(runs: Runs, tmp_path: Path) -> None:
    for name, number in itertools.product(files_of(runs.finished), range(FLIPS)):
        copy = damage(runs, runs.finished, tmp_path / "a", name, flip(number))
        check_finished(runs, copy, name, f"bit {number}", refusal_by_digests)
        shutil.rmtree(tmp_path / "a")


@pytest.mark.parametrize("which", ["checkpoints", "metrics.jsonl", "initial.safetensors", "iteration_00"])
def test_r05_a_part_of_another_run(runs: Runs, which: str, tmp_path: Path) -> None:
    """Whole, and consistent in itself."""
    copy = Path(shutil.copytree(runs.stopped, tmp_path / "tiny"))
    other = runs.others[runs.stopped] / which
    if other.is_dir():
        shutil.rmtree(copy / which)
        shutil.copytree(other, copy / which)
    else:
        shutil.copy(other, copy / which)
    with pytest.raises(UserError, match=which.replace(".", r"\.")):
        run(runs.config(tmp_path))


def test_r05_a_ticket_of_another_run_is_not_measured_as_the_runs_own(
    runs: Runs, tmp_path: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    copy = Path(shutil.copytree(runs.finished, tmp_path / "tiny"))
    shutil.rmtree(copy / "iteration_00")
    shutil.copytree(runs.others[runs.finished] / "iteration_00", copy / "iteration_00")
    found = measured(copy / "iteration_00", tmp_path / "found.json", capfd)
    assert isinstance(found, str)
    assert "iteration_00 is no ticket of the run beside it" in found


@pytest.mark.parametrize(
    ("name", "old", "new", "said"),
    [
        ("config.yaml", "subset_seed: 0", "subset_seed: 1", "config.yaml is damaged: run.json knows another config"),
        ("iteration_00/ticket.json", '"std": [', '"std": [1', "ticket.json is damaged"),
        ("run.json", '"winner": ', '"winner": 1', "run.json is damaged: expected SHA-256"),
    ],
)  # fmt: skip
def test_r05_an_edited_word(
    runs: Runs, name: str, old: str, new: str, said: str, tmp_path: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    """Each would give another number, were it believed."""
    copy = Path(shutil.copytree(runs.finished, tmp_path / "tiny"))
    text = (copy / name).read_text()
    assert old in text
    (copy / name).write_text(text.replace(old, new))
    asked = copy / "iteration_00" if "ticket" in name else copy
    found = measured(asked, tmp_path / "found.json", capfd)
    assert isinstance(found, str)
    assert said in found
    with pytest.raises(UserError, match=name.rpartition("/")[2].replace(".", r"\.")):
        run(runs.config(tmp_path))
