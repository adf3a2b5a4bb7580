"""Studies of networks that are small enough to be trained in a second."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

from tf_dlth.config.study import StudyConfig, load_study

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
