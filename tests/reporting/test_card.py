from __future__ import annotations

import math
import shutil
from pathlib import Path

import pytest
from huggingface_hub import ModelCard

from tf_dlth.reporting.card import card, code, shown_ticket
from tf_dlth.tickets.ticket import load_ticket

EXAMPLE = Path(__file__).parents[2] / "saved_tickets" / "digits-example"


@pytest.fixture(scope="module")
def text() -> str:
    return card(shown_ticket(load_ticket(EXAMPLE)), "owner/digits")


def test_the_hub_reads_its_metadata(text: str) -> None:
    data = ModelCard(text).data
    assert (data.library_name, data.model_name) == ("tf_dlth", "digits-example")
    assert data.pipeline_tag == "image-classification"
    assert data.datasets == ["digits"] and "resnet18" in (data.tags or [])
    found = {one.metric_name: one.metric_value for one in data.eval_results or []}
    # iterations.csv, iteration 15
    assert found == {
        "test accuracy, heldout weights": 0.944603629417383,
        "test accuracy, test_best weights": 0.9455587392550143,
        "test accuracy, last weights": 0.9436485195797517,
    }
    assert {(one.task_type, one.dataset_split) for one in data.eval_results or []} == {("image-classification", "test")}


def test_the_ticket_beside_the_dense_network_with_errors(text: str) -> None:
    ticket, dense, images = 0.944603629417383, 0.8615090735434575, 1047
    errors = [100 * math.sqrt(p * (1 - p) / images) for p in (ticket, dense)]
    row = f"| heldout | 18 | {100 * ticket:.2f} ± {errors[0]:.2f} | {100 * dense:.2f} ± {errors[1]:.2f} | +8.31 ± "
    assert row + f"{math.hypot(*errors):.2f} |" in text
    assert "winning ticket" in text and "6,137 of 174,408" in text and "chosen on 250 held-out images" in text
    assert (
        "- test_best: the epoch that is best on the test images themselves" in text and "`pruning.rate` | `0.2`" in text
    )
    assert "](accuracy_by_density.png)" in text and 'load_ticket("hf://owner/digits@REVISION")' in text


def test_a_ticket_without_its_run(tmp_path: Path) -> None:
    folder = shutil.copytree(EXAMPLE / "iteration_15", tmp_path / "moved")
    text = card(shown_ticket(load_ticket(folder)))
    assert "# moved\n" in text and "| heldout | 18 | 94.46 | - | - |" in text
    assert "are in the run, which is not beside this ticket" in text
    assert "accuracy_by_density" not in text


@pytest.mark.parametrize(
    ("name", "shown"), [("cat", "`cat`"), ("a|b", r"`a\|b`"), ("a`b", "``a`b``"), ("`", "`` ` ``"), ("<b>", "`<b>`")]
)
def test_names_are_shown_letter_by_letter(name: str, shown: str) -> None:
    assert code(name) == shown


def test_a_dense_network_is_called_one(text: str, finished) -> None:
    assert "saved_model.load" in text
    dense = card(shown_ticket(load_ticket(finished.path / "iteration_00")))
    assert "A dense network: `resnet18` of width 4" in dense
    winner = load_ticket(finished.path).iteration
    other = card(shown_ticket(load_ticket(finished.path / f"iteration_0{1 if winner != 1 else 2}")))
    assert f"That is iteration {winner}; this is " in other and "; this is " not in text
