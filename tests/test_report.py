from __future__ import annotations

import json
from pathlib import Path

import pytest

from tf_dlth import report, study

from .studies.conftest import MakeStudy, make_study

__all__ = ["make_study"]

EXAMPLE = Path(__file__).parents[1] / "saved_tickets" / "digits-example"


def test_a_run_on_a_page(finished, tmp_path: Path, capsys: pytest.CaptureFixture[str]):
    out, result = tmp_path / "out", tmp_path / "result.json"
    assert report.main([str(finished.path), "--out", str(out), "--json", str(result)]) == 0
    printed = capsys.readouterr()
    assert printed.err == "" and f"written: {out}/index.html and " in printed.out
    (record,) = json.loads(result.read_text())
    assert record["lead"] in printed.out and record["title"] == "Run tiny"
    suffixes = {path.suffix for path in out.iterdir()}
    assert suffixes == {".html", ".csv", ".svg", ".png", ".json"}
    before = {path.name: path.read_bytes() for path in out.iterdir()}
    assert report.main([str(finished.path), "--out", str(out)]) == 0
    assert {path.name: path.read_bytes() for path in out.iterdir()} == before


def test_two_runs_on_a_page(finished, tmp_path: Path):
    assert report.main([str(finished.path), str(EXAMPLE), "--out", str(tmp_path)]) == 0
    assert (tmp_path / "tiny-rules.csv").is_file() and (tmp_path / "digits-example-rules.csv").is_file()


def test_a_file_of_someone_elses_stays(finished, tmp_path: Path, capsys: pytest.CaptureFixture[str]):
    (tmp_path / "rules.csv").write_text("mine")
    assert report.main([str(finished.path), "--out", str(tmp_path)]) == 2
    assert "rules.csv was not made by this command" in capsys.readouterr().err
    assert [path.name for path in tmp_path.iterdir()] == ["rules.csv"]


def test_other_weights(finished, tmp_path: Path):
    assert report.main([str(finished.path), "--out", str(tmp_path), "--weights", "last"]) == 0
    assert "(last weights)" in (tmp_path / "index.html").read_text()


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (["nowhere", "--out", "out"], "nowhere does not exist"),
        (["."], "--out"),
        ([str(EXAMPLE), "--out", str(Path(__file__))], "is no folder"),
        ([str(EXAMPLE.parent), "--out", "out"], "neither a run nor a study"),
        ([str(EXAMPLE), str(EXAMPLE), "--out", "out"], "the same name"),
    ],
)
def test_mistakes_are_one_line(
    words: list[str], message: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
):
    monkeypatch.chdir(tmp_path)
    assert report.main(words) == 2
    error = capsys.readouterr().err
    assert message in error and error.count("\n") == 1
    assert list(tmp_path.iterdir()) == []


def test_a_study_on_a_page(make_study: MakeStudy, tmp_path: Path, capsys: pytest.CaptureFixture[str]):
    """Trained, written for TensorBoard, reported twice alike."""
    make_study()
    small = ["seeds=[0]", "axes={data.augment: [none]}", "best_of=null", "arms={ticket: {}}", "show=[table, density]",
             "claims=[ticket-beats-matched]", "scale=a linear network"]  # fmt: skip
    assert study.main(["--config", "small.yaml", "directory=runs", "--workers", "1", *small]) == 0
    assert "TensorBoard: runs/small/tensorboard" in capsys.readouterr().out
    (run,) = [path for path in Path("runs/small/tensorboard").iterdir() if path.is_dir()]
    assert list(run.glob("events.out.tfevents*"))
    assert report.main(["runs/small", "--out", "out", "--json", "record.json"]) == 0
    (record,) = json.loads(Path("record.json").read_text())
    assert record["lead"] == "Scale: a linear network. Of 1 claim, 1 is not tested."
    names = {path.name for path in Path("out").iterdir()}
    assert {"index.html", "main.csv", "rules.csv", "runs.csv", "claims.csv", "density.svg", "density.png"} <= names
    _, command = Path("out/runs.csv").read_text().splitlines()
    assert "python -m tf_dlth.train --config runs/" in command
    before = {path.name: path.read_bytes() for path in Path("out").iterdir()}
    assert report.main(["runs/small", "--out", "out"]) == 0
    assert {path.name: path.read_bytes() for path in Path("out").iterdir()} == before
