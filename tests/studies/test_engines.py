"""One study of all arms, carried out by every engine, and broken off and taken up again: always the same tables."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import suppress
from pathlib import Path

import pandas as pd
import pytest

from tf_dlth import report
from tf_dlth.config.study import load_study
from tf_dlth.studies import results
from tf_dlth.studies.results import ANALYSES, TIMINGS

from ..conftest import NETWORKS

pytestmark = pytest.mark.slow

ROOT = Path(__file__).parents[2]
BASE = """
name: base
data: {dataset: digits, per_class: 5, heldout_per_class: 3}
model: {architecture: "engines_networks:convolutional", width: 4}
training: {epochs: 3, batch_size: 20, evaluate_every: 1}
pruning: {iterations: 2, rewind_epochs: 1}
probe: {epochs: 2}
output: {tensorboard: false, checkpoint_seconds: 0}
"""
ARMS = """
name: arms
base: base.yaml
directory: runs
seeds: [0, 1, [2, 5]]
axes: {data.augment: [none, basic]}
best_of: data.augment
arms:
  ticket: {}
  matched: {set: {pruning.method: none}, source: ticket, starred: true}
  equal: {set: {pruning.iterations: 0, training.epochs: "match:RUN"}, source: ticket, starred: true}
  small: {set: {pruning.iterations: 0, model.width: "match:TICKET"}, source: ticket, starred: true}
  random: {set: {pruning.method: random, pruning.source: TICKET}, source: ticket, starred: true}
  layerwise:
    {set: {pruning.method: layerwise, pruning.source: TICKET}, source: ticket, starred: true, mask_seeds: [0, 1]}
  fresh:
    {set: {pruning.method: transplant, pruning.start: fresh, pruning.source: TICKET}, source: ticket, starred: true}
  base_then_aug:
    set: {pruning.method: transplant, pruning.source: TICKET}
    source: ticket
    source_at: {data.augment: none}
    starred: true
  long: {set: {pruning.method: transplant, pruning.source: TICKET, training.epochs: 5}, source: ticket, starred: true}
  rate: {set: {pruning.rewind: rate}, source: ticket, starred: true}
  mixup: {set: {data.augment: mixup}, source: ticket, starred: true}
