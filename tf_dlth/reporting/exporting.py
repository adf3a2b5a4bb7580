"""The table of ``export``."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from rich import box
from rich.table import Table

from tf_dlth.errors import printable


def export_table(record: Mapping[str, Any]) -> Table:
    """A row a network: the dense one, the ticket and the export; what it was compared on is its title."""
    images = record["parity"]["images"]
    compared = f"{images:,} test images" if record["noise_because"] is None else f"{images} images of noise"
    title = printable(f"{record['ticket']}, weights {record['weights']}, {compared}", 500)
    if record["noise_because"] is not None:
        title += f": {record['noise_because']}"
    table = Table(title=title, title_justify="left", box=box.SIMPLE_HEAD, padding=(0, 1, 0, 0))
    table.add_column("network")
    table.add_column("format")
    for name in ("kB", "gzip kB", "numbers", "not zero", "MMAC", "time", "accuracy %", "logits differ by"):
        table.add_column(name, justify="right")
    for row in record["networks"]:
        table.add_row(*_cells(row, record["int8"]))
    return table


def _cells(row: Mapping[str, Any], int8: bool) -> tuple[str, ...]:
    accuracy, difference = row["accuracy"], row["logit_difference"]
    return (
        row["network"],
        f"{row['format']} int8" if int8 and row["network"] == "export" else row["format"],
        f"{row['bytes'] / 1000:,.1f}",
        f"{row['gzip_bytes'] / 1000:,.1f}",
        f"{row['parameters']:,}",
        f"{row['nonzero']:,}",
        f"{row['macs'] / 1e6:,.2f}",
        f"{row['latency_ratio']:.2f}",
        "-" if accuracy is None else f"{100 * accuracy:.2f}",
        "-" if difference is None else f"{difference:.1e}",
    )
