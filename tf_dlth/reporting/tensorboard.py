"""TensorBoard: scalars an epoch and an iteration, the density of every layer, a grid of images, the run's figures.

Every iteration is a run of its own there, by epoch; what is compared between iterations is the search's. The events
are derived: a resumed run writes them anew from metrics.jsonl, so that nothing stands in them twice.
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import tensorflow as tf

from tf_dlth import files
from tf_dlth.data.pipeline import read_errors
from tf_dlth.lottery.rows import Row
from tf_dlth.reporting.figures.run import PICTURES
from tf_dlth.reporting.observer import RunObserver
from tf_dlth.runs.folder import METRICS
from tf_dlth.tickets.ticket import Ticket, iteration_name

if TYPE_CHECKING:
    from tf_dlth.preparation import Plan, Prepared

FOLDER = "tensorboard"
GRID = 8
"""Images a side of the grid."""


class TensorBoard(RunObserver):
    """Writes ``tensorboard/`` in the run's folder."""

    def __init__(self) -> None:
        self._writer = self._by_epoch = tf.summary.create_noop_writer()
        self._folder, self._iteration = Path(), -1

    def __exit__(self, *error: Any) -> None:
        self._by_epoch.close()
        self._writer.close()

    def run_started(self, prepared: Prepared, plan: Plan, folder: Path) -> None:
        if (folder / FOLDER).exists():
            files.remove(folder / FOLDER)
        self._writer = tf.summary.create_file_writer(str(folder / FOLDER))
        self._folder = folder
        self._draw_images(prepared)
        if (folder / METRICS).exists():
            for line in (folder / METRICS).read_text(encoding="utf-8").splitlines():
                self.epoch_ended(json.loads(line))

    def epoch_ended(self, metrics: Mapping[str, Any]) -> None:
        if metrics["iteration"] != self._iteration:
            self._iteration = metrics["iteration"]
            self._by_epoch.close()
            name = iteration_name(self._iteration)
            self._by_epoch = tf.summary.create_file_writer(str(self._folder / FOLDER / name))
        names = ("train_loss", "train_accuracy", "test_accuracy", "heldout_accuracy")
        _write(self._by_epoch, {f"epoch/{name}": metrics[name] for name in names}, metrics["epoch"])

    def iteration_ended(self, row: Row, ticket: Ticket) -> None:
        accuracies = {
            "test_best": row.test_accuracy_best,
            "last": row.test_accuracy_last,
            "heldout": row.test_accuracy_heldout,
        }
        self._scalars({f"test_accuracy_by_iteration/{n}": a for n, a in accuracies.items()}, row.iteration)
        self._scalars({"density": row.density}, row.iteration)
        # A second axis: the accuracy against the density in hundredths of a per cent, as steps are whole numbers.
        if row.density < 1 or row.iteration == 0:  # without pruning every iteration would stand at one density
            by_density = {f"test_accuracy_by_density/{n}": a for n, a in accuracies.items()}
            self._scalars(by_density, round(row.density * 1e4))
        layers = {f"layer_density/{name}": layer.density for name, layer in ticket.manifest.layers.items()}
        self._scalars(layers, row.iteration)

    def run_ended(self, rows: Sequence[Row]) -> None:
        with self._writer.as_default(step=0):
            for path in (self._folder / name for name in PICTURES):
                if path.exists():
                    tf.summary.image(path.stem, tf.io.decode_png(path.read_bytes(), channels=3)[tf.newaxis])
        self._writer.flush()

    def _scalars(self, values: Mapping[str, float | None], step: int) -> None:
        _write(self._writer, values, step)

    @read_errors()
    def _draw_images(self, prepared: Prepared) -> None:
        images, _ = next(iter(prepared.batches(iteration=0, epoch=1)))
        with self._writer.as_default(step=0):
            tf.summary.image("augmented training images", grid(images.numpy())[np.newaxis])
        self._writer.flush()


def _write(writer: Any, values: Mapping[str, float | None], step: int) -> None:
    with writer.as_default(step=step):
        for name, value in values.items():
            if value is not None:
                tf.summary.scalar(name, value)
    writer.flush()


def grid(images: np.ndarray) -> np.ndarray:
    """uint8 [N, H, W, C] as one picture of up to 8 x 8 tiles, [8 H, 8 W, 1 or 3]; missing tiles are black."""
    tiles = np.zeros((GRID * GRID, *images.shape[1:]), np.uint8)
    tiles[: len(images)] = images[: GRID * GRID]
    height, width, channels = images.shape[1:]
    rows = tiles.reshape(GRID, GRID, height, width, channels).transpose(0, 2, 1, 3, 4)
    return rows.reshape(GRID * height, GRID * width, channels)
