"""One run through every command that says why its ticket is good, on digits and on CIFAR-10."""

from __future__ import annotations

import csv
import importlib
import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image

from tf_dlth.config import Config, load_config
from tf_dlth.data import load_data
from tf_dlth.reporting.analyses import KINDS
from tf_dlth.tickets.ticket import load_ticket

CONFIGS = Path(__file__).parents[1] / "configs"
TINY = (
    "model.width=4", "training.epochs=3", "training.evaluate_every=3", "pruning.iterations=2",
    "pruning.rewind_epochs=1", "output.savedmodel=winner",
)  # fmt: skip
CONTROLS = {
    "none": ("pruning.method=none",),
    "rate": ("pruning.rewind=rate",),
    "random": ("pruning.method=random", "pruning.source={ticket}"),
    "layerwise": ("pruning.method=layerwise", "pruning.source={ticket}", "pruning.mask_seed=3"),
    "transplant": ("pruning.method=transplant", "pruning.source={ticket}", "data.augment=rand"),
    "fresh": ("pruning.method=transplant", "pruning.start=fresh", "pruning.source={ticket}", "seed=5"),
    "small": ("pruning.iterations=0", "model.width=match:{ticket}"),
    "equal": ("pruning.iterations=0", "training.epochs=match:{run}"),
}
"""The rows of the table in docs/arms.md."""
ANALYSED = {
    "density": ("{run}",),
    "cka": ("{ticket}", "{dense}"),
    "branch-norms": ("{ticket}", "{dense}"),
    "weight-norms": ("{ticket}",),
    "overlap": ("{ticket}", "{random}"),
    "curves": ("{run}", "{none}"),
    "longtail": (),
    "fit": ("{run}", "{none}"),
}
IMAGES = 200


def call(command: str, *words: object) -> None:
    assert importlib.import_module(f"tf_dlth.{command}").main([str(word) for word in words]) == 0, (command, words)


def records(command: str, *words: object, to: Path) -> list[dict[str, Any]]:
    call(command, *words, "--json", to)
    return json.loads(to.read_text())


def class_folders(config: Config, root: Path) -> Path:
    """The first test images as PNG files, in a folder a class."""
    data = load_data(config.data)
    test = data.test.take(np.arange(IMAGES))
    pixels = test.read(np.arange(IMAGES))
    for number, (image, label) in enumerate(zip(pixels, test.labels, strict=True)):
        folder = root / data.class_names[label]
        folder.mkdir(parents=True, exist_ok=True)
        Image.fromarray(image.squeeze()).save(folder / f"{number:03d}.png")
    return root


def check_prediction(run: Path, images: Path, to: Path) -> None:
    """The classes that are named are those that ``evaluate`` counts, class by class."""
    (counted,) = records("evaluate", run, "--data", images, to=to / "counted.json")
    call("predict", run, images, "--csv", to / "named.csv")
    rows = list(csv.DictReader((to / "named.csv").read_text(encoding="utf-8").splitlines()))
    named = np.array([row["class"] for row in rows])
    true = np.array([Path(row["file"]).parent.name for row in rows])
    assert len(rows) == IMAGES
    assert counted["accuracy"] == pytest.approx(np.mean(named == true))
    for name, recall in zip(load_ticket(run).class_names, counted["per_class"], strict=True):
        assert recall == (pytest.approx(np.mean(named[true == name] == name)) if name in true else None)


def check_measures(run: Path, to: Path) -> None:
    for attack in ("fgsm", "pgd"):
        found = records("evaluate", run, "--iterations", "all", "--ece", "--attack", attack, to=to / "measured.json")
        assert [record["iteration"] for record in found] == [0, 1, 2]
        for record in found:
            assert 0 <= record["ece"] <= 1
            assert record["attack"]["accuracy"] <= record["accuracy"]
    manifest = json.loads((run / "iteration_02" / "ticket.json").read_text())
    assert found[2]["accuracy"] == manifest["weights"][found[2]["weights"]]["test_accuracy"]


def check_probes(ticket: Path, to: Path) -> None:
    for protocol in ("trained", "rewind_bn"):
        words = ("--data", "digits", f"probe.protocol={protocol}", "probe.epochs=2", "data.per_class=5")
        (found,) = records("probe", ticket, *words, to=to / "probed.json")
        assert 0 < found["accuracy"] < 1 and 0.1 < found["logistic_regression"] < 1


@pytest.mark.slow
@pytest.mark.parametrize("name", ["digits", "cifar10_1pct"])
def test_a_run_through_every_command(name: str, request: pytest.FixtureRequest, tmp_path: Path) -> None:
    settings = [*TINY, f"output.directory={tmp_path / 'runs'}"]
    if name != "digits":
        settings.append(f"data.data_dir={request.getfixturevalue('real_data')}")
    path = CONFIGS / f"{name}.yaml"
    call("train", "--config", path, "name=search", *settings)
    at = {"run": tmp_path / "runs" / "search"}
    at |= {"ticket": at["run"] / "iteration_02", "dense": at["run"] / "iteration_00"}
    for control, overrides in CONTROLS.items():
        given = [override.format(**at) for override in overrides]
        call("train", "--config", path, f"name={control}", *settings, *given)
        at[control] = tmp_path / "runs" / control

    check_measures(at["run"], tmp_path)
    config = load_config(path, settings)
    check_prediction(at["run"], class_folders(config, tmp_path / "images"), tmp_path)
    check_probes(at["ticket"], tmp_path)
    assert ANALYSED.keys() == KINDS.keys()
    for kind, words in ANALYSED.items():
        paths = [word.format(**at) for word in words]
        assert records("analyze", kind, *paths, "--out", tmp_path, to=tmp_path / "found.json")
    if name != "digits":
        corrupted = tmp_path / "corrupted"
        call("corrupt", "--data", "cifar10", "--data-dir", config.data.data_dir, "--out", corrupted,
             "--kinds", "brightness,gaussian_noise", "--severities", "1,5")  # fmt: skip
        words = (at["ticket"], "--data", "cifar10_c", "--data-dir", corrupted)
        (found,) = records("evaluate", *words, to=tmp_path / "corrupted.json")
        cells = {"brightness": ["1", "5"], "gaussian_noise": ["1", "5"]}
        assert found["corruptions"]["regenerated"]
        assert {kind: list(row) for kind, row in found["corruptions"]["cells"].items()} == cells
