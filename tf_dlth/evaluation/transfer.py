"""What a network makes of other images than its own: penultimate features of a dataset's training and test part."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import numpy as np

from tf_dlth.config import DataConfig, WeightsKind
from tf_dlth.data import Examples
from tf_dlth.data.catalogue import FACTS
from tf_dlth.data.duplicates import digests_of, refuse_duplicates
from tf_dlth.data.images import Preprocessing
from tf_dlth.data.loading import choose, held
from tf_dlth.data.sources import Source, load_source
from tf_dlth.data.sources.source import require_two_classes
from tf_dlth.errors import UserError
from tf_dlth.evaluation.accuracy import predict
from tf_dlth.evaluation.subject import ticket_or_saved_model
from tf_dlth.models.build import encoder
from tf_dlth.models.inference import Predict, predictor
from tf_dlth.tickets.saved_model import open_features
from tf_dlth.tickets.ticket import Ticket


@dataclass(frozen=True)
class Backbone:
    """A network without its head: images [N, H, W, C] to features [N, D]; ``ticket`` is None for a SavedModel's."""

    path: Path
    weights: str
    features: Predict
    preprocessing: Preprocessing
    ticket: Ticket | None = None


@dataclass(frozen=True)
class Images:
    """The training and the test images as the network sees them, under the numbers of their own classes.

    ``resized`` says what was done to them, and is empty where they have the network's shape.
    """

    class_names: tuple[str, ...]
    train: Examples
    test: Examples
    resized: str


def open_backbone(path: str, kind: WeightsKind | None = None, trust: bool = False) -> Backbone:
    """Opens a ticket's folder, a run's folder (its winner) or a SavedModel's with the signature ``features``.

    Raises UserError for others; ``trust`` as in :func:`tf_dlth.evaluation.subject.open_subject`.
    """
    found = ticket_or_saved_model(path, kind, trust)
    if isinstance(found, Path):
        return Backbone(found, "saved_model", *open_features(found, trust))
    weights = kind or found.manifest.default_weights
    return Backbone(found.path, weights, predictor(encoder(found.model(kind))), found.manifest.preprocessing, found)


def encode(compute: Predict, examples: Examples) -> np.ndarray:
    """float32 features [N, D]; raises UserError where one is no finite number."""
    rows = predict(compute, examples)
    if not np.isfinite(rows).all():
        raise UserError("the network gives features that are no finite numbers; choose another")
    return rows


def transfer_images(config: DataConfig, preprocessing: Preprocessing) -> Images:
    """The chosen training images and the test images of a dataset as another network sees them.

    Raises UserError for whatever does not fit: less than two classes, no training images, and among a user's own files
    identical ones in both parts.
    """
    facts = FACTS[config.dataset]
    config = _without_heldout(config)
    source = load_source(_of_any_size(config, preprocessing))
    train, _ = choose(source, config, facts)
    if not len(train):
        raise UserError(f"data.dataset: {config.dataset} has test images only, nothing to train a classifier on")
    require_two_classes([source.class_names[label] for label in np.unique(train.labels)])
    if facts.own_files:
        parts = {"train": train, "test": source.test}
        refuse_duplicates(parts, digests_of(parts), source.class_names)
    seen, tested = (held(part.prepared_by(preprocessing)) for part in (train, source.test))
    return Images(source.class_names, seen, tested, _resized(source, config, preprocessing))


def _without_heldout(config: DataConfig) -> DataConfig:
    """Nothing is chosen, so that no image is held out but those that are asked for."""
    return config if config.heldout_per_class is not None else config.model_copy(update={"heldout_per_class": 0})


def _of_any_size(config: DataConfig, preprocessing: Preprocessing) -> DataConfig:
    """The section under which files need not have one size, for the network brings them to its own."""
    if config.dataset != "folder" or config.image_size is not None:
        return config
    return config.model_copy(update={"image_size": min(preprocessing.crop)})


def _resized(source: Source, config: DataConfig, preprocessing: Preprocessing) -> str:
    own, wanted = source.preprocessing.image_shape, preprocessing.image_shape
    if own == wanted and config.dataset != "folder":
        return ""
    size = "other sizes" if config.dataset == "folder" else _shape(own)
    return f"images of {size} are resized to {_shape(wanted)}, as the ticket says"


def _shape(shape: tuple[int, int, int]) -> str:
    return " x ".join(map(str, shape))
