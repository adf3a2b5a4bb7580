from __future__ import annotations

from pathlib import Path

import pandas as pd

from tf_dlth.studies.absence import missing
from tf_dlth.studies.grid import DataDirs, Grid
from tf_dlth.studies.results import Results

from .conftest import Finish, MakeStudy

NOTHING = pd.DataFrame()


def test_settings_without_a_run_and_without_data(make_study: MakeStudy, tmp_path: Path) -> None:
    study = make_study("axes={data.dataset: [digits, cifar10]}", "best_of=null", "arms={ticket: {}}")
    found = missing(Results(study, NOTHING, NOTHING), "small.yaml", {"cifar10": str(tmp_path / "nowhere")})
    assert found.absent == {("cifar10",)} and found.faults == ()


def test_a_setting_with_a_run_is_not_looked_for(make_study: MakeStudy, finish: Finish, tmp_path: Path) -> None:
    study = make_study("axes={data.dataset: [cifar10]}", "best_of=null", "arms={ticket: {}}", "seeds=[0]")
    nowhere: DataDirs = {"cifar10": str(tmp_path / "nowhere")}
    grid = Grid(study, "small.yaml", nowhere)
    finish(grid.config(grid.cells[0]), [0.5, 0.9, 0.6])
    assert missing(Results(study, NOTHING, NOTHING), "small.yaml", nowhere).absent == frozenset()


def test_a_study_whose_base_is_gone_is_still_reported(make_study: MakeStudy) -> None:
    study = make_study()
    Path("base.yaml").unlink()
    found = missing(Results(study, NOTHING, NOTHING), "small.yaml", {})
    assert found.absent == frozenset() and "base.yaml does not exist" in found.faults[0]
