"""A network as a file for LiteRT (TensorFlow Lite), its zeros left out, in float32 or in whole numbers."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import numpy as np
import tensorflow as tf
import tf_keras

from tf_dlth import files
from tf_dlth.errors import UserError, printable
from tf_dlth.startup import hushed

Logits = Callable[[np.ndarray], np.ndarray]
"""From uint8 images [N, H, W, C] to float32 logits [N, classes]."""


def write_tflite(path: Path, model: tf_keras.Model, representative: np.ndarray | None = None) -> None:
    """Writes ``model`` with the signature ``serving_default`` from uint8 ``images`` to float32 ``logits``.

    ``representative``, uint8 [N, H, W, C], asks for weights and activations of 8 bits: the ranges are taken from what
    these images give. Raises UserError for a network that the converter does not take.
    """
    converter = _converter(model, tf.uint8 if representative is None else tf.float32)
    converter.optimizations = [tf.lite.Optimize.EXPERIMENTAL_SPARSITY]
    if representative is not None:
        converter.optimizations.append(tf.lite.Optimize.DEFAULT)
        converter.representative_dataset = lambda: _one_by_one(representative)
        converter.target_spec.supported_ops = [tf.lite.OpsSet.TFLITE_BUILTINS_INT8]
        converter.inference_input_type = tf.uint8
    try:
        with hushed():
            content = converter.convert()
    except Exception as error:  # the converter raises whatever its passes do
        raise UserError(f"--format tflite: the network cannot be converted: {printable(str(error))}") from error
    files.write_bytes(path, content)


def open_tflite(path: Path) -> Logits:
    """The file's logits, by the interpreter on all cores."""
    with hushed():
        from ai_edge_litert.interpreter import Interpreter

        interpreter = Interpreter(str(path), num_threads=len(os.sched_getaffinity(0)))
        interpreter.allocate_tensors()
    (given,), (logits,) = interpreter.get_input_details(), interpreter.get_output_details()

    def compute(images: np.ndarray) -> np.ndarray:
        if tuple(interpreter.get_input_details()[0]["shape"]) != images.shape:
            interpreter.resize_tensor_input(given["index"], images.shape)
            interpreter.allocate_tensors()
        interpreter.set_tensor(given["index"], images)
        interpreter.invoke()
        return interpreter.get_tensor(logits["index"])

    return compute


def _converter(model: tf_keras.Model, images: tf.DType) -> Any:
    module = tf.Module()
    module.model_variables = list(model.variables)
    spec = tf.TensorSpec([None, *model.input_shape[1:]], images, name="images")
    serve = tf.function(
        lambda images: {"logits": model(tf.cast(images, tf.float32), training=False)}, input_signature=[spec]
    )
    return tf.lite.TFLiteConverter.from_concrete_functions([serve.get_concrete_function()], module)


def _one_by_one(images: np.ndarray) -> Iterator[list[np.ndarray]]:
    for image in images:
        yield [image[None].astype(np.float32)]
