from __future__ import annotations

import itertools

import numpy as np
import pytest

from tf_dlth.analysis.overlap import expected_jaccard
from tf_dlth.errors import UserError
from tf_dlth.evaluation.analyses.overlap import analyse
from tf_dlth.experiment import run
from tf_dlth.files import read_tensors


def test_every_pair_by_layer_and_over_all(finished, ask):
    """Iteration 2 lies within 1 and both within 0, so that every index is a quotient of counts."""
    paths = [finished.path / f"iteration_{k:02d}" for k in (0, 1, 2)]
    found = analyse(ask(*paths))
    masks = [read_tensors(path / "mask.safetensors") for path in paths]
    counts = [{name: int(mask.sum()) for name, mask in of.items()} for of in masks]
    pairs = list(itertools.combinations(range(3), 2))
    assert [(r["first"], r["second"]) for r in found.records] == [(str(paths[a]), str(paths[b])) for a, b in pairs]
    for record, (a, b) in zip(found.records, pairs, strict=True):
        assert record["jaccard"] == pytest.approx(sum(counts[b].values()) / sum(counts[a].values()))
        assert record["layers"] == {name: pytest.approx(counts[b][name] / n) for name, n in counts[a].items()}
        boolean = [{name: mask.astype(bool) for name, mask in masks[i].items()} for i in (a, b)]
        assert record["expected"] == pytest.approx(expected_jaccard(*boolean).overall)
    assert len(found.rows) == 3 * (len(masks[0]) + 1)
    assert np.isclose(found.rows[-1]["jaccard"], found.records[-1]["jaccard"]) and found.rows[-1]["layer"] == "all"


def test_other_networks(finished, quick, ask):
    other = run(quick("pruning.iterations=1"), trust=True).path
    with pytest.raises(UserError, match=r"are other networks: stem/kernel in one is conv/kernel in the other"):
        analyse(ask(finished.path, other, trust=True))


def test_another_width(finished, tiny, tmp_path, ask):
    config = tiny(tmp_path, "model.width=5", "training.epochs=1", "pruning.iterations=0", "pruning.rewind_epochs=0")
    other = run(config).path
    with pytest.raises(UserError, match=r"stem/kernel is \[3, 3, 1, 4\] in one and \[3, 3, 1, 5\] in the other"):
        analyse(ask(finished.path, other))
