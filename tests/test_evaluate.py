from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image
from sklearn import metrics

from tf_dlth.data import load_data
from tf_dlth.data.sources.digits import scans
from tf_dlth.evaluate import main
from tf_dlth.evaluation.accuracy import predict
from tf_dlth.models.inference import predictor
from tf_dlth.tickets.ticket import load_ticket


def measured(tmp_path: Path, *words: object) -> list[dict[str, Any]]:
    assert main([*map(str, words), "--json", str(tmp_path / "found.json")]) == 0
    return json.loads((tmp_path / "found.json").read_text())


def test_a_tickets_own_test_images_give_the_number_in_its_manifest(
    finished: Any, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (record,) = measured(tmp_path, finished.path / "iteration_01", "--weights", "last")
    ticket = load_ticket(finished.path / "iteration_01")
    test = load_data(finished.config.data).test
    guesses = predict(predictor(ticket.model("last")), test).argmax(-1)
    assert record["accuracy"] == ticket.entry("last").test_accuracy
    assert (record["ticket"], record["weights"], record["data"]) == (str(ticket.path), "last", "digits")
    assert record["n"] == len(test)
    assert record["per_class"] == pytest.approx(metrics.recall_score(test.labels, guesses, average=None))  # pyright: ignore[reportArgumentType]
    printed = capsys.readouterr().out
    assert f"{100 * record['accuracy']:.2f}" in printed
    assert "recall by class" in printed


def test_several_are_a_row_each(finished: Any, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    first = finished.path / "iteration_00"
    records = measured(tmp_path, finished.path, first, first / "saved_model", "--data", "digits")
    assert [record["weights"] for record in records] == ["heldout", "heldout", "saved_model"]
    assert records[1]["accuracy"] == load_ticket(first).entry("heldout").test_accuracy
    assert records[2]["accuracy"] == pytest.approx(records[1]["accuracy"], abs=2 / 1047)
    assert "recall by class" not in capsys.readouterr().out


def test_a_saved_model_does_not_know_its_images(finished: Any, capsys: pytest.CaptureFixture[str]) -> None:
    assert main([str(finished.path / "iteration_00" / "saved_model")]) == 2
    assert "does not say where its images are; name them with --data" in capsys.readouterr().err


def test_a_folder_of_images_with_some_of_the_classes(
    finished: Any, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    images, labels = scans()
    chosen = {digit: images[labels == digit][:5] for digit in (3, 8)}
    for digit, pictures in chosen.items():
        (tmp_path / "set" / str(digit)).mkdir(parents=True)
        for number, picture in enumerate(pictures):
            Image.fromarray(picture[..., 0]).save(tmp_path / "set" / str(digit) / f"{number}.png")
    (record,) = measured(tmp_path, finished.path / "iteration_00", "--data", tmp_path / "set")
    ticket = load_ticket(finished.path / "iteration_00")
    logits = ticket.model()(np.concatenate([chosen[3], chosen[8]]), training=False).numpy()
    assert record["n"] == 10
    assert record["accuracy"] == np.mean(logits.argmax(-1) == np.repeat([3, 8], 5))
    assert [c for c, recall in enumerate(record["per_class"]) if recall is not None] == [3, 8]
    assert record["data"] == str(tmp_path / "set")
    assert record["class_names"] == list("0123456789")
    run = load_data(finished.config.data)
    shown = {picture.tobytes() for pictures in chosen.values() for picture in pictures}
    own = {"train": run.train, "heldout": run.heldout, "test": run.test}
    met = {part: sum(image.tobytes() in shown for image in e.in_memory().images) for part, e in own.items() if e}
    assert record["seen_before"] == {"by": "sha256", **met}
    assert sum(met.values()) > 0
    assert f"Of the 10 images {met['train']} were trained on" in capsys.readouterr().out
