from __future__ import annotations

import json
from pathlib import Path

import pytest

from tf_dlth import report

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
