from __future__ import annotations

import json
from pathlib import Path

import pytest

from tf_dlth.card import main

EXAMPLE = Path(__file__).parents[1] / "saved_tickets" / "digits-example"


def test_to_standard_output_or_a_file_with_its_figure(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main([str(EXAMPLE)]) == 0
    printed = capsys.readouterr().out
    out = tmp_path / "card" / "README.md"
    assert main([str(EXAMPLE), "--out", str(out), "--json", str(tmp_path / "card.json")]) == 0
    assert out.read_text() == printed and printed.startswith("---\nlibrary_name: tf_dlth\n")
    figure = out.with_name("accuracy_by_density.png")
    assert figure.read_bytes() == (EXAMPLE / "accuracy_by_density.png").read_bytes()
    assert json.loads((tmp_path / "card.json").read_text())[0]["metrics"] == ["accuracy"]
    assert main([str(EXAMPLE), "--out", str(out)]) == 0  # its own card is written anew


def test_what_is_there_stays(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    out, figure = tmp_path / "README.md", tmp_path / "accuracy_by_density.png"
    figure.write_bytes(b"mine")
    assert main([str(EXAMPLE), "--out", str(out)]) == 2
    assert f"{figure} is another figure" in capsys.readouterr().err and not out.exists()
    out.write_text("mine")
    assert main([str(EXAMPLE), "--out", str(out)]) == 2
    assert "is no card that this command made" in capsys.readouterr().err
    assert (out.read_text(), figure.read_text()) == ("mine", "mine")
