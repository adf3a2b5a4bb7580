"""The ticket that is kept in the repository still loads and scores what it says."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

import tf_dlth
from tf_dlth.config import WeightsKind, load_config
from tf_dlth.data import load_data
from tf_dlth.evaluation.accuracy import accuracy, predict
from tf_dlth.models.inference import predictor
from tf_dlth.tickets.ticket import Ticket

EXAMPLE = Path(__file__).parent.parent / "saved_tickets" / "digits-example"


@pytest.fixture(scope="module")
def ticket() -> Ticket:
    return tf_dlth.load_ticket(EXAMPLE)


def test_r15_it_is_the_fifteenth_iteration_of_the_run_beside_it(ticket: Ticket) -> None:
    assert (ticket.iteration, ticket.manifest.remaining, ticket.manifest.prunable) == (15, 6137, 174408)
    assert sum(int(mask.sum()) for mask in ticket.mask.values()) == 6137
    assert ticket.run == EXAMPLE
    ticket.verify()


@pytest.mark.parametrize("kind", ["last", "test_best", "heldout"])
def test_r15_it_scores_what_it_says(ticket: Ticket, kind: WeightsKind) -> None:
    test = load_data(load_config(EXAMPLE / "config.yaml").data).test
    logits = predict(predictor(ticket.model(kind)), test)
    # Made on another CPU perhaps, which may round a near tie the other way.
    assert accuracy(logits, test.labels) == pytest.approx(ticket.entry(kind).test_accuracy, abs=2 / len(test))


def test_r15_it_trained_away_from_its_rewind_point(ticket: Ticket) -> None:
    rewind, trained = ticket.rewind["stem/kernel"], ticket.weights("last")["stem/kernel"]
    mask = ticket.mask["stem/kernel"]
    assert np.all(trained[~mask] == 0)
    assert not np.array_equal(rewind[mask], trained[mask])
