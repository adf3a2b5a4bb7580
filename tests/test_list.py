from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import pytest

from tf_dlth.list import main

ROOT = Path(__file__).parents[1]


def test_the_folder_of_runs_is_the_default(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.chdir(ROOT)
    assert main(["--json", str(tmp_path / "list.json")]) == 0
    assert "digits-example" in capsys.readouterr().out
    records = json.loads((tmp_path / "list.json").read_text())
    (example,) = [record for record in records if record["name"] == "digits-example"]
    assert example["winner"] == 15 and "reason" not in example


def test_an_empty_folder_and_none(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main([str(tmp_path)]) == 0
    assert capsys.readouterr().out == f"{tmp_path} holds no runs\n"
    assert main([str(tmp_path / "none")]) == 2
    assert capsys.readouterr().err == f"error: {tmp_path / 'none'} does not exist or is no folder\n"


def test_it_imports_no_tensorflow() -> None:
    code = f"import sys; from tf_dlth.list import main; main([{str(ROOT / 'saved_tickets')!r}]); print(*sys.modules)"
    done = subprocess.run([sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True, check=True)
    assert "digits-example" in done.stdout
    assert not {"tensorflow", "tf_keras", "matplotlib"} & set(done.stdout.split())
