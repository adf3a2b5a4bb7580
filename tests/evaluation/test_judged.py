from __future__ import annotations

import shutil
from pathlib import Path

import numpy as np
import pytest

from tf_dlth import commands
from tf_dlth.errors import UserError
from tf_dlth.evaluation.judged import Judged, judge
from tf_dlth.tickets.ticket import load_ticket


def images(subject):
    return commands.test_images(subject, None, None)[1]


@pytest.mark.parametrize("weights", ["last", "heldout"])
def test_the_accuracy_is_the_tickets_own(finished, weights):
    folder = finished.path / "iteration_01"
    judged = judge(folder, weights, False, images)
    assert isinstance(judged, Judged)
    assert judged.accuracy == load_ticket(folder).entry(weights).test_accuracy
    assert judged.logits.shape == (len(judged.examples), 10) and judged.logits.dtype == np.float32


def test_a_ticket_that_was_not_kept(finished):
    assert judge(finished.path / "iteration_77", "last", False, images) == f"{finished.path}/iteration_77 is not here"


def test_images_that_are_elsewhere(finished):
    def gone(subject):
        raise UserError("photos does not exist")

    assert judge(finished.path / "iteration_01", "last", False, gone) == "photos does not exist"


def test_a_damaged_ticket_is_no_missing_image(finished, tmp_path: Path):
    folder = Path(shutil.copytree(finished.path / "iteration_01", tmp_path / "ticket"))
    (folder / "weights.safetensors").write_bytes(b"no weights")
    with pytest.raises(UserError, match="damaged"):
        judge(folder, "last", False, images)
