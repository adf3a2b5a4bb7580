from __future__ import annotations

import io
from typing import Any

from rich.console import Console

from tf_dlth.reporting.exporting import export_table

ROW = {"bytes": 1500, "gzip_bytes": 700, "parameters": 1000, "nonzero": 100, "macs": 2_500_000}
RECORD: dict[str, Any] = {
    "ticket": "runs/a",
    "weights": "last",
    "int8": True,
    "parity": {"images": 250},
    "noise_because": None,
    "networks": [
        {**ROW, "network": "dense", "format": "savedmodel", "latency_ratio": 1.0, "accuracy": 0.9}
        | {"logit_difference": None},
        {**ROW, "network": "export", "format": "tflite", "latency_ratio": 0.5, "accuracy": 0.875}
        | {"logit_difference": 0.25},
    ],
}


def lines(record: dict[str, Any]) -> list[str]:
    text = io.StringIO()
    Console(file=text, width=150).print(export_table(record))
    return text.getvalue().splitlines()


def test_a_row_a_network() -> None:
    found = lines(RECORD)
    assert found[0].strip() == "runs/a, weights last, 250 test images"
    assert [line.split() for line in found if line.split()[:1] in (["dense"], ["export"])] == [
        ["dense", "savedmodel", "1.5", "0.7", "1,000", "100", "2.50", "1.00", "90.00", "-"],
        ["export", "tflite", "int8", "1.5", "0.7", "1,000", "100", "2.50", "0.50", "87.50", "2.5e-01"],
    ]


def test_noise_has_no_accuracy() -> None:
    rows = [{**row, "accuracy": None} for row in RECORD["networks"]]
    found = lines({**RECORD, "noise_because": "no images here", "networks": rows})
    assert found[0].strip() == "runs/a, weights last, 250 images of noise: no images here"
    assert not any("87.50" in line for line in found)
