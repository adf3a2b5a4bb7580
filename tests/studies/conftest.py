"""Studies of networks that are small enough to be trained in a second."""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Sequence
from pathlib import Path

import pytest

from tf_dlth import files
from tf_dlth.config import Config
from tf_dlth.config.study import StudyConfig, load_study
from tf_dlth.lottery import selection
from tf_dlth.lottery.rows import Row, to_csv
from tf_dlth.runs.facts import Facts, write_facts
from tf_dlth.studies.runs import StoredRun
from tf_dlth.tickets.manifest import MANIFEST
from tf_dlth.tickets.ticket import iteration_name

BASE = """
name: base
data: {{dataset: digits, per_class: 5, heldout_per_class: 3}}
model: {{architecture: "{architecture}", width: 4}}
training: {{epochs: 3, batch_size: 20, evaluate_every: 1}}
pruning: {{iterations: 2, rewind_epochs: 1}}
output: {{tensorboard: false}}
"""
STUDY = """
name: small
base: base.yaml
seeds: [0, 1]
axes: {data.augment: [none, rand]}
best_of: data.augment
arms:
  ticket: {}
  matched: {set: {pruning.method: none}}
  equal: {set: {pruning.iterations: 0, training.epochs: "match:RUN"}, source: ticket, starred: true}
  random: {set: {pruning.method: random, pruning.source: TICKET}, source: ticket, starred: true, mask_seeds: [0, 1]}
  base_then_aug:
    set: {pruning.method: transplant, pruning.source: TICKET}
    source: ticket
    source_at: {data.augment: none}
    starred: true
"""

MakeStudy = Callable[..., StudyConfig]


@pytest.fixture
def make_study(own_networks: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> MakeStudy:
    """``make_study("seeds=[0]")``: the study above with overrides, in ``tmp_path``, where the test then works."""
    monkeypatch.chdir(tmp_path)
    Path("base.yaml").write_text(BASE.format(architecture=f"{own_networks}:convolutional"))
    Path("small.yaml").write_text(STUDY)
    return lambda *overrides: load_study("small.yaml", ["directory=runs", *overrides])


Finish = Callable[..., StoredRun]


@pytest.fixture
def finish(make_facts: Callable[..., Facts]) -> Finish:
    """``finish(config, [0.5, 0.7])``: a run's folder with empty tickets, as if it had been trained.

    The numbers are held-out accuracies of its iterations; ``status`` and ``name`` can be others.
    """

    def make(config: Config, heldout: Sequence[float], status: str = "finished", name: str | None = None) -> StoredRun:
        path = Path(config.output.directory) / (name or config.name)
        path.mkdir(parents=True)
        rows = [row(iteration, accuracy) for iteration, accuracy in enumerate(heldout)]
        files.write_bytes(path / "config.yaml", config.to_yaml().encode())
        files.write_bytes(path / "iterations.csv", to_csv(rows).encode())
        files.write_json(path / "subset.json", {"class_counts": {"train": {"a": 5}, "heldout": {"a": 3}}})
        digests = {iteration_name(k): hashlib.sha256(f"{path} {k}".encode()).hexdigest() for k in range(len(rows))}
        for ticket in digests:
            files.write_bytes(path / ticket / MANIFEST, b"{}")
        best = selection.winner(rows, "heldout")
        facts = make_facts(
            status=status, seed=config.seed, config_sha256=config.sha256(), manifests=digests, best_sparse=best,
            error="it was too hot" if status == "failed" else None,
        )  # fmt: skip
        write_facts(path, facts)
        return StoredRun(path, facts)

    return make


def row(iteration: int, heldout: float) -> Row:
    return Row(
        iteration=iteration, density=0.8**iteration, remaining=100 - iteration, prunable=100, epochs=3, train_loss=0.5,
        train_accuracy=0.9, test_accuracy_best=0.8, best_epoch=2, test_accuracy_last=0.7, heldout_accuracy=heldout,
        heldout_epoch=2, test_accuracy_heldout=0.75, seconds=1.5, train_images_per_second=10.0,
    )  # fmt: skip
