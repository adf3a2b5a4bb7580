"""The layers' densities, in the order of the paper's figure, beside the control that weight scale alone explains."""

from __future__ import annotations

import shutil
from pathlib import Path

import numpy as np
import pytest

from tf_dlth.errors import UserError
from tf_dlth.evaluation.analyses.density import analyse
from tf_dlth.files import read_tensors
from tf_dlth.tickets.ticket import load_ticket

PAPER_ORDER = [
    "stem",
    *(f"stage1_block{b}_conv{c}" for b in (1, 2) for c in (1, 2)),
    *(
        f"stage{s}_block{b}_{layer}"
        for s in (2, 3, 4)
        for b, layers in ((1, ("conv1", "conv2", "shortcut")), (2, ("conv1", "conv2")))
        for layer in layers
    ),
]
"""By hand from the paper: shortcuts at 7, 12 and 17."""


def by_threshold(weights: dict[str, np.ndarray], masks: dict[str, np.ndarray]) -> dict[str, float]:
    """The null control by sorting everything once; without ties."""
    count = sum(int(mask.sum()) for mask in masks.values())
    magnitudes = np.sort(np.concatenate([np.abs(weights[name]).ravel() for name in masks]))[::-1]
    return {name: float(np.mean(np.abs(weights[name]) >= magnitudes[count - 1])) for name in masks}


def test_layers_in_the_papers_order_with_both_controls(finished, ask):
    found = analyse(ask(finished.path / "iteration_02"))
    masks = read_tensors(finished.path / "iteration_02" / "mask.safetensors")
    assert [row["layer"] for row in found.rows] == [f"{name}/kernel" for name in PAPER_ORDER]
    assert [row["index"] for row in found.rows if "shortcut" in row["layer"]] == [7, 12, 17]
    theta_0 = by_threshold(read_tensors(finished.path / "initial.safetensors"), masks)
    theta_r = by_threshold(read_tensors(finished.path / "rewind.safetensors"), masks)
    for row in found.rows:
        mask = masks[row["layer"]]
        assert (row["remaining"], row["total"], row["density"]) == (mask.sum(), mask.size, mask.mean())
        assert row["null_theta_0"] == pytest.approx(theta_0[row["layer"]], abs=1e-12)
        assert row["null_theta_r"] == pytest.approx(theta_r[row["layer"]], abs=1e-12)
    (record,) = found.records
    assert record["density"] == sum(mask.sum() for mask in masks.values()) / sum(mask.size for mask in masks.values())
    assert list(record["layers"]) == list(record["null_theta_r"]) == [row["layer"] for row in found.rows]


def test_a_run_stands_for_iteration_15_or_for_its_winner(finished, damaged: Path, ask):
    winner = load_ticket(finished.path)
    (record,) = analyse(ask(finished.path)).records
    assert (record["ticket"], record["iteration"]) == (str(winner.path), winner.iteration)
    shutil.copytree(damaged / "iteration_02", damaged / "iteration_15")
    found = analyse(ask(damaged))
    assert found.records[0]["ticket"] == str(damaged / "iteration_15")
    assert "iteration_15: iteration 2, density 64" in found.notes[0]


def test_a_ticket_that_was_moved_has_its_densities_and_says_what_is_missing(finished, tmp_path: Path, ask):
    moved = shutil.copytree(finished.path / "iteration_01", tmp_path / "moved" / "ticket")
    found = analyse(ask(moved))
    assert all(row["null_theta_0"] is None and row["null_theta_r"] is None for row in found.rows)
    assert any("no null theta_0 and no null theta_r" in note for note in found.notes)
    assert list(found.table[0]) == ["#", "layer", "moved/ticket %"]


def test_weights_that_are_damaged_are_no_control(damaged: Path, ask):
    (damaged / "initial.safetensors").write_bytes((damaged / "rewind.safetensors").read_bytes())
    with pytest.raises(UserError, match=r"initial.safetensors is damaged"):
        analyse(ask(damaged / "iteration_01"))


def test_one_ticket_twice(finished, ask):
    with pytest.raises(UserError, match="iteration_01 is given twice"):
        analyse(ask(finished.path / "iteration_01", finished.path / "." / "iteration_01"))
