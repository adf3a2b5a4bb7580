"""From the ``data`` section to the three parts of a run's images."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
from pydantic import ValidationError

from tf_dlth.config import DataConfig, Normalisation
from tf_dlth.data import subsets
from tf_dlth.data.catalogue import FACTS, Facts
from tf_dlth.data.duplicates import digests_of, refuse_duplicates
from tf_dlth.data.examples import Examples
from tf_dlth.data.faults import every
from tf_dlth.data.images import Preprocessing
from tf_dlth.data.joining import JoinedExamples
from tf_dlth.data.sources import Source, load_source
from tf_dlth.data.sources.source import require_two_classes
from tf_dlth.errors import UserError

LARGEST_DEFAULT_HELDOUT = 50
LARGEST_CUTOUT = 16
STATISTICS_BATCH = 256
LARGEST_IN_MEMORY = 2**30
"""Bytes of decoded images in a part."""


@dataclass(frozen=True)
class Data:
    """The images of one run.

    ``config`` has every null replaced by the value used; null stays where there is no single one:
    ``data_dir`` and the lists as given, the subset rules that were not asked for, ``crop_padding`` where
    random resized crops take its place, ``heldout_per_class`` where classes differ or a fold is held out,
    ``image_size`` of oblong images, ``normalisation`` of own images that only test.
    ``preprocessing`` says what turns a picture into the network's input (channels, resize, crop,
    interpolation, antialias). ``sha256`` covers that, the classes' names, and labels, names and decoded images of
    the three parts; of images that are decoded lazily the bytes of their files, of ImageNet's records their checksums.
    ``skipped`` counts the files of a folder that are not used, by reason; ``sizes`` its pictures, by (height, width).
    """

    config: DataConfig
    class_names: tuple[str, ...]
    train: Examples
    heldout: Examples | None
    test: Examples
    image_shape: tuple[int, int, int]
    preprocessing: Preprocessing
    sha256: str
    skipped: Mapping[str, int]
    sizes: Mapping[tuple[int, int], int]

    def subset(self) -> dict[str, Any]:
        """The names of the images of each part and how many there are of each class."""
        parts = {"train": self.train, "heldout": self.heldout, "test": self.test}
        return {
            "images": {part: list(e.names) if e else [] for part, e in parts.items()},
            "class_counts": {part: self.class_counts(e) for part, e in parts.items()},
        }

    def class_counts(self, examples: Examples | None) -> dict[str, int]:
        """Images of each class by its name."""
        counts = examples.class_counts(len(self.class_names)) if examples else [0] * len(self.class_names)
        return {name: int(n) for name, n in zip(self.class_names, counts, strict=True)}


def load_data(config: DataConfig) -> Data:
    """Loads, chooses and checks the images of a run; raises UserError for whatever does not fit."""
    source = load_source(config)
    require_two_classes(source.class_names)
    facts = FACTS[config.dataset]
    train, heldout = choose(source, config, facts)
    train, heldout, test = every(lambda e: settled(e, facts) if e else e, (train, heldout, source.test))
    assert train is not None and test is not None
    parts = {"train": train, "heldout": heldout, "test": test}
    digests = digests_of(parts)
    if facts.own_files:
        refuse_duplicates(parts, digests, source.class_names, folded=config.fold is not None)
    return Data(
        config=resolve(config, facts, source, train, heldout),
        class_names=source.class_names,
        train=train,
        heldout=heldout,
        test=test,
        image_shape=source.preprocessing.image_shape,
        preprocessing=source.preprocessing,
        sha256=_sha256(source, parts, digests),
        skipped=source.skipped,
        sizes=source.sizes,
    )


def choose(source: Source, config: DataConfig, facts: Facts) -> tuple[Examples, Examples | None]:
    """The training and the held-out images; of a fold, all others of them and that fold."""
    train, heldout = _parts(source, config, facts)
    if config.fold is None:
        return train, heldout
    pool = JoinedExamples([train, heldout]) if heldout else train
    which, folds = config.fold
    numbers = subsets.fold_numbers(pool.labels, source.class_names, config.subset_seed, folds)
    return pool.take(np.flatnonzero(numbers != which)), pool.take(np.flatnonzero(numbers == which))


def _parts(source: Source, config: DataConfig, facts: Facts) -> tuple[Examples, Examples | None]:
    if not len(source.train):
        return _test_only(source, config), None
    chosen, unused = subsets.training_subset(
        source.train.labels,
        source.class_names,
        seed=config.subset_seed,
        fraction=config.fraction,
        per_class=config.per_class,
        imbalance=config.imbalance,
    )
    if heldout_from(config, facts, source) == "train":
        chosen, held = _hold_out(chosen, chosen, 1, source, config, facts)
    elif source.heldout:
        return source.train.take(subsets.joined(chosen)), _own_heldout(source, config)
    else:
        _, held = _hold_out(unused, chosen, 0, source, config, facts)
    heldout = source.train.take(subsets.joined(held)) if subsets.sizes(held).any() else None
    return source.train.take(subsets.joined(chosen)), heldout


def _hold_out(
    pool: subsets.Orders, chosen: subsets.Orders, kept: int, source: Source, config: DataConfig, facts: Facts
) -> tuple[subsets.Orders, subsets.Orders]:
    """The pool without its held-out images, at least ``kept`` a class, and those."""
    available = subsets.sizes(pool) - kept
    counts = heldout_counts(config, facts, source, subsets.sizes(chosen), available)
    subsets.require(counts, available, source.class_names, "data.heldout_per_class")
    return subsets.hold_out(pool, counts)


def settled(examples: Examples, facts: Facts) -> Examples:
    """The images in memory, unless they are many or need random resized crops from the whole picture."""
    height, width, _ = examples.image_shape
    return examples if facts.cropped_and_resized(min(height, width)) else held(examples)


def held(examples: Examples) -> Examples:
    """The images in memory, unless they are many."""
    height, width, channels = examples.image_shape
    small = len(examples) * height * width * channels <= LARGEST_IN_MEMORY
    return examples.in_memory() if small else examples


def _test_only(source: Source, config: DataConfig) -> Examples:
    asked = (config.fraction, config.per_class, config.imbalance, config.heldout_per_class or None, config.fold)
    if any(value is not None for value in asked):
        raise UserError(
            f"data.dataset: {source.name} has test images only; remove fraction, per_class, imbalance, "
            "heldout_per_class and fold"
        )
    return source.train


def heldout_from(config: DataConfig, facts: Facts, source: Source) -> str:
    """Where held-out images come from; a part that the source sets aside is unused by training."""
    return config.heldout_from or ("unused" if source.heldout else facts.heldout_from)


def heldout_counts(
    config: DataConfig, facts: Facts, source: Source, trained: np.ndarray, available: np.ndarray
) -> np.ndarray:
    """Held-out images of each class: what was asked for, or the dataset's default."""
    if config.heldout_per_class is not None:
        return np.full(len(trained), config.heldout_per_class, np.int64)
    if source.heldout:
        return source.heldout.class_counts(len(trained))
    if facts.heldout == "fifth":
        return np.minimum([round(0.2 * int(n)) for n in trained], available)
    if facts.heldout == "like_training" and (config.fraction or config.per_class):
        return np.minimum(np.minimum(trained, LARGEST_DEFAULT_HELDOUT), available)
    return np.zeros(len(trained), np.int64)


