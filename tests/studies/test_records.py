from __future__ import annotations

from pathlib import Path

import pytest

from tf_dlth.studies.records import Asked, Measurement, Records, measured_iterations, measurements
from tf_dlth.studies.runs import StoredRun

from ..conftest import Tiny
from .conftest import Finish

CHOSEN = Asked(("ece",), ("digits",), ("density", "weight-norms", "cka", "overlap"), all_iterations=False)
ALL = Asked(("ece",), (), (), all_iterations=True)


@pytest.fixture
def run(tiny: Tiny, finish: Finish, tmp_path: Path) -> StoredRun:
    """Iteration 2 wins by held-out images, 1 by the other rules, where all are equal."""
    return finish(tiny(tmp_path), [0.9, 0.5, 0.7, 0.6])


def test_the_dense_network_and_what_any_rule_chose_are_measured(run: StoredRun) -> None:
    assert measured_iterations(run, CHOSEN) == [0, 1, 2]
    assert measured_iterations(run, ALL) == [0, 1, 2, 3]


def test_what_is_asked_of_each_ticket(run: StoredRun) -> None:
    asked: dict[tuple[str, str], list[int]] = {}
    for wanted in measurements(run, CHOSEN):
        asked.setdefault((wanted.kind, wanted.name), []).append(wanted.iteration)
    assert asked == {
        ("evaluate", "ece"): [0, 1, 2],
        ("probe", "digits"): [0, 1, 2],
        ("analyze", "density"): [1, 2],
        ("analyze", "weight-norms"): [1, 2],
        ("analyze", "cka"): [0, 1, 2],
    }


def test_the_papers_sparsest_ticket_shows_its_layers_too(tiny: Tiny, finish: Finish, tmp_path: Path) -> None:
    run = finish(tiny(tmp_path), [0.5, 0.9, *[0.5] * 15])
    asked = Asked((), (), ("density",), all_iterations=False)
    assert [wanted.iteration for wanted in measurements(run, asked)] == [1, 15]


def test_a_number_is_kept_once_and_found_again(run: StoredRun, tmp_path: Path) -> None:
    wanted = Measurement("evaluate", "ece", 1)
    assert Records(tmp_path).get(run, wanted) is None
    Records(tmp_path).put(run, wanted, 0.25)
    assert Records(tmp_path).get(run, wanted) == 0.25
    assert wanted not in Records(tmp_path).missing(run, CHOSEN)
    assert Measurement("evaluate", "ece", 2) in Records(tmp_path).missing(run, CHOSEN)


def test_lines_without_a_number_are_kept_as_null(run: StoredRun, tmp_path: Path) -> None:
    records, wanted = Records(tmp_path), Measurement("analyze", "cka", 1)
    records.put(run, wanted, [("early_mean", "", float("nan")), ("widest_block", "", 3)])
    assert records.get(run, wanted) == [["early_mean", "", None], ["widest_block", "", 3]]


def test_a_probe_with_other_settings_is_another_one(tiny: Tiny, finish: Finish, tmp_path: Path) -> None:
    wanted = Measurement("probe", "digits", 0)
    records = Records(tmp_path)
    records.put(finish(tiny(tmp_path), [0.5]), wanted, 0.5)
    assert records.get(finish(tiny(tmp_path, "probe.epochs=3"), [0.5], name="other"), wanted) is None


def test_two_runs_are_compared_once(run: StoredRun, tiny: Tiny, finish: Finish, tmp_path: Path) -> None:
    other, records = finish(tiny(tmp_path, "seed=1"), [0.5, 0.6], name="other"), Records(tmp_path)
    records.put_pair("overlap", run, other, [("jaccard", "", 0.5)])
    assert records.get_pair("overlap", run, other) == [["jaccard", "", 0.5]]
    assert records.get_pair("overlap", other, run) is None
