"""A person's way from a wheel and a folder of photographs to an exported network, command by command."""

from __future__ import annotations

import csv
import json
import re
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image
from sklearn.datasets import load_sample_image

import tf_dlth

from .installed import Installed

TILE = 40
SIZES = ((TILE, TILE), (TILE, 30), (32, TILE))
"""Width and height of what is cut of a tile, before it is enlarged twice."""
HELD_BACK = 8
"""Photographs of each class that the run never sees."""
ORIENTATION, TURNED_LEFT = 0x0112, 6
"""An EXIF tag, and its value for pixels that are shown after a quarter turn to the right."""

SERVED = """
import json, pathlib, sys
sys.modules["tf_dlth"] = None  # cannot be imported
import tensorflow as tf

folder, pictures = map(pathlib.Path, sys.argv[1:])
served = tf.saved_model.load(str(folder)).signatures["predict_image"]
names = (folder / "assets" / "class_names.txt").read_text().splitlines()
found = {}
for path in sorted(pictures.iterdir()):
    (row,) = served(encoded=tf.constant([path.read_bytes()]))["probabilities"].numpy()
    found[path.name] = [names[row.argmax()], float(row.max())]
assert sys.modules["tf_dlth"] is None
print(json.dumps(found))
"""
"""A program of somebody who has TensorFlow alone."""


def write_photograph(pixels: np.ndarray, path: Path, number: int) -> None:
    """As a camera or a phone would: JPEG or PNG, upright or across, one in ten stored turned with a note of that."""
    width, height = SIZES[number % len(SIZES)]
    picture = Image.fromarray(pixels[:height, :width]).resize((2 * width, 2 * height))
    if number % 10 == 3:
        exif = Image.Exif()
        exif[ORIENTATION] = TURNED_LEFT
        picture.transpose(Image.Transpose.ROTATE_90).save(path.with_suffix(".jpg"), exif=exif, quality=90)
    else:
        picture.save(path.with_suffix(".png" if number % 2 else ".jpg"))


@pytest.fixture(scope="module")
def home(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """``photographs/CLASS/``, cut from the two that come with scikit-learn, and ``new/``, of which none is there."""
    folder = tmp_path_factory.mktemp("home")
    (folder / "new").mkdir()
    for name in ("china", "flower"):
        (folder / "photographs" / name).mkdir(parents=True)
        whole = load_sample_image(f"{name}.jpg")
        corners = [(y, x) for y in range(0, len(whole) - TILE, TILE) for x in range(0, whole.shape[1], TILE)]
        for number, (y, x) in enumerate(corners):
            new = number % (len(corners) // HELD_BACK) == 0
            path = folder / ("new" if new else f"photographs/{name}") / f"{name}_{number:03d}"
            write_photograph(whole[y : y + TILE, x : x + TILE], path, number)
    return folder


@pytest.mark.slow
def test_from_a_wheel_and_a_folder_of_photographs_to_an_exported_network(installed: Installed, home: Path) -> None:
    def said(*words: object, program: str = "tf-dlth") -> str:
        done = installed.run(program, *words, cwd=home)
        assert done.returncode == 0, (words, done.stdout[-2000:], done.stderr)
        assert program != "tf-dlth" or (done.stderr == "" and "\x1b" not in done.stdout)  # TensorFlow alone greets
        return done.stdout

    def told(*words: object) -> list[dict[str, Any]]:
        said(*words, "--json", "told.json")
        return json.loads((home / "told.json").read_text())

    photographs = sum(path.is_file() for path in home.glob("photographs/*/*"))
    where = said("-c", "import tf_dlth; print(tf_dlth.__file__)", program="python").strip()
    assert Path(where).is_relative_to(installed.packages)
    assert said("--version") == f"tf_dlth {tf_dlth.__version__}\n"

    assert "tf-dlth train --config folder.yaml" in said("init", "folder.yaml")
    train = ("train", "--config", "folder.yaml", "data.data_dir=photographs", "data.image_size=24")
    plan = said(*train, "--dry-run")
    assert "in each of 2 classes" in plan and "time: about" in plan
    assert not (home / "saved_tickets").exists()

    trained = said(*train, "--budget", "3m")
    run = Path("saved_tickets/folder")
    assert f"python -m tf_dlth.predict {run} FOLDER" in trained
    facts = json.loads((home / run / "run.json").read_text())
    assert facts["status"] == "finished"
    assert re.search(r"folder +folder +resnet18 \d+ .* finished", said("list"))
    assert said(*train, "--budget", "3m").rstrip().endswith(f"{run}/iteration_{facts['winner']:02d}")  # done already

    (counted,) = told("evaluate", run, "--data", "photographs")
    seen = counted["seen_before"]
    assert counted["n"] == photographs == seen["train"] + seen["heldout"] + seen["test"]
    assert counted["accuracy"] > 0.8  # a blue sky and a temple, or a flower
    words = f"Of the {photographs} images {seen['train']} were trained on, {seen['heldout']} held out to choose and"
    assert words in " ".join(said("evaluate", run, "--data", "photographs").split())

    said("predict", run, "new", "--csv", "classes.csv")
    rows = list(csv.DictReader((home / "classes.csv").read_text().splitlines()))
    named = {Path(row["file"]).name: (row["class"], float(row["probability"])) for row in rows}
    assert len(named) == len(list((home / "new").iterdir())) >= 2 * HELD_BACK
    assert np.mean([name.startswith(guess) for name, (guess, _) in named.items()]) > 0.75
    saved_model = run / f"iteration_{facts['winner']:02d}" / "saved_model"
    served = json.loads(said("-c", SERVED, saved_model, "new", program="python"))
    assert {name: guess for name, (guess, _) in served.items()} == {name: guess for name, (guess, _) in named.items()}
    assert [served[name][1] for name in named] == pytest.approx([found for _, found in named.values()], abs=1e-4)

    said("export", run, "--format", "tflite", "--out", "phone")
    assert list((home / "phone").glob("*.tflite"))
    card = said("card", run)
    assert card.startswith("---\nlibrary_name: tf_dlth\n") and "`china`, `flower`" in card
    said("report", run, "--out", "page")
    page = (home / "page" / "index.html").read_text()
    assert "<html" in page and "flower" in page
