"""The table of ``export``."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from rich import box
from rich.console import Group
from rich.table import Table

from tf_dlth.errors import printable
from tf_dlth.reporting.layout import titled

Row = Mapping[str, Any]
MEASURES: Mapping[str, Callable[[Row], str]] = {
    "kB": lambda row: f"{row['bytes'] / 1000:,.1f}",
    "gzip kB": lambda row: f"{row['gzip_bytes'] / 1000:,.1f}",
    "numbers": lambda row: f"{row['parameters']:,}",
    "not zero": lambda row: f"{row['nonzero']:,}",
    "MMAC": lambda row: f"{row['macs'] / 1e6:,.2f}",
    "time": lambda row: f"{row['latency_ratio']:.2f}",
    "accuracy %": lambda row: "-" if row["accuracy"] is None else f"{100 * row['accuracy']:.2f}",
    "logits differ by": lambda row: "-" if row["logit_difference"] is None else f"{row['logit_difference']:.1e}",
}


def export_table(record: Mapping[str, Any]) -> Group:
    """A column a network: the dense one, the ticket and the export; what it was compared on is its title.

    Networks are three at most and measures many: so it is narrow, whatever the size of the numbers.
    """
    images = record["parity"]["images"]
    compared = f"{images:,} test images" if record["noise_because"] is None else f"{images} images of noise"
    title = printable(f"{record['ticket']}, weights {record['weights']}, {compared}", 500)
    if record["noise_because"] is not None:
        title += f": {record['noise_because']}"
    networks = record["networks"]
    table = Table(box=box.SIMPLE_HEAD)
    table.add_column("network")
    for row in networks:
        table.add_column(row["network"], justify="right", no_wrap=True)
    table.add_row("format", *(_format(row, record["int8"]) for row in networks))
    for name, shown in MEASURES.items():
        table.add_row(name, *map(shown, networks))
    return titled(title, table)


def _format(row: Row, int8: bool) -> str:
    return f"{row['format']} int8" if int8 and row["network"] == "export" else row["format"]
