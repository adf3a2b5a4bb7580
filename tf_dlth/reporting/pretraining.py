"""A pre-training on the terminal: a line whenever the neighbours are asked, and where it is in between."""

from __future__ import annotations

import time
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from rich.console import Console

from tf_dlth.config import Config
from tf_dlth.errors import LONGEST_LINE, printable
from tf_dlth.reporting.terminal import SILENCE
from tf_dlth.training.schedule import Position


class PretrainingLines:
    """Prints to ``console``."""

    def __init__(self, console: Console) -> None:
        self._console = console
        self._told = time.monotonic()
        self._epochs, self._rate = 0, 0.0

    def started(self, config: Config, images: int, folder: Path) -> None:
        model, pretrain = config.model, config.pretrain
        self._epochs = pretrain.epochs
        self._line(
            f"{config.name}: SimCLR, {model.architecture} width {model.width}, {images:,} {config.data.dataset} images "
            f"without labels, {pretrain.epochs} epochs in batches of {pretrain.batch_size}"
        )

    def warning(self, message: str) -> None:
        self._console.print(
            f"warning: {printable(message, LONGEST_LINE)}", style="yellow", highlight=False, soft_wrap=True
        )

    def progress(self, position: Position, images_per_second: float) -> None:
        self._rate = images_per_second
        if time.monotonic() - self._told > SILENCE:
            self._line(f"epoch {position.epoch}/{self._epochs} step {position.step}  {self._rate:,.0f} images/s")

    def epoch_ended(self, metrics: Mapping[str, Any]) -> None:
        if metrics["knn_accuracy"] is None:
            return
        loss = "" if metrics["nt_xent"] is None else f"  NT-Xent {metrics['nt_xent']:.3f}  {self._rate:,.0f} images/s"
        self._line(f"epoch {metrics['epoch']}/{self._epochs}  kNN accuracy {metrics['knn_accuracy']:.1%}{loss}")

    def _line(self, text: str) -> None:
        self._console.print(text, highlight=False, soft_wrap=True)
        self._told = time.monotonic()