def _own_heldout(source: Source, config: DataConfig) -> Examples | None:
    """The first ``heldout_per_class`` images of each class of the source's own held-out part, or all."""
    assert source.heldout is not None
    if config.heldout_per_class is None:
        return source.heldout
    if config.heldout_per_class == 0:
        return None
    orders = subsets.file_orders(source.heldout.labels, len(source.class_names))
    counts = np.full(len(orders), config.heldout_per_class, np.int64)
    subsets.require(counts, subsets.sizes(orders), source.class_names, "data.heldout_per_class")
    return source.heldout.take(subsets.joined(subsets.cut(orders, counts)[0]))


def resolve(config: DataConfig, facts: Facts, source: Source, train: Examples, heldout: Examples | None) -> DataConfig:
    """The section with the values that were used in place of its nulls."""
    height, width, _ = source.preprocessing.image_shape
    side = min(height, width)
    values = {
        "flip": _or(config.flip, facts.flip),
        "crop_padding": _or(config.crop_padding, None if facts.cropped_and_resized(side) else side // 8),
        "cutout": _or(config.cutout, min(LARGEST_CUTOUT, side // 2) if config.augment in ("auto", "rand") else 0),
        "heldout_per_class": config.heldout_per_class if config.fold else _heldout_count(config, source, heldout),
        "heldout_from": heldout_from(config, facts, source),
        "image_size": height if height == width else None,
        "normalisation": _or(config.normalisation, facts.normalisation) or statistics(train),
    }
    _check(values, side, source.preprocessing.channels)
    return _valid(config.model_copy(update=values))


def _valid(resolved: DataConfig) -> DataConfig:
    """The section, if it can be written and read again; raises UserError for what the images do not fit into."""
    try:
        return DataConfig.model_validate(resolved.model_dump())
    except ValidationError as error:
        first = error.errors()[0]
        key, reason = first["loc"][0], first["msg"].replace("Input should be", "it must be")
        raise UserError(f"data.{key}: the images' own is {first['input']}, and {reason}; set it") from None


def _or(value: Any, default: Any) -> Any:
    return default if value is None else value


def _heldout_count(config: DataConfig, source: Source, heldout: Examples | None) -> int | None:
    """How many of each class are held out, None where classes differ."""
    if config.heldout_per_class is not None or heldout is None:
        return config.heldout_per_class or 0
    counts = set(heldout.class_counts(len(source.class_names)).tolist())
    return counts.pop() if len(counts) == 1 else None


def _check(values: dict[str, Any], side: int, channels: int) -> None:
    for key in ("crop_padding", "cutout"):
        if values[key] is not None and values[key] > side:
            raise UserError(f"data.{key}: {values[key]} is more than the images' {side} pixels")
    normalisation = values["normalisation"]
    if normalisation is not None and len(normalisation.mean) != channels:
        given = len(normalisation.mean)
        raise UserError(f"data.normalisation: {given} values for images with {channels} channels")


def statistics(train: Examples) -> Normalisation | None:
    """Mean and standard deviation of the training images by channel, of values in 0..1, to six decimals."""
    if not len(train):
        return None
    channels = train.image_shape[2]
    total, squares, pixels = np.zeros(channels), np.zeros(channels), 0
    for start in range(0, len(train), STATISTICS_BATCH):
        images = train.read(np.arange(start, min(len(train), start + STATISTICS_BATCH))).astype(np.int64)
        total += images.sum(axis=(0, 1, 2))
        squares += (images**2).sum(axis=(0, 1, 2))
        pixels += images[..., 0].size
    mean = total / pixels
    deviation = np.sqrt(np.maximum(squares / pixels - mean**2, 1.0))
    return Normalisation(mean=_rounded(mean / 255), std=_rounded(deviation / 255))


def _rounded(values: np.ndarray) -> tuple[float, ...]:
    return tuple(round(float(v), 6) for v in values)


def _sha256(source: Source, parts: dict[str, Examples | None], digests: dict[str, list[bytes]]) -> str:
    preparation = source.preprocessing.as_json()
    if preparation["fit"] == "crop":  # as before there was a choice, so that earlier runs know their images
        del preparation["fit"]
    total = hashlib.sha256(json.dumps([source.class_names, preparation]).encode())
    for part, examples in parts.items():
        total.update(json.dumps([part, examples.names if examples else None]).encode())
        if examples:
            total.update(examples.labels.astype("<i4").tobytes())
            total.update(b"".join(digests[part]))
    return total.hexdigest()
