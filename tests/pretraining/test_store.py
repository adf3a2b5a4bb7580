from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

from tf_dlth import files
from tf_dlth.config import parse_config
from tf_dlth.errors import UserError
from tf_dlth.pretraining.store import keep_encoder
from tf_dlth.runs.facts import Facts, read_facts
from tf_dlth.runs.folder import RunFolder

WEIGHTS = {"conv/kernel": np.arange(6, dtype=np.float32).reshape(2, 3), "bn/gamma": np.ones(3, np.float32)}


@pytest.fixture
def folder(tmp_path: Path, make_facts: Callable[..., Facts]) -> RunFolder:
    settings = parse_config("name: encoder")
    digest = settings.sha256("pretrain")
    facts = make_facts(status="running", config_sha256=digest, pretraining={"method": "simclr"})
    made = RunFolder(tmp_path, "pretrain", facts)
    made.begin(settings, {})
    return made


def test_run_json_names_the_encoder_and_its_digest(folder: RunFolder) -> None:
    keep_encoder(folder, WEIGHTS, nt_xent=1.5, knn_accuracy=0.5)
    facts = files.read_json(folder.path / "run.json")
    assert (facts["status"], facts["nt_xent"], facts["knn_accuracy"]) == ("finished", 1.5, 0.5)
    entry = facts["encoder"]
    found = files.read_tensors(folder.path / entry["file"], entry["sha256"])
    assert found.keys() == WEIGHTS.keys()
    for name, values in WEIGHTS.items():
        np.testing.assert_array_equal(found[name], values)


def test_an_encoder_that_cannot_be_written_is_not_said_to_be_finished(
    folder: RunFolder, monkeypatch: pytest.MonkeyPatch
) -> None:
    def full(path: Path, tensors: object) -> str:
        raise UserError(f"cannot write {path}")

    monkeypatch.setattr(files, "write_tensors", full)
    with pytest.raises(UserError, match=r"encoder\.safetensors"):
        keep_encoder(folder, WEIGHTS)
    facts = read_facts(folder.path)
    assert facts is not None and facts.status == "running"
