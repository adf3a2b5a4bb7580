from __future__ import annotations

from typing import get_args

import pytest

from tf_dlth.config.study import Analysis, Measure
from tf_dlth.evaluation.evaluator import Evaluator
from tf_dlth.evaluation.measuring import Wanted
from tf_dlth.studies.measuring import LINES, MEASURES, Measuring, needs_trust, overlap, weights_of
from tf_dlth.studies.records import Measurement
from tf_dlth.studies.runs import StoredRun, stored_run

from ..conftest import Finished, Tiny


@pytest.fixture
def run(finished: Finished) -> StoredRun:
    found = stored_run(finished.path)
    assert found is not None
    return found


@pytest.fixture
def measure(run: StoredRun) -> Measuring:
    return Measuring(run, {}, "all")


def test_every_measure_and_analysis_of_a_study_is_known() -> None:
    assert set(MEASURES) == set(get_args(Measure)) and set(LINES) == set(get_args(Analysis))


def test_the_weights_that_heldout_images_chose_are_measured(run: StoredRun, measure: Measuring) -> None:
    assert weights_of(run) == "heldout"
    evaluator = Evaluator(None, lambda data: data)
    record = evaluator.measure(
        Wanted(ece=True), str(run.path / "iteration_01"), "heldout", False, None, None, lambda *_: None
    )
    assert measure(Measurement("evaluate", "ece", 1)) == record["ece"]


def test_attacks_lower_the_accuracy(run: StoredRun, measure: Measuring) -> None:
    clean = run.rows[1].test_accuracy_heldout
    assert clean is not None and 0 <= measure(Measurement("evaluate", "fgsm", 1)) <= clean


def test_a_probe_takes_the_runs_own_settings(finished: Finished, measure: Measuring) -> None:
    object.__setattr__(measure._run, "__dict__", {**measure._run.__dict__})
    finished_config = measure._run.config
    measure._run.__dict__["config"] = finished_config.model_copy(
        update={"probe": finished_config.probe.model_copy(update={"epochs": 1})}
    )
    assert 0 < measure(Measurement("probe", "digits", 0)) < 1


def test_lines_of_analyses(run: StoredRun, measure: Measuring) -> None:
    density = measure(Measurement("analyze", "density", 1))
    assert {quantity for quantity, _, _ in density} == {"density", "null_theta_0", "null_theta_r"}
    assert all(layer and 0 <= value <= 1 for _, layer, value in density)
    norms = measure(Measurement("analyze", "weight-norms", 1))
    assert [quantity for quantity, layer, _ in norms if layer == ""] == ["masked", "magnitude", "whole"]
    cka = measure(Measurement("analyze", "cka", 1))
    assert [quantity for quantity, _, _ in cka] == ["early_mean", "widest_block"]
    branches = measure(Measurement("analyze", "branch-norms", 1))
    assert [quantity for quantity, _, _ in branches] == ["ratio"] * 8 + ["mean"]
    assert branches[-1][1] == "" and branches[0][1] != ""


def test_overlap_of_two_runs(run: StoredRun, tmp_path_factory: pytest.TempPathFactory) -> None:
    import shutil

    copy = stored_run(shutil.copytree(run.path, tmp_path_factory.mktemp("copy") / "tiny"))
    assert copy is not None
    found = overlap(run, copy)
    (total,) = [value for quantity, layer, value in found if (quantity, layer) == ("jaccard", "")]
    assert total == 1
    assert {quantity for quantity, _, _ in found} == {"jaccard", "expected"}


def test_only_an_architecture_of_ones_own_needs_trust(run: StoredRun, quick: Tiny) -> None:
    assert not needs_trust(run.config) and needs_trust(quick())
