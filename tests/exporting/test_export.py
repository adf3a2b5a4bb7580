"""One export after the other of the same tiny run: what is written, what is told, and what is refused."""

from __future__ import annotations

import dataclasses
import json
import shutil
from pathlib import Path

import pytest

from tf_dlth import files
from tf_dlth.commands import locate_data
from tf_dlth.exporting import export as module
from tf_dlth.exporting.export import Order, write_export
from tf_dlth.exporting.formats import FORMATS
from tf_dlth.exporting.parity import Differs
from tf_dlth.tickets.ticket import load_ticket


def test_the_dense_network_the_ticket_and_the_export(finished, tmp_path: Path) -> None:
    path = finished.path / "iteration_02"
    record = write_export(Order(str(path), "compact", tmp_path / "out", weights="last"), locate_data)
    assert json.loads((tmp_path / "out" / "export.json").read_text()) == record
    assert {**files.digests(tmp_path / "out")}.items() >= record["files"].items()
    dense, ticket, export = record["networks"]
    assert [row["network"] for row in record["networks"]] == ["dense", "ticket", "export"]
    assert dense["latency_ratio"] == 1 and dense["logit_difference"] is None
    entry = load_ticket(path).entry("last")
    assert ticket["accuracy"] == export["accuracy"] == pytest.approx(entry.test_accuracy)
    assert dense["nonzero"] > ticket["nonzero"] > export["nonzero"]
    assert ticket["gzip_bytes"] > export["gzip_bytes"]
    assert record["parity"]["changed"] == 0 and record["parity"]["relative"] < 1e-5
    assert [p.name for p in tmp_path.iterdir()] == ["out"]


def test_a_savedmodel_is_the_ticket_itself(finished, tmp_path: Path) -> None:
    record = write_export(Order(str(finished.path / "iteration_00"), "savedmodel", tmp_path / "out"), locate_data)
    (row,) = record["networks"]
    assert row["network"] == "export" and row["latency_ratio"] == 1


def test_whole_numbers_may_differ(finished, tmp_path: Path) -> None:
    order = Order(str(finished.path / "iteration_02"), "tflite", tmp_path / "out", int8=True)
    record = write_export(order, locate_data)
    assert record["parity"]["difference"] > 0 and (tmp_path / "out" / "model.tflite").is_file()


def test_another_class_leaves_nothing_behind(finished, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    good = FORMATS["onnx"]
    wrong = dataclasses.replace(good, read=lambda folder: lambda images: -good.read(folder)(images))
    monkeypatch.setitem(module.FORMATS, "onnx", wrong)
    with pytest.raises(Differs, match="nothing was written"):
        write_export(Order(str(finished.path / "iteration_02"), "onnx", tmp_path / "new" / "out"), locate_data)
    assert not list((tmp_path / "new").iterdir())


def test_a_ticket_away_from_its_images(finished, edit, tmp_path: Path) -> None:
    moved = Path(shutil.copytree(finished.path / "iteration_02", tmp_path / "moved"))
    edit(moved / "ticket.json", lambda tree: tree.update(dataset="folder"))
    record = write_export(Order(str(moved), "onnx", tmp_path / "out"), locate_data)
    assert "does not say where its images are" in record["noise_because"]
    assert [(row["network"], row["accuracy"]) for row in record["networks"]] == [("ticket", None), ("export", None)]
