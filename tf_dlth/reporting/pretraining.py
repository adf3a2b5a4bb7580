"""A pre-training on the terminal: a line whenever the neighbours are asked, and where it is in between."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from rich.console import Console

from tf_dlth.config import Config
from tf_dlth.reporting.lines import Lines
from tf_dlth.training.schedule import Position


class PretrainingLines(Lines):
    """Prints to ``console``."""

    def __init__(self, console: Console) -> None:
        super().__init__(console)
        self._epochs, self._rate = 0, 0.0

    def started(self, config: Config, images: int, folder: Path) -> None:
        model, pretrain = config.model, config.pretrain
        self._epochs = pretrain.epochs
        self.line(
            f"{config.name}: SimCLR, {model.architecture} width {model.width}, {images:,} {config.data.dataset} images "
            f"without labels, {pretrain.epochs} epochs in batches of {pretrain.batch_size}"
        )

    def progress(self, position: Position, images_per_second: float) -> None:
        self._rate = images_per_second
        if self.silent:
            self.line(f"epoch {position.epoch}/{self._epochs} step {position.step}  {self._rate:,.0f} images/s")

    def epoch_ended(self, metrics: Mapping[str, Any]) -> None:
        if metrics["knn_accuracy"] is None:
            return
        loss = "" if metrics["nt_xent"] is None else f"  NT-Xent {metrics['nt_xent']:.3f}  {self._rate:,.0f} images/s"
        self.line(f"epoch {metrics['epoch']}/{self._epochs}  kNN accuracy {metrics['knn_accuracy']:.1%}{loss}")
