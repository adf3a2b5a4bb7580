from __future__ import annotations

import shutil
from pathlib import Path

import numpy as np
import pytest

from tf_dlth.errors import UserError
from tf_dlth.evaluation.analyses.weight_norms import analyse
from tf_dlth.files import read_tensors


def test_a_ticket_against_the_dense_iteration_of_its_own_run(finished, ask):
    found = analyse(ask(finished.path / "iteration_02", weights="last"))
    ticket, dense = (read_tensors(finished.path / f"iteration_{k:02d}" / "weights.safetensors") for k in (2, 0))
    masks = read_tensors(finished.path / "iteration_02" / "mask.safetensors")
    *layers, mean = found.rows
    for row in layers:
        kept = masks[row["layer"]].astype(bool)
        w, d = ticket[row["layer"]].astype(float), dense[row["layer"]].astype(float)
        assert row["masked"] == pytest.approx(np.linalg.norm(w[kept]) / np.linalg.norm(d[kept]))
        assert row["magnitude"] == pytest.approx(np.abs(w[kept]).mean() / np.abs(d[kept]).mean())
        assert row["whole"] == pytest.approx(np.linalg.norm(w) / np.linalg.norm(d))
    assert len(layers) == len(masks)
    assert mean["masked"] == pytest.approx(np.mean([row["masked"] for row in layers]))
    (record,) = found.records
    assert (record["dense"], record["dense_weights"]) == (str(finished.path / "iteration_00"), "last")


def test_a_run_as_the_reference_is_its_dense_iteration(finished, ask):
    own = analyse(ask(finished.path / "iteration_01")).records[0]
    named = analyse(ask(finished.path / "iteration_01", finished.path)).records[0]
    assert own["mean"] == named["mean"]
    assert named["weights"] == "heldout"


def test_a_reference_that_is_sparse(finished, ask):
    with pytest.raises(UserError, match=r"iteration_02 is not dense, 64.00% of it remains"):
        analyse(ask(finished.path / "iteration_01", finished.path / "iteration_02"))


def test_a_ticket_away_from_its_run_needs_a_reference(finished, tmp_path: Path, ask):
    moved = shutil.copytree(finished.path / "iteration_01", tmp_path / "elsewhere")
    with pytest.raises(UserError, match="name a dense ticket after it"):
        analyse(ask(moved))
    assert analyse(ask(moved, finished.path)).records[0]["dense"] == str(finished.path / "iteration_00")
