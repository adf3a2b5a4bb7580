from __future__ import annotations

from pathlib import Path

import pandas as pd
import pytest

from tf_dlth.errors import UserError
from tf_dlth.runs import regressions
from tf_dlth.runs.regressions import Regression, Regressions
from tf_dlth.studies.grid import Grid
from tf_dlth.studies.ledger import Ledger
from tf_dlth.studies.records import Measurement
from tf_dlth.studies.results import (
    ANALYSES,
    NETWORKS,
    STUDY,
    Collector,
    Results,
    analysis_columns,
    network_columns,
    pairs,
    read_results,
    write_results,
)

from .conftest import Finish, MakeStudy

ASKED = ("evaluate=[ece]", "probe=[digits]", "analyze=[weight-norms, overlap]", "arms={ticket: {}}", "best_of=null")


@pytest.fixture
def ledger(make_study: MakeStudy, finish: Finish) -> Ledger:
    """Three of four searches are finished, and one of them is measured."""
    grid = Grid(make_study(*ASKED), "small.yaml", {})
    runs = [finish(grid.config(cell), [0.5, 0.9, 0.6]) for cell in grid.cells[:3]]
    ledger = Ledger(grid)
    ledger.records.put(runs[0], Measurement("evaluate", "ece", 1), 0.125)
    ledger.records.put(runs[0], Measurement("probe", "digits", 0), 0.5)
    ledger.records.put(runs[0], Measurement("analyze", "weight-norms", 1), [("masked", "conv/kernel", 1.5)])
    ledger.records.put_pair("overlap", runs[0], runs[1], [("jaccard", "", 0.25)])
    return ledger


@pytest.fixture
def results(ledger: Ledger) -> Results:
    return Collector(ledger.grid.study, ledger.records).collect(ledger.standings())


def test_a_row_is_a_trained_network(results: Results) -> None:
    networks = results.networks
    assert list(networks) == network_columns(results.study)
    assert list(networks)[:5] == ["arm", "data.augment", "seed", "subset_seed", "mask_seed"]
    assert len(networks) == 9
    first = networks.iloc[1]
    assert (first["arm"], first["data.augment"], first["seed"], first["iteration"]) == ("ticket", "none", 0, 1)
    assert (first["labels_train"], first["labels_heldout"], first["heldout_accuracy"]) == (5, 3, 0.9)
    assert (first["evaluate_every"], first["admitted"], first["density"]) == (1, "", 0.8)
    assert first["run"].startswith("runs/ticket-none-s0-d0-")


def test_what_was_measured_stands_in_its_row_and_else_nothing(results: Results) -> None:
    assert results.networks["ece"].dropna().to_dict() == {1: 0.125}
    assert results.networks["probe_digits"].dropna().to_dict() == {0: 0.5}


def test_what_needs_no_network_stands_beside_those_of_its_run(ledger: Ledger) -> None:
    path = next(standing.run.path for standing in ledger.standings() if standing.run)
    found = Regression(train_images=5, test_images=8, test_accuracy=0.625, converged=True)
    regressions.write(path, Regressions(regressions={"colour_and_edges": found}))
    networks = Collector(ledger.grid.study, ledger.records).collect(Ledger(ledger.grid).standings()).networks
    assert networks.groupby("run")["regression"].max().dropna().to_dict() == {str(path): 0.625}


def test_analyses_have_a_row_a_number_and_name_the_other_run(results: Results) -> None:
    analyses = results.analyses
    assert list(analyses) == analysis_columns(results.study)
    assert analyses[["kind", "quantity", "layer", "iteration", "value"]].values.tolist() == [
        ["weight-norms", "masked", "conv/kernel", 1, 1.5],
        ["overlap", "jaccard", "", 1, 0.25],
    ]
    assert analyses["other"].tolist()[0] == "" and analyses["other"].tolist()[1].startswith("runs/ticket-none-s1-")


def test_tickets_are_compared_across_pairs_of_seeds_within_an_arm_and_setting(ledger: Ledger) -> None:
    finished = [standing for standing in ledger.standings() if standing.run]
    found = [(str(a.cell), str(b.cell)) for a, b in pairs(ledger.grid.study, finished)]
    assert found == [("ticket, augment none, seeds 0/0", "ticket, augment none, seeds 1/1")]


def test_tables_are_read_as_they_were_written(results: Results, tmp_path: Path) -> None:
    (tmp_path / STUDY).write_text(results.study.to_yaml())
    write_results(tmp_path, results)
    read = read_results(tmp_path)
    assert read.study == results.study
    for found, expected in ((read.networks, results.networks), (read.analyses, results.analyses)):
        pd.testing.assert_frame_equal(found, expected, check_dtype=False)


def test_other_folders_are_told(results: Results, tmp_path: Path) -> None:
    with pytest.raises(UserError, match=r"is no study's folder: it has no study\.yaml"):
        read_results(tmp_path)
    (tmp_path / STUDY).write_text(results.study.to_yaml())
    with pytest.raises(UserError, match=rf"{NETWORKS} cannot be read: .*start the study again"):
        read_results(tmp_path)
    assert not (tmp_path / ANALYSES).exists()
