"""Which tickets are compared, under which names, with which layers."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from tf_dlth.errors import UserError
from tf_dlth.evaluation.analyses.opening import Opened, at_iteration, labelled, open_tickets, require_same_layers
from tf_dlth.tickets.ticket import load_ticket


def opened(*layers: str, shape: tuple[int, ...] = (2,), finished) -> Opened:
    ticket = load_ticket(finished.path / "iteration_01")
    return Opened(ticket, "name", {layer: np.ones(shape, bool) for layer in layers})


def test_a_run_stands_for_its_winner_and_masks_are_in_layer_order(finished):
    run, ticket = open_tickets([str(finished.path), str(finished.path / "iteration_00")], trust=False)
    assert run.name == str(load_ticket(finished.path).path) and ticket.label == "tiny/iteration_00"
    assert list(ticket.masks)[:3] == ["stem/kernel", "stage1_block1_conv1/kernel", "stage1_block1_conv2/kernel"]
    assert all(mask.dtype == bool and mask.all() for mask in ticket.masks.values())


def test_labels_are_short_while_they_tell_apart(tmp_path: Path):
    a, b, c = (tmp_path / name for name in ("one/iteration_01", "two/iteration_01", "x/one/iteration_01"))
    assert labelled([a, b], parts=2) == ["one/iteration_01", "two/iteration_01"]
    assert labelled([a, c], parts=2) == [str(a), str(c)]
    with pytest.raises(UserError, match=r"one/../one/iteration_01 is given twice; name each ticket and run once"):
        labelled([a, b, tmp_path / "one" / ".." / "one" / "iteration_01"], parts=2)


def test_an_iteration_of_a_run_that_has_it(finished):
    run = str(finished.path)
    assert at_iteration(run, 2) == str(finished.path / "iteration_02")
    assert at_iteration(run, 15) == run
    assert at_iteration(str(finished.path / "iteration_01"), 2) == str(finished.path / "iteration_01")


@pytest.mark.parametrize(
    ("layers", "shape", "shapes", "message"),
    [
        (("a", "b"), (2,), True, None),
        (("a", "b"), (3,), False, None),
        (("a", "b"), (3,), True, r"a is \[2\] in one and \[3\] in the other"),
        (("a", "c"), (2,), False, "b in one is c in the other"),
        (("a",), (2,), False, "b in one is nothing in the other"),
        (("a", "b", "c"), (2,), False, "nothing in one is c in the other"),
    ],
)
def test_layers_that_differ_are_named(finished, layers, shape, shapes, message):
    pair = [opened("a", "b", finished=finished), opened(*layers, shape=shape, finished=finished)]
    if message is None:
        require_same_layers(pair, shapes)
    else:
        with pytest.raises(UserError, match=message):
            require_same_layers(pair, shapes)
