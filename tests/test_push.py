from __future__ import annotations

import io
import json
import os
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

import tf_dlth
from tf_dlth import evaluate, predict
from tf_dlth.push import main

from .hub import TOKEN, Hub

EXAMPLE = Path(__file__).parents[1] / "saved_tickets" / "digits-example"
TICKET = EXAMPLE / "iteration_15"
REPOSITORY = "owner/digits"


@pytest.fixture
def pushed(hub: Hub, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> str:
    """The reference of the example ticket on the Hub; the token is gone again."""
    monkeypatch.setenv("HF_TOKEN", TOKEN)
    assert main([str(EXAMPLE), f"hf://{REPOSITORY}", "--yes", "--json", str(tmp_path / "pushed.json")]) == 0
    monkeypatch.delenv("HF_TOKEN")
    (record,) = json.loads((tmp_path / "pushed.json").read_text())
    return f"hf://{REPOSITORY}@{record['revision']}"


def test_all_that_a_ticket_needs_goes_up(
    hub: Hub, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("HF_TOKEN", TOKEN)
    assert main([str(EXAMPLE), f"hf://{REPOSITORY}", "--yes"]) == 0
    ((revision, files),) = hub.commits[REPOSITORY].items()
    own = {path.relative_to(TICKET).as_posix(): path for path in TICKET.rglob("*") if path.is_file()}
    beside = {name: EXAMPLE / name for name in ("rewind.safetensors", "accuracy_by_density.png")}
    assert files.keys() == {"README.md", *own, *beside}
    assert all(files[name] == path.read_bytes() for name, path in {**own, **beside}.items())
    assert f'load_ticket("hf://{REPOSITORY}@REVISION")' in files["README.md"].decode()
    printed = capsys.readouterr().out
    assert f"uploaded: hf://{REPOSITORY}@{revision}" in printed and f"{len(files)} files, " in printed
    size = f"{(TICKET / 'mask.safetensors').stat().st_size:,}"
    assert [line.split() for line in printed.splitlines() if "mask" in line] == [["mask.safetensors", size, "new"]]


def test_it_is_the_ticket_that_was_pushed(pushed: str) -> None:
    ours, theirs = tf_dlth.load_ticket(EXAMPLE), tf_dlth.load_ticket(pushed)
    theirs.verify()
    for name, tensor in ours.rewind.items():
        np.testing.assert_array_equal(theirs.rewind[name], tensor)
    for name, tensor in ours.weights("last").items():
        np.testing.assert_array_equal(theirs.weights("last")[name], tensor)


def test_evaluate_and_predict_from_the_hub(hub: Hub, pushed: str, tmp_path: Path) -> None:
    before = len(hub.asked)
    assert evaluate.main([pushed, "--json", str(tmp_path / "measured.json")]) == 0
    (record,) = json.loads((tmp_path / "measured.json").read_text())
    assert record["ticket"] == pushed
    assert record["accuracy"] == pytest.approx(0.944603629417383, abs=2 / 1047)  # another CPU may round a near tie
    asked = {line.rpartition("/")[2] for line in hub.asked[before:]}
    assert asked == {"ticket.json", "mask.safetensors", "weights_heldout.safetensors"}  # and no SavedModel
    from PIL import Image

    Image.fromarray(np.zeros((8, 8), np.uint8)).save(tmp_path / "a.png")
    assert predict.main([pushed, str(tmp_path / "a.png"), "--csv", str(tmp_path / "a.csv")]) == 0
    assert len((tmp_path / "a.csv").read_text().splitlines()) == 2


def test_other_content_than_the_manifest_states_is_refused(
    hub: Hub, pushed: str, capsys: pytest.CaptureFixture[str]
) -> None:
    weights = (TICKET / "weights.safetensors").read_bytes()
    revision = hub.commit(REPOSITORY, {"weights_heldout.safetensors": weights})
    assert evaluate.main([f"hf://{REPOSITORY}@{revision}"]) == 2
    assert "expected SHA-256" in capsys.readouterr().err


@pytest.mark.parametrize("command", [evaluate.main, predict.main])
def test_a_branch_is_no_revision(command, capsys: pytest.CaptureFixture[str]) -> None:
    assert command([f"hf://{REPOSITORY}@main", *(["a.png"] if command is predict.main else [])]) == 2
    error = capsys.readouterr().err
    assert "is not pinned" in error and error.count("\n") == 1


def test_nothing_goes_up_without_a_token_or_a_yes(
    hub: Hub, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    words = [str(TICKET), f"hf://{REPOSITORY}"]
    assert main([*words, "--yes"]) == 2
    assert "hf auth login" in capsys.readouterr().err
    monkeypatch.setenv("HF_TOKEN", TOKEN)
    assert main(words) == 2
    assert "pass --yes" in capsys.readouterr().err
    terminal = io.StringIO("n\n")
    monkeypatch.setattr(terminal, "isatty", lambda: True)
    monkeypatch.setattr("sys.stdin", terminal)
    assert main(words) == 0
    assert "nothing was uploaded" in capsys.readouterr().out
    assert not any(line.startswith("POST") for line in hub.asked)


def test_the_environment_names_the_hub_and_the_token(hub: Hub, tmp_path: Path) -> None:
    environment = {**os.environ, "HF_ENDPOINT": hub.url, "HF_TOKEN": TOKEN, "HF_HOME": str(tmp_path)}
    words = [sys.executable, "-m", "tf_dlth.push", str(EXAMPLE), f"hf://{REPOSITORY}", "--yes"]
    done = subprocess.run(words, env=environment, capture_output=True, text=True, check=False)
    assert (done.returncode, done.stderr) == (0, "")
    assert f"uploaded: hf://{REPOSITORY}@{list(hub.commits[REPOSITORY])[-1]}" in done.stdout


def test_what_would_be_replaced_is_said(
    hub: Hub, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    hub.commit(REPOSITORY, {"README.md": b"mine"})
    monkeypatch.setenv("HF_TOKEN", TOKEN)
    main([str(TICKET), f"hf://{REPOSITORY}"])
    lines = [line.split() for line in capsys.readouterr().out.splitlines()]
    assert [line[0] for line in lines if line[-2:] == ["replaces", "one"]] == ["README.md"]


def test_a_damaged_ticket_stays_here(damaged: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (damaged / "iteration_01" / "saved_model" / "saved_model.pb").write_bytes(b"")
    assert main([str(damaged / "iteration_01"), f"hf://{REPOSITORY}", "--yes"]) == 2
    assert "saved_model.pb is damaged" in capsys.readouterr().err
