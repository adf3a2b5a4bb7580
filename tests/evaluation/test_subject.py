from __future__ import annotations

import json
import shutil
from pathlib import Path

import numpy as np
import pytest

from tf_dlth.config import DataConfig, load_config
from tf_dlth.data import load_data
from tf_dlth.errors import UserError
from tf_dlth.evaluation.accuracy import accuracy, predict
from tf_dlth.evaluation.subject import open_subject
from tf_dlth.tickets.ticket import load_ticket


def test_a_ticket_in_its_run_knows_its_images(finished):
    ticket = load_ticket(finished.path / "iteration_01")
    subject = open_subject(str(ticket.path))
    assert (subject.path, subject.weights) == (ticket.path, ticket.manifest.default_weights)
    assert subject.class_names == tuple("0123456789")
    assert subject.preprocessing == ticket.manifest.preprocessing
    assert subject.data == load_config(finished.path / "config.yaml").data
    assert subject.data_sha256 == json.loads((finished.path / "run.json").read_text())["data_sha256"]


@pytest.mark.parametrize("kind", ["last", "test_best", "heldout"])
def test_it_predicts_with_the_weights_that_are_asked_for(finished, kind):
    ticket, test = load_ticket(finished.path / "iteration_01"), load_data(finished.config.data).test
    subject = open_subject(str(ticket.path), kind)
    assert subject.weights == kind
    assert accuracy(predict(subject.predict, test), test.labels) == ticket.entry(kind).test_accuracy


def test_a_run_is_its_winner(finished):
    assert open_subject(str(finished.path)).path == load_ticket(finished.path).path


def test_a_ticket_away_from_its_run_knows_its_dataset_alone(damaged: Path, tmp_path: Path):
    """Whatever configuration lies beside it now."""
    (tmp_path / "elsewhere").mkdir()
    moved = Path(shutil.move(damaged / "iteration_01", tmp_path / "elsewhere"))
    shutil.copy(damaged / "config.yaml", moved.parent)
    subject = open_subject(str(moved))
    assert subject.data == DataConfig(dataset="digits")
    assert subject.data_sha256 is None


def test_a_ticket_of_ones_own_images_does_not_know_where_they_are(damaged: Path, edit, tmp_path: Path):
    moved = Path(shutil.move(damaged / "iteration_01", tmp_path / "moved"))
    edit(moved / "ticket.json", lambda tree: tree.update(dataset="folder"))
    assert open_subject(str(moved)).data is None


def test_a_saved_model_predicts_as_its_ticket_and_has_one_set_of_weights(finished):
    ticket = load_ticket(finished.path / "iteration_01")
    folder = ticket.path / "saved_model"
    subject = open_subject(str(folder))
    assert (subject.weights, subject.class_names, subject.data) == ("saved_model", ticket.class_names, None)
    assert subject.preprocessing == ticket.manifest.preprocessing
    examples = load_data(finished.config.data).test.take(np.arange(40))
    expected = predict(open_subject(str(ticket.path)).predict, examples)
    np.testing.assert_allclose(predict(subject.predict, examples), expected, atol=1e-5)
    with pytest.raises(UserError, match="holds one set of weights; leave --weights out"):
        open_subject(str(folder), "last")


def test_what_is_neither(tmp_path: Path):
    with pytest.raises(UserError, match="is no ticket"):
        open_subject(str(tmp_path))
