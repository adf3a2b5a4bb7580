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


def lines(record: dict[str, Any], width: int = 150) -> list[str]:
    text = io.StringIO()
    Console(file=text, width=width).print(export_table(record))
    return text.getvalue().splitlines()


def test_a_column_a_network() -> None:
    found = lines(RECORD)
    assert found[0] == "runs/a, weights last, 250 test images"
    assert [line.split() for line in found[2:3] + found[4:-1]] == [
        ["network", "dense", "export"],
        ["format", "savedmodel", "tflite", "int8"],
        ["kB", "1.5", "1.5"],
        ["gzip", "kB", "0.7", "0.7"],
        ["numbers", "1,000", "1,000"],
        ["not", "zero", "100", "100"],
        ["MMAC", "2.50", "2.50"],
        ["time", "1.00", "0.50"],
        ["accuracy", "%", "90.00", "87.50"],
        ["logits", "differ", "by", "-", "2.5e-01"],
    ]


def test_a_large_network_fits_a_narrow_terminal() -> None:
    large = {"bytes": 44_712_345, "parameters": 11_173_962, "nonzero": 11_173_962, "macs": 1.8e9}
    networks = [{**RECORD["networks"][1], **large, "network": name} for name in ("dense", "ticket", "export")]
    found = lines({**RECORD, "networks": networks}, width=80)
    assert max(map(len, found)) <= 80 and not any("…" in line for line in found)
    assert ["numbers", *["11,173,962"] * 3] in [line.split() for line in found]


def test_noise_has_no_accuracy() -> None:
    rows = [{**row, "accuracy": None} for row in RECORD["networks"]]
    found = lines({**RECORD, "noise_because": "no images here", "networks": rows})
    assert found[0].strip() == "runs/a, weights last, 250 images of noise: no images here"
    assert not any("87.50" in line for line in found)
