"""The export command: what it prints and writes, and what it says of a mistake."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from tf_dlth import __main__
from tf_dlth.export import main


def test_the_table_and_the_folder(finished, tmp_path: Path, capfd: pytest.CaptureFixture[str]) -> None:
    (tmp_path / "out").mkdir()
    words = [
        finished.path / "iteration_02",
        "--format",
        "onnx",
        "--out",
        tmp_path / "out",
        "--json",
        tmp_path / "o.json",
    ]
    assert __main__.main(["export", *map(str, words)]) == 0
    printed = capfd.readouterr()
    assert printed.err == ""
    assert "logits" in printed.out and f"{tmp_path / 'out'}: onnx; what is above is in export.json" in printed.out
    (record,) = json.loads((tmp_path / "o.json").read_text())
    assert record == json.loads((tmp_path / "out" / "export.json").read_text())
    assert sorted(p.name for p in (tmp_path / "out").iterdir()) == ["assets", "export.json", "model.onnx"]


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (["{run}", "--format", "onnx", "--out", "full"], "--out full: is not empty; name a new folder"),
        (["{run}", "--format", "onnx", "--out", "full/file"], "--out full/file: is no folder; name a new one"),
        (["{run}", "--format", "onnx", "--out", "new", "--int8"], "--int8: --format onnx has floating-point numbers"),
        (["{run}", "--format", "caffe", "--out", "new"], "argument --format: invalid choice: 'caffe'"),
        (["nowhere", "--format", "onnx", "--out", "new"], "nowhere does not exist or is no folder"),
        (["full", "--format", "onnx", "--out", "new"], "full is no ticket"),
        (["{run}/iteration_00", "--format", "compact"], "the following arguments are required: --out"),
        (
            ["{run}/iteration_00/saved_model", "--format", "compact", "--out", "new"],
            "{run}/iteration_00/saved_model is",
        ),
    ],
)
def test_a_mistake_is_one_line(
    finished, tmp_path: Path, words: list[str], message: str, capfd: pytest.CaptureFixture[str], monkeypatch
) -> None:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "full").mkdir()
    (tmp_path / "full" / "file").write_text("mine")
    assert main([word.format(run=finished.path) for word in words]) == 2
    written = capfd.readouterr()
    assert written.out == ""
    assert written.err.startswith(f"error: {message.format(run=finished.path)}")
    assert written.err.count("\n") == 1
    assert [path.name for path in tmp_path.iterdir()] == ["full"]
