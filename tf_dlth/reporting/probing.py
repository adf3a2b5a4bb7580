"""A linear probe on the terminal: where it is, and what it found."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from rich import box
from rich.console import Console
from rich.table import Table

from tf_dlth.reporting.lines import Lines
from tf_dlth.training.schedule import Position


class ProbeLines(Lines):
    """Prints to ``console``."""

    def __init__(self, console: Console, epochs: int) -> None:
        super().__init__(console)
        self._epochs = epochs

    def progress(self, position: Position, images_per_second: float) -> None:
        if self.silent:
            self.line(f"epoch {position.epoch}/{self._epochs}  {images_per_second:,.0f} images/s")

    def result(self, record: Mapping[str, Any]) -> None:
        """The table of one probe, by the names of its JSON record."""
        table = Table(box=box.SIMPLE, show_header=False)
        table.add_row("accuracy of the probe", f"{100 * record['accuracy']:.2f} %")
        table.add_row("of a logistic regression", f"{100 * record['logistic_regression']:.2f} %")
        table.add_row("images", f"{record['train_n']:,} trained on, {record['test_n']:,} tested on")
        for name in ("protocol", "data", "weights", "ticket"):
            table.add_row(name, record[name])
        self._console.print(table)
