"""A ticket as a plain SavedModel, which serves without this package."""

from __future__ import annotations

import json
import logging
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import tensorflow as tf
import tf_keras

from tf_dlth.models.build import features


def write(
    folder: Path,
    model: tf_keras.Model,
    class_names: Sequence[str],
    preprocessing: Mapping[str, Any],
) -> None:
    """Writes ``model`` with two signatures.

    ``serving_default``: uint8 ``images`` [N, H, W, C] -> float32 ``logits`` and ``probabilities`` [N, classes].
    ``features``: the same images -> float32 penultimate ``features`` [N, D].
    """
    module = _Serving(model)
    with _quiet_saving():
        tf.saved_model.save(module, str(folder), signatures=module.signatures())
    assets = folder / "assets"
    assets.mkdir(exist_ok=True)
    (assets / "class_names.txt").write_text("".join(f"{name}\n" for name in class_names), encoding="utf-8")
    (assets / "preprocessing.json").write_text(json.dumps(preprocessing, indent=2) + "\n", encoding="utf-8")


class _Serving(tf.Module):
    """Holds the variables and traced functions only: a Keras object inside would be saved with its own machinery."""

    def __init__(self, model: tf_keras.Model) -> None:
        super().__init__()
        self.model_variables = list(model.variables)
        outputs = features(model)
        images = tf.TensorSpec([None, *model.input_shape[1:]], tf.uint8, name="images")

        def serve(images: tf.Tensor) -> dict[str, tf.Tensor]:
            logits = outputs(images, training=False)[1]
            return {"logits": logits, "probabilities": tf.nn.softmax(logits)}

        def penultimate(images: tf.Tensor) -> dict[str, tf.Tensor]:
            return {"features": outputs(images, training=False)[0]}

        self.serve = tf.function(serve, input_signature=[images])
        self.penultimate = tf.function(penultimate, input_signature=[images])

    def signatures(self) -> dict[str, Any]:
        return {"serving_default": self.serve, "features": self.penultimate}


@contextmanager
def _quiet_saving() -> Iterator[None]:
    """TensorFlow tells at INFO level where it wrote its assets."""
    logger = logging.getLogger("tensorflow")
    level = logger.level
    logger.setLevel(logging.ERROR)
    try:
        yield
    finally:
        logger.setLevel(level)
