from __future__ import annotations

from collections import Counter
from pathlib import Path

import pytest

from tf_dlth.config.study import StudyConfig
from tf_dlth.errors import UserError
from tf_dlth.studies.grid import STAR, Cell, Grid

from .conftest import MakeStudy


def grid_of(study: StudyConfig, digits: str | None = None) -> Grid:
    return Grid(study, "small.yaml", {"digits": digits} if digits else {})


def cell(arm: str, augment: str, pair: tuple[int, int] = (0, 0), mask_seed: int = 0) -> Cell:
    return Cell(arm, (("data.augment", augment),), pair, mask_seed)


def test_every_arm_runs_at_every_setting_and_a_starred_one_at_one_value(make_study: MakeStudy) -> None:
    grid = grid_of(make_study())
    assert Counter(c.arm for c in grid.cells) == {
        "ticket": 4,
        "matched": 4,
        "equal": 2,
        "random": 4,
        "base_then_aug": 2,
    }
    assert {c.values["data.augment"] for c in grid.cells if c.arm == "random"} == {STAR}


def test_the_star_is_decided_by_the_tickets_of_all_pairs(make_study: MakeStudy) -> None:
    grid = grid_of(make_study())
    assert grid.deciders(cell("random", STAR, (1, 1), 1)) == {
        value: [cell("ticket", value, (0, 0)), cell("ticket", value, (1, 1))] for value in ("none", "rand")
    }
    assert grid.candidates(cell("random", STAR)) == [cell("random", "none"), cell("random", "rand")]


def test_sources_lie_at_the_same_setting_or_where_they_are_said_to(make_study: MakeStudy) -> None:
    grid = grid_of(make_study())
    assert grid.source(cell("random", "rand", (1, 1), 1)) == cell("ticket", "rand", (1, 1))
    assert grid.source(cell("base_then_aug", "rand")) == cell("ticket", "none")
    assert grid.source(cell("ticket", "rand")) is None


def test_a_run_is_the_base_with_the_setting_the_arm_and_the_seeds(make_study: MakeStudy) -> None:
    grid = grid_of(make_study("seeds=[[3, 4]]", "threads=2"))
    config = grid.config(cell("random", "rand", (3, 4), 1), ticket="runs/t/iteration_02", run="runs/t")
    assert (config.seed, config.data.subset_seed, config.pruning.mask_seed) == (3, 4, 1)
    assert (config.data.augment, config.data.per_class) == ("rand", 5)
    assert (config.pruning.method, config.pruning.source) == ("random", "runs/t/iteration_02")
    assert (config.output.directory, config.output.savedmodel, config.training.threads) == ("runs", "winner", 2)
    assert grid.config(cell("equal", "rand", (3, 4)), run="runs/t").training.epochs == "match:runs/t"


def test_names_tell_what_a_run_is_and_differ_where_its_identity_does(make_study: MakeStudy) -> None:
    grid = grid_of(make_study())
    names = [grid.config(placed).name for c in grid.cells for placed in grid.candidates(c)]
    assert len(set(names)) == len(names)
    name = grid.config(cell("ticket", "rand")).name
    assert name.startswith("ticket-rand-s0-d0-")
    assert grid_of(make_study("name=another", "threads=2")).config(cell("ticket", "rand")).name == name
    assert grid_of(make_study("axes={data.augment: [rand, none]}")).config(cell("ticket", "rand")).name == name


def test_a_dataset_is_found_where_it_is_said_to_lie_unless_the_run_says_it(make_study: MakeStudy) -> None:
    assert grid_of(make_study(), digits="there").config(cell("ticket", "rand")).data.data_dir == "there"
    named = make_study("data_dirs={digits: here}")
    assert grid_of(named, digits="there").config(cell("ticket", "rand")).data.data_dir == "here"
    base = Path("base.yaml")
    base.write_text(base.read_text().replace("dataset: digits", "dataset: digits, data_dir: own"))
    assert grid_of(named).config(cell("ticket", "rand")).data.data_dir == "own"


def test_a_setting_may_take_another_file_in_the_place_of_the_base(make_study: MakeStudy) -> None:
    Path("thin.yaml").write_text(Path("base.yaml").read_text().replace("width: 4", "width: 2"))
    study = make_study("axes={model: {thin: thin.yaml, usual: {}}}", "best_of=null", "arms={ticket: {}}")
    grid = grid_of(study)
    assert [grid.config(c).model.width for c in grid.cells] == [2, 2, 4, 4]


def test_a_mistake_names_the_study_and_the_cell(make_study: MakeStudy) -> None:
    study = make_study("arms={ticket: {set: {training.epochs: 1}}}")
    with pytest.raises(UserError, match=r"^small\.yaml: ticket, augment none, seeds 0/0: pruning\.rewind_epochs must"):
        grid_of(study)


def test_a_source_that_is_not_run_there_is_told(make_study: MakeStudy) -> None:
    arms = "{ticket: {at: {data.augment: [none]}}, equal: {set: {training.epochs: 'match:RUN'}, source: ticket}}"
    with pytest.raises(UserError, match=r"equal, augment rand, .*: its source, ticket, augment rand, .* is no cell"):
        grid_of(make_study(f"arms={arms}"))
