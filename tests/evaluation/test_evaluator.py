from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from tf_dlth import evaluate
from tf_dlth.evaluation import measuring
from tf_dlth.evaluation.evaluator import Evaluator
from tf_dlth.evaluation.measuring import Wanted
from tf_dlth.evaluation.robustness import Attack


@pytest.fixture(autouse=True)
def own_cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))


def evaluated(path: Path, *words: object) -> list[dict[str, Any]]:
    assert evaluate.main([*map(str, words), "--json", str(path / "found.json")]) == 0
    return json.loads((path / "found.json").read_text())


def test_a_whole_run_with_every_measure(finished: Any, tmp_path: Path, capfd: pytest.CaptureFixture[str]) -> None:
    records = evaluated(tmp_path, finished.path, "--iterations", "all", "--ece", "--attack", "fgsm")
    assert [record["iteration"] for record in records] == [0, 1, 2]
    for record in records:
        entry = json.loads((Path(record["ticket"]) / "ticket.json").read_text())
        assert record["accuracy"] == entry["weights"]["heldout"]["test_accuracy"]
        assert record["density"] == entry["density"]
        assert 0 <= record["ece"] <= 1
        assert record["attack"]["epsilon"] == pytest.approx(8 / 255)
    printed = capfd.readouterr().out
    assert all(f"iteration_{k:02d}" in printed for k in range(3))
    assert list(records[0])[:3] == ["ticket", "weights", "data"]


def test_nothing_is_measured_twice(finished: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    first = evaluated(tmp_path, finished.path, "--ece")

    def never(*arguments: Any) -> None:
        raise AssertionError("measured again")

    monkeypatch.setattr(measuring, "predict", never)
    assert evaluated(tmp_path, finished.path, "--ece") == first
    monkeypatch.undo()


@pytest.mark.parametrize(
    ("words", "line"),
    [
        (("--attack", "fgsm", "--epsilon", "2"), "--epsilon: must be above 0 and at most 1, such as 8/255, got '2'"),
        (("--attack", "cw"), "invalid choice: 'cw'"),
        (("--iterations", "some"), "invalid choice: 'some'"),
    ],
)
def test_mistakes(finished: Any, words: tuple[str, ...], line: str, capfd: pytest.CaptureFixture[str]) -> None:
    assert evaluate.main([str(finished.path), *words]) == 2
    assert line in capfd.readouterr().err


def test_a_saved_model_cannot_be_attacked(finished: Any, capfd: pytest.CaptureFixture[str]) -> None:
    folder = finished.path / "iteration_01" / "saved_model"
    assert evaluate.main([str(folder), "--data", "digits", "--attack", "pgd"]) == 2
    assert "is a SavedModel, which takes uint8 images and gives no gradient" in capfd.readouterr().err


def test_all_iterations_of_what_is_no_run(finished: Any, capfd: pytest.CaptureFixture[str]) -> None:
    assert evaluate.main([str(finished.path / "iteration_01"), "--iterations", "all"]) == 2
    assert "is no run with tickets" in capfd.readouterr().err


def test_progress_is_counted_in_images(finished: Any) -> None:
    heard: list[tuple[int, int]] = []
    evaluator = Evaluator(None, lambda config: config)
    wanted = Wanted(attack=Attack("fgsm", 0.1))
    found = evaluator.measure(
        wanted, str(finished.path), None, False, None, None, lambda done, of: heard.append((done, of))
    )
    assert found["n"] == 1047
    assert heard[0] == (250, 2094) and heard[-1] == (2094, 2094)
    assert np.all(np.diff([done for done, _ in heard]) >= 0)
    assert len(heard) == 2 * 5, "batches of 250"
