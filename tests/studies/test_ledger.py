from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from pathlib import Path

import pytest

from tf_dlth.runs.lock import locked
from tf_dlth.studies.grid import STAR, Cell, Grid
from tf_dlth.studies.ledger import Ledger, Standing

from .conftest import Finish, MakeStudy


@pytest.fixture
def grid(make_study: MakeStudy) -> Grid:
    return Grid(make_study(), "small.yaml", {})


def tickets(grid: Grid) -> Iterator[Cell]:
    return (cell for cell in grid.cells if cell.arm == "ticket")


def states(ledger: Ledger) -> Counter[str]:
    return Counter(standing.state for standing in ledger.standings())


def ready(ledger: Ledger) -> list[str]:
    return [standing.cell.arm for standing in ledger.standings() if standing.is_ready]


def finish_tickets(grid: Grid, finish: Finish, best: str) -> None:
    for cell in tickets(grid):
        accuracies = [0.5, 0.9, 0.6] if cell.values["data.augment"] == best else [0.99, 0.5, 0.8]
        finish(grid.config(cell), accuracies)


def starred(ledger: Ledger, arm: str) -> list[Standing]:
    return [standing for standing in ledger.standings() if standing.cell.arm == arm]


def test_at_first_all_wait_and_searches_are_ready(grid: Grid) -> None:
    ledger = Ledger(grid)
    assert states(ledger) == {"waiting": len(grid.cells)}
    assert Counter(ready(ledger)) == {"ticket": 4, "matched": 4}
    assert starred(ledger, "equal")[0].reason == "waiting for ticket, augment none, seeds 0/0"


@pytest.mark.parametrize("best", ["none", "rand"])
def test_a_star_is_the_value_whose_tickets_are_best_by_heldout_images(grid: Grid, finish: Finish, best: str) -> None:
    finish_tickets(grid, finish, best)
    ledger = Ledger(grid)
    found = starred(ledger, "random")
    assert {standing.cell.values["data.augment"] for standing in found} == {best}
    assert all(standing.is_ready for standing in found)
    first = found[0].config
    assert first is not None and first.pruning.source is not None
    assert first.pruning.source.endswith("/iteration_01" if best in first.pruning.source else "/iteration_02")
    assert f"ticket-{best}-" in first.pruning.source


def test_a_source_elsewhere_is_taken_from_there(grid: Grid, finish: Finish) -> None:
    finish_tickets(grid, finish, "rand")
    (first, _) = starred(Ledger(grid), "base_then_aug")
    assert first.config is not None and first.config.data.augment == "rand"
    assert first.config.pruning.source is not None and "ticket-none-" in first.config.pruning.source


def test_a_run_of_another_name_counts_only_where_digests_have_told(grid: Grid, finish: Finish) -> None:
    (cell, *_) = tickets(grid)
    run = finish(grid.config(cell), [0.5, 0.6], name="by-another-study")
    assert Ledger(grid, trusting=True).standing(cell).state == "done"
    ledger = Ledger(grid)
    assert ledger.standing(cell).is_ready and ledger.alike(grid.config(cell)) == ("by-another-study",)
    ledger.note(cell, "done", run=run.path.name)
    assert ledger.standing(cell).state == "done"


def test_what_is_not_measured_yet_is_left_to_do(make_study: MakeStudy, finish: Finish) -> None:
    grid = Grid(make_study("evaluate=[ece]"), "small.yaml", {})
    (cell, *_) = tickets(grid)
    finish(grid.config(cell), [0.5, 0.6])
    standing = Ledger(grid).standing(cell)
    assert (standing.state, standing.reason) == ("waiting", "2 measurements are left")
    assert standing.is_ready and standing.run is not None


def test_a_locked_run_is_running_and_a_failed_one_says_why(grid: Grid, finish: Finish) -> None:
    first, second, *_ = tickets(grid)
    finish(grid.config(second), [0.5], status="failed")
    with locked(Path("runs") / grid.config(first).name):
        ledger = Ledger(grid)
        assert ledger.standing(first).state == "running"
    assert ledger.standing(first).state == "waiting"
    assert (ledger.standing(second).state, ledger.standing(second).reason) == ("failed", "it was too hot")
    assert ledger.standing(second).is_ready


def test_without_data_nothing_that_depends_on_it_is_run_and_the_rest_is(grid: Grid, finish: Finish) -> None:
    finish_tickets(grid, finish, "none")
    ledger = Ledger(grid)
    for cell in tickets(grid):
        if cell.values["data.augment"] == "none":
            ledger.note(cell, "absent", "no such folder")
    assert {standing.cell.values["data.augment"] for standing in starred(ledger, "random")} == {"rand"}
    assert all(standing.is_ready for standing in starred(ledger, "random"))
    (elsewhere, _) = starred(ledger, "base_then_aug")
    assert (elsewhere.state, elsewhere.reason) == ("absent", "no such folder")


def test_a_star_waits_for_a_failed_ticket_and_says_so(grid: Grid, finish: Finish) -> None:
    ledger = Ledger(grid)
    (cell, *_) = tickets(grid)
    ledger.note(cell, "failed", "it was too hot")
    standing = starred(ledger, "random")[0]
    assert standing.cell.values["data.augment"] == STAR and not standing.is_ready
    assert standing.reason == "waiting for ticket, augment none, seeds 0/0, which failed"
