"""The command from its words to its files."""

from __future__ import annotations

import csv
import json
from pathlib import Path

import pytest

from tf_dlth import analyze

KINDS = {
    "density": ["iteration_02"],
    "cka": ["iteration_02", "iteration_00"],
    "branch-norms": ["iteration_02"],
    "weight-norms": ["iteration_02"],
    "overlap": ["iteration_02", "iteration_01"],
    "curves": [""],
    "longtail": [],
    "fit": [""],
}
"""What each is given of the tiny run; an empty word is the run itself."""


def command(kind: str, paths: list[Path], out: Path, *words: str) -> int:
    return analyze.main([kind, *map(str, paths), "--out", str(out), *words])


@pytest.mark.parametrize("kind", KINDS)
def test_every_kind_writes_a_table_figures_and_records(finished, tmp_path: Path, capsys, kind: str):
    out, record = tmp_path / "out", tmp_path / "record.json"
    paths = [finished.path / name for name in KINDS[kind]]
    assert command(kind, paths, out, "--json", str(record)) == 0
    assert sorted(p.name for p in out.iterdir()) == ["analysis.json", f"{kind}.csv", f"{kind}.png", f"{kind}.svg"]
    assert (out / f"{kind}.png").read_bytes()[:8] == b"\x89PNG\r\n\x1a\n"
    assert len(list(csv.DictReader((out / f"{kind}.csv").read_text().splitlines()))) > 1
    records = json.loads(record.read_text())
    assert isinstance(records, list) and records
    settings = json.loads((out / "analysis.json").read_text())["analyses"][kind]["settings"]
    assert settings["paths"] == [str(path) for path in paths]
    printed = capsys.readouterr().out
    assert f"written: {out / f'{kind}.csv'}" in printed
    first = (out / f"{kind}.csv").read_bytes()
    assert command(kind, paths, out) == 0
    assert (out / f"{kind}.csv").read_bytes() == first


def test_other_images(finished, tmp_path: Path):
    """All digits instead of the run's own test images, which are the same ones: the same numbers."""
    record = tmp_path / "record.json"
    ticket = [finished.path / "iteration_02"]
    ratios = []
    for words in ([], ["--data", "digits"]):
        assert command("branch-norms", ticket, tmp_path / "out", "--json", str(record), *words) == 0
        ratios.append(json.loads(record.read_text())[0]["blocks"])
    assert ratios[0] == ratios[1]


@pytest.mark.parametrize(
    ("kind", "names", "words", "message"),
    [
        ("densities", ["iteration_01"], [], "argument KIND: invalid choice: 'densities'"),
        ("overlap", ["iteration_01"], [], "overlap takes 2 or more tickets or runs, not 1"),
        ("cka", ["iteration_00", "iteration_01", "iteration_02"], [], "cka takes 1 or 2 tickets or runs, not 3"),
        ("density", [], [], "density takes 1 or more tickets or runs, not 0"),
        ("density", ["iteration_01"], ["--weights", "last"], "density does not look at --weights; leave it out"),
        ("curves", [""], ["--data", "digits"], "curves does not look at --data; leave it out"),
        ("density", ["nowhere"], [], "nowhere does not exist or is no folder"),
        ("density", ["tensorboard"], [], "tensorboard is no ticket"),
        ("curves", ["iteration_01"], [], "iteration_01 holds no iterations.csv"),
        ("cka", ["iteration_01"], ["--devices", "gpu:7"], "--devices gpu:7"),
        ("cka", ["iteration_01"], ["--data", "nowhere"], "--data nowhere is neither a folder nor one of"),
    ],
)
def test_a_mistake_is_one_line_and_exit_2(finished, tmp_path: Path, capsys, kind, names, words, message):
    paths = [finished.path / name for name in names]
    assert command(kind, paths, tmp_path / "out", *words) == 2
    error = capsys.readouterr().err
    assert message in error
    assert error.count("\n") == 1
    assert not (tmp_path / "out").exists()


def test_a_users_file_is_known_before_anything_is_computed(finished, tmp_path: Path, capsys):
    (tmp_path / "cka.png").write_text("mine")
    assert command("cka", [finished.path / "nowhere"], tmp_path) == 2
    assert "cka.png was not made by this command" in capsys.readouterr().err
    assert (tmp_path / "cka.png").read_text() == "mine"
