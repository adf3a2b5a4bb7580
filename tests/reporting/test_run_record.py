from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from tf_dlth.config import Config, parse_config
from tf_dlth.config.keys import field_at
from tf_dlth.errors import UserError
from tf_dlth.lottery.rows import Row
from tf_dlth.reporting.run_record import SETTINGS, RunRecord, labels_used, outcome, read_record

IMAGES = {"train": 500, "heldout": 100, "test": 400}
Record = Callable[..., RunRecord]


def row(iteration: int, heldout: float, test: float) -> Row:
    return Row(iteration, 0.8**iteration, 8, 10, 3, 0.1, 0.9, 0.9, 1, 0.8, heldout, 1, test, 1.0, 1.0)


@pytest.fixture
def record(make_facts: Callable[..., Any]) -> Record:
    def make(*rows: Row, overrides: tuple[str, ...] = ("pruning.select_by=heldout",), **facts: Any) -> RunRecord:
        config = parse_config("name: a", [*overrides, "pruning.iterations=2"])
        return RunRecord(Path("runs/a"), make_facts(**facts), config, rows, None, IMAGES)

    return make


def test_a_ticket_that_won(record: Record):
    text = outcome(record(row(0, 0.7, 0.5), row(1, 0.8, 0.7), row(2, 0.6, 0.9)))
    assert text.startswith(
        "A ticket won: iteration 1 with 80.0% of the weights, chosen on 100 held-out images "
        "(80.0% there, against 70.0%)."
    )
    assert "right on 70.0% of 400 test images, the dense network of iteration 0 on 50.0%: +20.0 points" in text
    assert "standard error at most 3.4, one seed), which is more than two such errors." in text


def test_a_ticket_that_won_on_held_out_images_and_lost_on_the_test_set(record: Record):
    text = outcome(record(row(0, 0.7, 0.5), row(1, 0.8, 0.49)))
    assert text.startswith("A ticket won") and "-1.0 points" in text and text.endswith("within the noise.")


def test_no_ticket_that_won(record: Record):
    text = outcome(record(row(0, 0.9, 0.8), row(1, 0.7, 0.7), row(2, 0.8, 0.75)))
    assert text.startswith("No ticket won: the dense network is better than every sparse one, chosen on 100 held-out")
    assert "(90.0% there, against 80.0%)" in text
    assert "80.0% of 400 test images, the best sparse network (iteration 2 with 64.0% of the weights) on 75.0%" in text


def test_a_tie_goes_to_the_ticket_as_in_the_run(record: Record):
    text = outcome(record(row(0, 0.9, 0.8), row(1, 0.9, 0.7)))
    assert text.startswith("A ticket is as good as the dense network, and taken: iteration 1 with 80.0%")


def test_a_choice_on_the_test_set_is_called_one(record: Record):
    text = outcome(record(row(0, 0.9, 0.8), row(1, 0.9, 0.7), overrides=("pruning.select_by=test_best",)))
    assert "chosen on the test images themselves, which flatters every number here" in text


def test_a_control_without_pruning_is_no_ticket(record: Record):
    text = outcome(record(row(0, 0.7, 0.5), row(1, 0.8, 0.7), overrides=("pruning.method=none",)))
    assert text.startswith("The dense training of iteration 1 is best of 2")
    assert "ticket" not in text.lower()


def test_one_training(record: Record):
    assert outcome(record(row(0, 0.7, 0.5), overrides=())).startswith("One dense network, its epoch chosen on")
    baseline = ("pruning.method=random", "pruning.source=x", "pruning.select_by=heldout")
    text = outcome(record(row(1, 0.7, 0.5), overrides=baseline))
    assert text == (
        "One sparse network (random, 80.0% of the weights), its epoch chosen on 100 held-out images, is right on 50.0% "
        "of 400 test images."
    )


def test_an_unfinished_run_says_so(record: Record):
    text = outcome(record(row(0, 0.7, 0.5), row(1, 0.8, 0.7), status="running"))
    assert text.startswith("This run is not finished (2 of 3 iterations so far). A ticket won")


def test_without_the_numbers_of_images(record: Record):
    text = outcome(replace(record(row(0, 0.7, 0.5), row(1, 0.8, 0.7)), images=None))
    assert "chosen on held-out images" in text and text.endswith("of iteration 0 on 50.0%: +20.0 points.")


def test_labels(record: Record):
    found = record(row(0, 0.7, 0.5))
    assert labels_used(found, "heldout") == "500 to train + 100 held out to choose"
    assert labels_used(found, "test_best") == "500 to train; epoch and ticket by the 400 test images themselves"
    assert labels_used(found, "last") == "500 to train; the ticket by the 400 test images themselves"
    assert labels_used(replace(found, images=None), "last") == "unknown"


def test_a_runs_folder(finished):
    found = read_record(finished.path)
    assert len(found.rows) == 3 and len(found.metrics or ()) == 3 + 2 + 2
    assert found.images == {"train": 50, "heldout": 30, "test": 1047}
    assert found.finished and found.chosen.iteration == found.facts.winner
    assert found.best_sparse.iteration == found.facts.best_sparse


def test_what_was_not_copied(damaged: Path):
    for name in ("metrics.jsonl", "subset.json"):
        (damaged / name).unlink()
    found = read_record(damaged)
    assert found.metrics is None and found.images is None


@pytest.mark.parametrize("name", ["metrics.jsonl", "subset.json", "iterations.csv"])
def test_what_was_changed(damaged: Path, name: str):
    (damaged / name).write_text((damaged / name).read_text() + " ")
    with pytest.raises(UserError, match=f"{name} is damaged"):
        read_record(damaged)


def test_no_run(tmp_path: Path):
    with pytest.raises(UserError, match="neither a run nor a study"):
        read_record(tmp_path)


def test_no_iteration_yet(damaged: Path, edit):
    edit(damaged / "run.json", lambda tree: tree.update(status="running"))
    (damaged / "iterations.csv").unlink()
    with pytest.raises(UserError, match="no iteration that has ended"):
        read_record(damaged)


def test_every_key_that_is_shown_exists():
    assert [key for key in SETTINGS if field_at(Config, key) is None] == []
