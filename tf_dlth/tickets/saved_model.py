"""A ticket as a plain SavedModel, which serves without this package: writing it, and opening one."""

from __future__ import annotations

import json
import logging
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any

import tensorflow as tf
import tf_keras

from tf_dlth import files
from tf_dlth.config.loading import validated
from tf_dlth.data.images import Preprocessing
from tf_dlth.data.sources.source import check_class_names
from tf_dlth.errors import UserError, printable
from tf_dlth.models.build import features
from tf_dlth.tickets.harmless import require_harmless
from tf_dlth.tickets.photograph import photograph

CLASS_NAMES, PREPROCESSING = "class_names.txt", "preprocessing.json"


class Serving:
    """A network that is to be saved, once or with other weights each time: it is traced at the first."""

    def __init__(self, model: tf_keras.Model, class_names: Sequence[str], preprocessing: Preprocessing) -> None:
        self.model, self.class_names, self.preprocessing = model, tuple(class_names), preprocessing

    @cached_property
    def module(self) -> _Signatures:
        return _Signatures(self.model, self.preprocessing)


def write(folder: Path, serving: Serving) -> None:
    """Writes the network as it is now with three signatures; raises UserError when the disk refuses.

    ``serving_default``: uint8 ``images`` [N, H, W, C] -> float32 ``logits`` and ``probabilities`` [N, classes].
    ``features``: the same images -> float32 penultimate ``features`` [N, D]. Images of another size are an error.
    ``predict_image``: the bytes of ``encoded`` pictures [N], of any size -> ``probabilities``.
    """
    try:
        with _quiet_saving():
            tf.saved_model.save(serving.module, str(folder), signatures=serving.module.signatures())
    except tf.errors.OpError as error:
        raise files.cannot_write(folder, OSError(error.message)) from None
    write_assets(folder, serving.class_names, serving.preprocessing)


def write_assets(folder: Path, class_names: Sequence[str], preprocessing: Preprocessing) -> None:
    """Writes what a classifier's users must know beside it: the names of its classes, and how it sees pictures."""
    assets = folder / "assets"
    assets.mkdir(exist_ok=True)
    (assets / CLASS_NAMES).write_text("".join(f"{name}\n" for name in class_names), encoding="utf-8")
    (assets / PREPROCESSING).write_text(json.dumps(preprocessing.as_json(), indent=2) + "\n", encoding="utf-8")


Compute = Callable[[tf.Tensor], tf.Tensor]


@dataclass(frozen=True)
class Served:
    """An opened SavedModel: ``logits`` maps uint8 images [N, H, W, C] to [N, classes]."""

    logits: Compute
    class_names: tuple[str, ...]
    preprocessing: Preprocessing


def is_saved_model(folder: Path) -> bool:
    return (folder / "saved_model.pb").is_file()


def open_saved_model(folder: Path, trust: bool = False) -> Served:
    """Opens what :func:`write` wrote; raises UserError for other SavedModels.

    Loading runs what is in the graph, so that without ``trust`` it is looked at first.
    """
    loaded, names = _loaded(folder, trust), folder / "assets" / CLASS_NAMES
    found = _output(loaded, "serving_default", "logits")
    if found is None or not names.is_file():
        raise UserError(f"{folder} is no SavedModel of a ticket: it needs logits and assets/{CLASS_NAMES}")
    logits, input_shape, classes = found
    return Served(logits, _class_names(names, classes), _preprocessing(folder, input_shape))


def open_features(folder: Path, trust: bool = False) -> tuple[Compute, Preprocessing]:
    """The function from uint8 images [N, H, W, C] to features [N, D] of a SavedModel, whatever else it holds.

    Raises UserError for one without; ``trust`` as in :func:`open_saved_model`.
    """
    found = _output(_loaded(folder, trust), "features", "features")
    if found is None:
        raise UserError(f"{folder} has no signature `features` from `images` [N, H, W, C] to `features` [N, D]")
    features, input_shape, _ = found
    return features, _preprocessing(folder, input_shape)


def _loaded(folder: Path, trust: bool) -> Any:
    if not trust:
        require_harmless(folder)
    try:
        return tf.saved_model.load(str(folder))
    except Exception as error:  # whatever TensorFlow's loader meets in a damaged folder
        raise UserError(f"{folder} cannot be loaded as a SavedModel: {printable(str(error))}") from error