evaluate: [ece, fgsm]
probe: [digits]
analyze: [density, weight-norms, overlap]
scale: tiny
show: [table, size, density, robustness, bars, layers, norms, longtail, fit]
claims: [ticket-beats-matched, ticket-beats-random, gain-survives-equal-compute, gain-is-generalisation, fgsm-is-worse]
"""
CELLS = 3 * (2 + 10 + 1)
PATIENCE = 1800

Folder = Callable[[str], Path]


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Folder:
    def make(name: str) -> Path:
        made = tmp_path_factory.mktemp(name)
        (made / "engines_networks.py").write_text(NETWORKS)
        (made / "base.yaml").write_text(BASE)
        (made / "arms.yaml").write_text(ARMS)
        return made

    return make


def started(folder: Path, *words: str) -> subprocess.Popen[str]:
    """The command in a session of its own, its lines in ``folder/printed``."""
    environment = {**os.environ, "PYTHONPATH": f"{ROOT}{os.pathsep}{folder}"}
    command = [sys.executable, "-m", "tf_dlth.study", "--config", "arms.yaml", *words]
    with (folder / "printed").open("a") as printed:
        return subprocess.Popen(
            command, cwd=folder, env=environment, stdout=printed, stderr=printed, text=True, start_new_session=True
        )


def finished(folder: Path, *words: str) -> dict[str, pd.DataFrame]:
    """The tables of a study that is carried out to its end."""
    process = started(folder, *words)
    assert process.wait(PATIENCE) == 0, (folder / "printed").read_text()
    return tables(folder)


def tables(folder: Path) -> dict[str, pd.DataFrame]:
    read = {name: pd.read_csv(folder / "runs" / "arms" / name, dtype=str) for name in (results.NETWORKS, ANALYSES)}
    return {name: table.drop(columns=list(TIMINGS), errors="ignore") for name, table in read.items()}


def require_equal(found: dict[str, pd.DataFrame], expected: dict[str, pd.DataFrame]) -> None:
    for name, table in expected.items():
        pd.testing.assert_frame_equal(found[name], table)


def until(done: Callable[[], bool], process: subprocess.Popen[str]) -> None:
    """Waits for something that happens while the process runs."""
    deadline = time.monotonic() + PATIENCE
    while not done():
        assert process.poll() is None, "it ended before it could be broken off"
        assert time.monotonic() < deadline
        time.sleep(0.02)


def done_lines(folder: Path) -> int:
    return (folder / "printed").read_text().count(": done;")


def checkpoints(folder: Path) -> bool:
    """Whether a training is between its first checkpoint and its end."""
    return any((folder / "runs").glob("*/checkpoints/*.json"))


def processes_at(folder: Path, name: bytes) -> Iterator[int]:
    """Processes that work in a folder under a name of their own."""
    for entry in Path("/proc").iterdir():
        with suppress(OSError):
            works_there = entry.name.isdecimal() and (entry / "cwd").resolve() == folder
            if works_there and (entry / "cmdline").read_bytes().startswith(name):
                yield int(entry.name)


@pytest.fixture(scope="module")
def whole(folder: Folder) -> Path:
    """The folder of a study by one worker, never stopped."""
    made = folder("one")
    finished(made, "--workers", "1")
    return made


@pytest.fixture(scope="module")
def reference(whole: Path) -> dict[str, pd.DataFrame]:
    return tables(whole)


def test_all_cells_are_there(reference: dict[str, pd.DataFrame]) -> None:
    networks = reference[results.NETWORKS]
    assert networks.groupby(["arm", "data.augment", "seed", "mask_seed"]).ngroups == CELLS
    assert networks[["ece", "fgsm", "probe_digits", "heldout_accuracy"]].notna().any().all()
    assert set(reference[ANALYSES]["kind"]) == {"density", "weight-norms", "overlap"}


def test_every_table_figure_and_claim_is_on_its_page(whole: Path, tmp_path: Path) -> None:
    assert report.main([str(whole / "runs" / "arms"), "--out", str(tmp_path)]) == 0
    made = {path.name for path in tmp_path.iterdir()}
    study = load_study(whole / "arms.yaml")
    assert {f"{name}.svg" for name in study.show if name != "table"} <= made
    assert {"index.html", "main.csv", "rules.csv", "measures.csv", "runs.csv"} <= made
    claims = pd.read_csv(tmp_path / "claims.csv")
    assert list(claims["claim"]) == list(study.claims)
    assert (claims["pairs"] == 3).all() and not claims["verdict"].str.startswith("not tested").any()


def test_two_workers_give_the_same(folder: Folder, reference: dict[str, pd.DataFrame]) -> None:
    require_equal(finished(folder("two"), "--workers", "2"), reference)


def test_a_killed_study_goes_on_to_the_same(folder: Folder, reference: dict[str, pd.DataFrame]) -> None:
    place = folder("killed")
    process = started(place, "--workers", "2")
    until(lambda: done_lines(place) >= 8 and checkpoints(place), process)
    os.killpg(process.pid, signal.SIGKILL)
    process.wait()
    require_equal(finished(place, "--workers", "2"), reference)


def test_a_stopped_study_says_how_to_go_on_and_leaves_no_worker(
    folder: Folder, reference: dict[str, pd.DataFrame]
) -> None:
    place = folder("stopped")
    process = started(place, "--workers", "2")
    until(lambda: done_lines(place) >= 3 and checkpoints(place), process)
    os.killpg(process.pid, signal.SIGINT)
    assert process.wait(PATIENCE) == 130
    assert "the same command goes on from there" in (place / "printed").read_text().splitlines()[-1]
    assert not list(processes_at(place, b""))
    require_equal(finished(place, "--workers", "1"), reference)


def test_ray_gives_the_same_though_a_worker_is_killed_in_mid_cell(
    folder: Folder, reference: dict[str, pd.DataFrame]
) -> None:
    place = folder("ray")
    process = started(place, "--engine", "ray", "--workers", "2")
    until(lambda: done_lines(place) >= 3 and checkpoints(place), process)
    (victim, *_) = processes_at(place, b"ray::")
    os.kill(victim, signal.SIGKILL)
    assert process.wait(PATIENCE) == 0, (place / "printed").read_text()
    assert done_lines(place) == CELLS
    require_equal(tables(place), reference)
