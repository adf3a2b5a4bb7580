from __future__ import annotations

import json
import os
import signal
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from tf_dlth import corrupt
from tf_dlth.corruptions import generate as module

IMAGES = np.random.default_rng(0).integers(0, 256, (6, 32, 32, 3), dtype=np.uint8)


@pytest.fixture
def six_images(monkeypatch: pytest.MonkeyPatch) -> None:
    """Stands in for the dataset, and takes one core, so that no worker has to start."""
    monkeypatch.setattr(os, "sched_getaffinity", lambda _: {0})
    monkeypatch.setattr(corrupt, "_test_images", lambda name, data_dir: (IMAGES, np.arange(6)))


def _command(out: Path, *words: str) -> int:
    return corrupt.main(["--data", "cifar10", "--out", str(out), *words])


@pytest.mark.usefixtures("six_images")
def test_the_options_choose_kinds_severities_and_seed(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    record = tmp_path / "record.json"
    out = tmp_path / "set"
    words = ("--kinds", "fog,contrast", "--severities", "5,1", "--seed", "7", "--json", str(record))
    assert _command(out, *words) == 0
    manifest = json.loads((out / "corruptions.json").read_text())
    assert (manifest["source"], manifest["seed"], manifest["severities"]) == ("cifar10", 7, [1, 5])
    assert json.loads(record.read_text()) == [
        {"kind": kind, "file": f"{kind}.npy", "sha256": manifest["files"][f"{kind}.npy"], "kept": False}
        for kind in ("fog", "contrast")
    ]
    assert np.load(out / "fog.npy").shape == (12, 32, 32, 3)
    assert "2 corruptions of 6 images at severity 1, 5; not the published arrays" in capsys.readouterr().out


@pytest.mark.usefixtures("six_images")
def test_the_default_is_everything(tmp_path: Path) -> None:
    assert _command(tmp_path / "set") == 0
    assert len(list((tmp_path / "set").glob("*.npy"))) == 20
    assert np.load(tmp_path / "set" / "labels.npy").shape == (30,)


@pytest.mark.usefixtures("six_images")
@pytest.mark.parametrize(
    ("words", "message"),
    [
        (("--kinds", "fogg"), "did you mean fog?"),
        (("--severities", "one"), "from 1 to 5"),
        (("--seed", "-1"), "seed: a whole number"),
        (("--frost", "nowhere"), "there is no folder nowhere"),
        (("--data", "cifar10_c"), "invalid choice"),
        (("--unknown",), "unrecognized arguments"),
    ],
)
def test_a_mistake_is_one_line_and_exit_2(
    words: tuple[str, ...], message: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert _command(tmp_path / "set", *words) == 2
    error = capsys.readouterr().err
    assert message in error
    assert error.count("\n") == 1
    assert not (tmp_path / "set").exists()


@pytest.mark.usefixtures("six_images")
@pytest.mark.parametrize(("number", "code"), [(signal.SIGINT, 130), (signal.SIGTERM, 143)])
def test_a_signal_keeps_what_is_finished_and_the_command_goes_on(
    number: signal.Signals,
    code: int,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    whole = module.corrupt_chunk

    def interrupted(chunk: Any) -> np.ndarray:
        if chunk.kind == "contrast":
            os.kill(os.getpid(), number)
        return whole(chunk)

    out, kinds = tmp_path / "set", ("--kinds", "fog,contrast")
    monkeypatch.setattr(module, "corrupt_chunk", interrupted)
    assert _command(out, *kinds) == code
    assert f"the same command goes on with {out}" in capsys.readouterr().err
    assert sorted(path.name for path in out.iterdir()) == ["corruptions.json", "fog.npy", "labels.npy"]
    monkeypatch.setattr(module, "corrupt_chunk", whole)
    assert _command(out, *kinds, "--json", str(tmp_path / "record.json")) == 0
    kept = {record["kind"]: record["kept"] for record in json.loads((tmp_path / "record.json").read_text())}
    assert kept == {"fog": True, "contrast": False}


def test_the_digits_are_too_small(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert corrupt.main(["--data", "digits", "--out", str(tmp_path / "set")]) == 2
    assert "the images of digits are 8 x 8 x 1" in capsys.readouterr().err


@pytest.mark.skipif("TF_DLTH_DATA" not in os.environ, reason="TF_DLTH_DATA does not name a TFDS directory")
def test_cifar10s_test_images_are_all_there() -> None:
    images, labels = corrupt._test_images("cifar10", os.environ["TF_DLTH_DATA"])
    assert images.shape == (10000, 32, 32, 3)
    np.testing.assert_array_equal(np.bincount(labels), np.full(10, 1000))
