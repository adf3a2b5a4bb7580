"""The probe command: its record, its output, its mistakes, and its end by a signal."""

from __future__ import annotations

import json
import shutil
import signal
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from tf_dlth.probe import main
from tf_dlth.reporting.probing import ProbeLines

QUICK = ("probe.epochs=2", "data.per_class=5")


def test_the_record(finished, tmp_path: Path, capfd: pytest.CaptureFixture[str]) -> None:
    report = tmp_path / "out.json"
    assert main([str(finished.path), "--data", "digits", "--weights", "last", *QUICK, "--json", str(report)]) == 0
    (record,) = json.loads(report.read_text())
    assert 0 < record.pop("accuracy") <= 1
    assert 0.3 < record.pop("logistic_regression") <= 1
    assert record == {
        "ticket": str(finished.path), "weights": "last", "data": "digits", "protocol": "trained",
        "train_n": 50, "test_n": 1047,
    }  # fmt: skip
    printed = capfd.readouterr()
    assert "50 trained on, 1,047 tested on" in printed.out
    assert "resized" not in printed.out
    assert printed.err == ""


def test_ones_own_folder_of_other_classes_and_sizes(
    finished, tmp_path: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    """Dark and light pictures, which any features tell apart."""
    random = np.random.RandomState(0)
    for name, brightness in (("dark", 0), ("light", 180)):
        (tmp_path / "set" / name).mkdir(parents=True)
        for number in range(20):
            pixels = random.randint(brightness, brightness + 60, (20, 30 + number, 3), np.uint8)
            Image.fromarray(pixels).save(tmp_path / "set" / name / f"{number}.png")
    moved = shutil.copytree(finished.path / "iteration_01" / "saved_model", tmp_path / "moved")
    report = tmp_path / "out.json"
    words = [str(moved), "--data", str(tmp_path / "set"), "probe.epochs=5", "--json", str(report)]
    assert main(words) == 0
    (record,) = json.loads(report.read_text())
    assert (record["train_n"], record["test_n"], record["weights"]) == (32, 8, "saved_model")
    assert record["accuracy"] == record["logistic_regression"] == 1
    assert "images of other sizes are resized to 8 x 8 x 1, as the ticket says\n" in capfd.readouterr().out


def test_the_network_of_the_paper_s_code(finished, tmp_path: Path) -> None:
    report = tmp_path / "out.json"
    words = ["--data", "digits", "probe.protocol=rewind_bn", *QUICK, "--json", str(report)]
    assert main([str(finished.path / "iteration_01"), *words]) == 0
    (record,) = json.loads(report.read_text())
    assert (record["weights"], record["protocol"]) == ("rewind", "rewind_bn")


def test_a_regression_that_did_not_converge_is_told(
    finished, capfd: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("tf_dlth.evaluation.linear.MOST_ITERATIONS", 1)
    assert main([str(finished.path), "--data", "digits", *QUICK]) == 0
    printed = capfd.readouterr()
    assert "the logistic regression stopped after 1 iterations, before it converged\n" in printed.out
    assert printed.err == ""


@pytest.mark.parametrize(("number", "code"), [(signal.SIGINT, 130), (signal.SIGTERM, 143)])
def test_a_signal_ends_it_in_one_line(
    finished, tmp_path: Path, capfd: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch, number: int, code: int
) -> None:
    monkeypatch.setattr(ProbeLines, "progress", lambda *heard: signal.raise_signal(number))
    monkeypatch.chdir(tmp_path)
    assert main([str(finished.path), "--data", "digits", *QUICK, "--json", "out.json"]) == code
    written = capfd.readouterr()
    assert written.out == ""
    assert written.err == "stopped; the same command starts again, or goes on from what was saved before\n"
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (["{run}"], "the following arguments are required: --data"),
        (["nowhere", "--data", "digits"], "nowhere does not exist or is no folder"),
        (["{run}", "--data", "nowhere"], "--data nowhere is neither a folder nor one of digits, cifar10"),
        (["{run}", "--data", "digits", "probe.epoch=3"], "unknown key probe.epoch; did you mean probe.epochs?"),
        (["{run}", "--data", "digits", "training.epochs=3"], "training.*: a probe reads seed, data.* and"),
        (["{run}", "--data", "digits", "data.dataset=npz"], "data.dataset: --data digits says it already"),
        (["{run}", "--data", "one", "--data-dir", "{run}"], "data.data_dir: --data one says it already"),
        (["{run}", "--data", "one"], "a classifier needs at least two classes, and the images have 1 (only)"),
        (["one", "--data", "digits"], "one is no ticket"),
        (["{run}/iteration_01/saved_model", "--data", "digits", "probe.protocol=rewind_bn"], "probe.protocol: rewind"),
        (["{run}/iteration_01/saved_model", "--data", "digits", "--weights", "last"], "{run}/iteration_01/saved_model"),
        (["{run}", "--data", "digits", "--weights", "last", "probe.protocol=rewind_bn"], "--weights last: probe.prot"),
        (["{run}", "--data", "digits", "--json", "one"], "--json one: cannot be written there"),
    ],
)  # fmt: skip
def test_a_mistake_is_one_line(
    finished,
    tmp_path: Path,
    words: list[str],
    message: str,
    capfd: pytest.CaptureFixture[str],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "one" / "only").mkdir(parents=True)
    for value in range(10):
        Image.new("L", (8, 8), value).save(tmp_path / "one" / "only" / f"{value}.png")
    assert main([word.format(run=finished.path) for word in words]) == 2
    written = capfd.readouterr()
    assert written.out == ""
    assert written.err.startswith(f"error: {message.format(run=finished.path)}")
    assert written.err.count("\n") == 1
