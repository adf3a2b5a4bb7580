"""The predict command: what it prints and writes, and what it says of a mistake."""

from __future__ import annotations

import csv
import json
import shutil
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from tf_dlth import evaluate
from tf_dlth.data import load_data
from tf_dlth.predict import main


@pytest.fixture
def digits(finished, tmp_path: Path) -> Path:
    """Forty test images in class folders."""
    test = load_data(finished.config.data).test.take(np.arange(40))
    for name, pixels, label in zip(test.names, test.read(np.arange(40)), test.labels, strict=True):
        folder = tmp_path / "digits" / str(label)
        folder.mkdir(parents=True, exist_ok=True)
        Image.fromarray(pixels[:, :, 0]).save(folder / f"{name}.png")
    return tmp_path / "digits"


def rows(path: Path) -> list[dict[str, str]]:
    with path.open(encoding="utf-8", newline="") as file:
        return list(csv.DictReader(file))


def test_it_says_what_evaluate_counts(finished, digits: Path, tmp_path: Path, capfd: pytest.CaptureFixture[str]):
    out, report, counted = tmp_path / "new" / "out.csv", tmp_path / "out.json", tmp_path / "counted.json"
    words = [finished.path, digits, "--csv", out, "--json", report]
    assert main([str(word) for word in words]) == 0
    printed = capfd.readouterr()
    assert printed.err == ""
    found = rows(out)
    assert list(found[0]) == ["file", "class", "probability"]
    assert [row["file"] for row in found] == sorted(str(path) for path in digits.rglob("*.png"))
    assert json.loads(report.read_text()) == [{**row, "probability": float(row["probability"])} for row in found]
    for row in found:  # the file has six digits, of which the fifth may have been rounded up to a five
        assert {f"{float(row['probability']) + change:.4f}" for change in (-5e-7, 5e-7)} & set(printed.out.split())
    evaluate.main([str(finished.path), "--data", str(digits), "--json", str(counted)])
    (measured,) = json.loads(counted.read_text())
    hits = [Path(row["file"]).parent.name == row["class"] for row in found]
    assert np.mean(hits) == measured["accuracy"]
    assert 0 < np.mean(hits) < 1


def test_ranks_and_single_files_in_the_order_given(finished, digits: Path, tmp_path: Path) -> None:
    two = [str(path) for path in sorted(digits.rglob("*.png"))[:2]][::-1]
    out = tmp_path / "out.csv"
    assert main([str(finished.path / "iteration_00"), *two, "--top", "3", "--csv", str(out)]) == 0
    assert [row["file"] for row in rows(out)] == [name for name in two for _ in range(3)]
    assert len({row["class"] for row in rows(out)[:3]}) == 3


def test_a_moved_ticket_and_its_saved_model_agree(finished, digits: Path, tmp_path: Path) -> None:
    moved = shutil.copytree(finished.path / "iteration_01", tmp_path / "moved")
    served = shutil.copytree(moved / "saved_model", tmp_path / "served")
    for ticket in (moved, served):
        assert main([str(ticket), str(digits), "--csv", str(ticket.with_suffix(".csv"))]) == 0
    one, other = (rows(ticket.with_suffix(".csv")) for ticket in (moved, served))
    assert [row["class"] for row in one] == [row["class"] for row in other]


def test_unreadable_ones_are_named_and_the_others_done(
    finished, digits: Path, tmp_path: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    damaged = [digits / "0" / "torn.png", digits / "1" / "text.jpg"]
    for path in damaged:
        path.write_text("no image")
    assert main([str(finished.path), str(digits), "--csv", str(tmp_path / "out.csv")]) == 1
    lines = capfd.readouterr().err.splitlines()
    for line, path in zip(lines, damaged, strict=False):
        assert line.startswith(f"skipped: image {path} cannot be read (no image format")
    assert lines[2:] == ["error: 2 of 42 images could not be read"]
    assert len(rows(tmp_path / "out.csv")) == 40


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (["{run}", "text.png"], "image text.png cannot be read (no image format that can be read)"),
        (["{run}", "empty"], "empty holds no images (.jpg, .jpeg, .png"),
        (["{run}", "nowhere.png"], "nowhere.png is neither a file nor a folder"),
        (["nowhere", "text.png"], "nowhere does not exist or is no folder"),
        (["empty", "text.png"], "empty is no ticket"),
        (["{run}", "text.png", "--csv", "empty"], "--csv empty: cannot be written there"),
        (["{run}", "text.png", "--csv", "text.png/out.csv"], "--csv text.png/out.csv: cannot be written there"),
        (["{run}", "text.png", "--top", "0"], "argument --top: must be a whole number from 1, got '0'"),
        (["{run}", "text.png", "--top", "x"], "argument --top: must be a whole number from 1, got 'x'"),
        (
            ["{run}/iteration_01/saved_model", "text.png", "--weights", "last"],
            "{run}/iteration_01/saved_model is a Saved",
        ),
        (["{run}"], "the following arguments are required: IMAGE|FOLDER"),
    ],
)
def test_a_mistake_is_one_line(
    finished, tmp_path: Path, words: list[str], message: str, capfd: pytest.CaptureFixture[str], monkeypatch
) -> None:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "empty").mkdir()
    (tmp_path / "text.png").write_text("no image")
    assert main([word.format(run=finished.path) for word in words]) == 2
    written = capfd.readouterr()
    assert written.out == ""
    assert written.err.startswith(f"error: {message.format(run=finished.path)}")
    assert written.err.count("\n") == 1
    assert sorted(path.name for path in tmp_path.iterdir()) == ["empty", "text.png"]