def _output(loaded: Any, name: str, output: str) -> tuple[Compute, tuple[int, int, int], int] | None:
    """A signature's function from ``images`` to rows, with the images' shape and the rows' length, if it is there."""
    signature = loaded.signatures.get(name)
    inputs = signature.structured_input_signature[1] if signature else {}
    if set(inputs) != {"images"} or output not in signature.structured_outputs:
        return None
    images, rows = inputs["images"].shape, signature.structured_outputs[output].shape
    if images.rank != 4 or rows.rank != 2 or None in (*images.as_list()[1:], rows[1]):
        return None

    def compute(images: tf.Tensor) -> tf.Tensor:
        # Through the loaded object, which owns the variables: the signature alone would not keep them alive.
        return loaded.signatures[name](images=images)[output]

    height, width, channels = images.as_list()[1:]
    return compute, (height, width, channels), rows[1]


def _class_names(path: Path, classes: int) -> tuple[str, ...]:
    try:
        names = files.read_bytes(path, largest=files.LARGEST_JSON).decode().splitlines()
    except UnicodeDecodeError:
        raise UserError(f"{path} is damaged: not UTF-8 text") from None
    check_class_names(names)
    if len(names) != classes:
        raise UserError(f"{path} is damaged: {len(names)} names for {classes} classes")
    return tuple(names)


def _preprocessing(folder: Path, input_shape: tuple[int, int, int]) -> Preprocessing:
    """What the folder's file says; without one, pictures are brought to the input's shape."""
    path = folder / "assets" / PREPROCESSING
    if not path.is_file():
        return Preprocessing.of_shape(input_shape)
    return validated(files.read_json(path), Preprocessing, f"{path} is damaged: ")


class _Signatures(tf.Module):
    """Holds the variables and traced functions only: a Keras object inside would be saved with its own machinery."""

    def __init__(self, model: tf_keras.Model, preprocessing: Preprocessing) -> None:
        super().__init__()
        self.model_variables = list(model.variables)
        network, shape = features(model), model.input_shape[1:]
        images = tf.TensorSpec([None, *shape], tf.uint8, name="images")
        seen = tf.TensorSpec(shape, tf.uint8)

        @tf.function(input_signature=[images], autograph=False)  # traced once for all three
        def outputs(images: tf.Tensor) -> tuple[tf.Tensor, tf.Tensor]:
            return network(images, training=False)

        def serve(images: tf.Tensor) -> dict[str, tf.Tensor]:
            logits = outputs(_of_shape(images, shape))[1]
            return {"logits": logits, "probabilities": tf.nn.softmax(logits)}

        def penultimate(images: tf.Tensor) -> dict[str, tf.Tensor]:
            return {"features": outputs(_of_shape(images, shape))[0]}

        def predict_image(encoded: tf.Tensor) -> dict[str, tf.Tensor]:
            images = tf.map_fn(lambda one: photograph(one, preprocessing), encoded, fn_output_signature=seen)
            return {"probabilities": tf.nn.softmax(outputs(images)[1])}

        self.serve = tf.function(serve, input_signature=[images], autograph=False)
        self.penultimate = tf.function(penultimate, input_signature=[images], autograph=False)
        encoded = tf.TensorSpec([None], tf.string, name="encoded")
        self.predict_image = tf.function(predict_image, input_signature=[encoded], autograph=False)

    def signatures(self) -> dict[str, Any]:
        return {"serving_default": self.serve, "features": self.penultimate, "predict_image": self.predict_image}


def _of_shape(images: tf.Tensor, shape: tuple[int, int, int]) -> tf.Tensor:
    """The images, after the graph has looked at their size: a loaded signature does not."""
    given = tf.compat.v1.placeholder_with_default(images, None)  # forgets what was promised, lest the check be left out
    expected = f"images must be [N, {', '.join(map(str, shape))}]"
    way_out = "resize them as assets/preprocessing.json says, or give encoded pictures to the signature predict_image"
    right = tf.cond(
        tf.rank(given) == 4, lambda: tf.reduce_all(tf.shape(given)[1:] == shape), lambda: tf.constant(False)
    )
    told = [f"{expected}: {way_out}; got", tf.shape(given)]
    with tf.control_dependencies([tf.debugging.Assert(right, told, summarize=4)]):
        return tf.ensure_shape(tf.identity(given), [None, *shape])


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
