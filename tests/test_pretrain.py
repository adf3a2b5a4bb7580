from __future__ import annotations

import json
from pathlib import Path

import pytest

from tf_dlth.pretrain import main

TINY = """
name: encoder
data: {dataset: digits, per_class: 7, heldout_per_class: 0}
model: {architecture: "ARCHITECTURE", width: 4}
training: {epochs: 3}
pruning: {rewind_epochs: 1}
pretrain: {epochs: 1, batch_size: 25, learning_rate: 0.05, projection: 8}
"""


def test_the_command(own_networks: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    file, report = tmp_path / "encoder.yaml", tmp_path / "report.json"
    file.write_text(TINY.replace("ARCHITECTURE", f"{own_networks}:convolutional"))
    words = ["--config", str(file), f"output.directory={tmp_path}", "--json", str(report)]
    assert main(words) == 0
    printed = capsys.readouterr().out
    assert "70 digits images without labels" in printed
    assert f"encoder: {tmp_path}/encoder/encoder.safetensors" in printed
    (record,) = json.loads(report.read_text())
    assert record["run"] == f"{tmp_path}/encoder"
    assert record["status"] == "finished"

    assert main(words) == 0
    assert f"{tmp_path}/encoder is finished already; its encoder: " in capsys.readouterr().out
    assert main([*words, "seed=1"]) == 2
    assert "differs in seed" in capsys.readouterr().err
    assert main([*words, "seed=1", "--allow-change", "seed"]) == 2
    assert "--allow-change seed: only these may change within a run" in capsys.readouterr().err
    assert main([*words, "seed=1", "--overwrite"]) == 0
    assert json.loads(report.read_text())[0]["seed"] == 1


def test_a_misspelt_key_is_told_the_right_one(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (tmp_path / "encoder.yaml").write_text(TINY)
    assert main(["--config", str(tmp_path / "encoder.yaml"), "pretrain.epoch=1"]) == 2
    assert "did you mean pretrain.epochs?" in capsys.readouterr().err
