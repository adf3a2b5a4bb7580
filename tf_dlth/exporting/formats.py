"""The formats by name: what each writes into a folder, and how that is read back."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

import numpy as np
import tensorflow as tf
import tf_keras

from tf_dlth.exporting.compaction import compacted
from tf_dlth.exporting.graph import Graph
from tf_dlth.exporting.keras_model import keras_model
from tf_dlth.exporting.onnx import open_onnx, write_onnx
from tf_dlth.exporting.reading import read_graph
from tf_dlth.exporting.tflite import open_tflite, write_tflite
from tf_dlth.tickets import saved_model
from tf_dlth.tickets.manifest import Manifest

Logits = Callable[[np.ndarray], np.ndarray]
"""From uint8 images [N, H, W, C] to float32 logits [N, classes]."""
TFLITE, ONNX = "model.tflite", "model.onnx"


@dataclass(frozen=True)
class Source:
    """What is exported: a ticket's plain ``model``, and of uint8 ``representative`` images the ranges of 8 bits."""

    model: tf_keras.Model
    manifest: Manifest
    representative: np.ndarray | None = None

    @cached_property
    def graph(self) -> Graph:
        """The compacted network."""
        return compacted(read_graph(self.model))

    @cached_property
    def compact(self) -> tf_keras.Model:
        return keras_model(self.graph, self.model.name)


@dataclass(frozen=True)
class Format:
    """``write`` fills a folder, ``read`` opens it; ``compact`` says which of the source's networks is in it."""

    write: Callable[[Path, Source], None]
    read: Callable[[Path], Logits]
    compact: bool = True

    def network(self, source: Source) -> tf_keras.Model:
        return source.compact if self.compact else source.model


def write_saved_model(folder: Path, model: tf_keras.Model, manifest: Manifest) -> None:
    """A plain SavedModel with the signatures and assets of a ticket's own."""
    saved_model.write(folder, saved_model.Serving(model, manifest.class_names, manifest.preprocessing))


def read_saved_model(folder: Path) -> Logits:
    served = saved_model.open_saved_model(folder, trust=True)  # this process wrote it
    return lambda images: served.logits(tf.constant(images)).numpy()


def _tflite(folder: Path, source: Source) -> None:
    write_tflite(folder / TFLITE, source.compact, source.representative)
    saved_model.write_assets(folder, source.manifest.class_names, source.manifest.preprocessing)


def _onnx(folder: Path, source: Source) -> None:
    write_onnx(folder / ONNX, source.graph)
    saved_model.write_assets(folder, source.manifest.class_names, source.manifest.preprocessing)


FORMATS = {
    "savedmodel": Format(lambda f, s: write_saved_model(f, s.model, s.manifest), read_saved_model, compact=False),
    "compact": Format(lambda f, s: write_saved_model(f, s.compact, s.manifest), read_saved_model),
    "tflite": Format(_tflite, lambda folder: open_tflite(folder / TFLITE)),
    "onnx": Format(_onnx, lambda folder: open_onnx(folder / ONNX)),
}
