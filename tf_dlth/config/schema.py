"""The configuration of one run: every key, its type, its range and its default.

A configuration is loaded once, is immutable, and is passed down in its sections. ``None`` stands for "the
dataset's own"; :func:`tf_dlth.data.load_data` replaces it by the value that was used.
"""

from __future__ import annotations

import hashlib
import json
import re
import reprlib
from typing import Annotated, Any, Literal, Self

import yaml
from pydantic import Field, field_validator, model_validator

from tf_dlth.config.base import Fit, Normalisation, Section, Seed
from tf_dlth.errors import printable

Dataset = Literal[
    "digits",
    "cifar10",
    "cifar100",
    "cifar10_2",
    "cifar10_c",
    "eurosat",
    "isic2018",
    "clamm",
    "imagenet2012",
    "folder",
    "npz",
]
"""The datasets by name; :data:`tf_dlth.data.catalogue.FACTS` says what each is."""
PREPARED: tuple[Dataset, ...] = ("cifar10", "cifar100", "imagenet2012")
"""Those that tensorflow_datasets prepares, so that their folder may come from TF_DLTH_DATA."""
WeightsKind = Literal["last", "test_best", "heldout"]
Command = Literal["train", "pretrain"]
LARGEST_EPOCHS = 10**6
BASELINES = ("random", "layerwise", "transplant")
"""Pruning methods that begin with a ticket and prune nothing."""
BatchSize = Annotated[int, Field(ge=1, le=2**16)]
MOST_FOLDS = 1000

COMPUTED_FROM: dict[Command, tuple[str, ...]] = {
    "train": ("seed", "data", "model", "training", "pruning"),
    "pretrain": ("seed", "data", "model", "training", "pretrain"),
}
"""The sections that decide what a command computes."""
NOT_COMPUTED_FROM = {"data": ("data_dir", "train_list", "test_list"), "training": ("threads",)}
"""Keys of those sections that say where things are, or on how many threads: runs that differ only here are the same."""
SINCE = {
    "data": {"fit": "crop", "fold": None},
    "training": {"class_weights": "none", "precision": "float32", "jit": "auto"},
}
"""Later keys, with what was done before them: at that value the digest leaves them out, so that it knows old runs."""
Precision = Literal["float32", "mixed_bfloat16", "mixed_float16"]
"""What a training computes in; its weights are float32 under all of them."""
Jit = Literal["auto"] | bool


NAME = r"[A-Za-z0-9][A-Za-z0-9._-]{0,99}"
"""Of a run."""


def _such_as(name: str) -> str:
    """A name that is one, where the given one is near to it."""
    near = re.sub(r"[^A-Za-z0-9._-]+", "-", name).strip("-._")[:100]
    return f"; such as name={near}" if near else ""


def _number_or_match(value: int | str, largest: int, what: str) -> int | str:
    if isinstance(value, str) and value.startswith("match:") and value != "match:":
        return value
    if isinstance(value, int) and 1 <= value <= largest:
        return value
    raise ValueError(f"must be a whole number from 1 to {largest} or match:{what}, got {value!r}")


class DataConfig(Section):
    """Which images are trained on, held out and tested on, and how they are augmented."""

    dataset: Dataset = "digits"
    data_dir: str | None = None
    train_list: str | None = None
    test_list: str | None = None
    split: Annotated[int, Field(ge=0, le=2)] = 0
    train_part: Literal["trainval", "train"] = "trainval"
    fraction: Annotated[float | None, Field(gt=0, le=1)] = None
    per_class: Annotated[int | None, Field(ge=1)] = None
    imbalance: Annotated[float | None, Field(gt=0, le=1)] = None
    subset_seed: Seed = 0
    heldout_per_class: Annotated[int | None, Field(ge=0)] = None
    heldout_from: Literal["unused", "train"] | None = None
    fold: Annotated[tuple[int, int] | None, Field(strict=False)] = None
    image_size: Annotated[int | None, Field(ge=4, le=2048)] = None
    normalisation: Normalisation | None = None
    augment: Literal["none", "basic", "contrast", "auto", "rand", "randaugment", "augmix", "mixup", "cutmix"] = "basic"
    fit: Fit = "crop"
    flip: Literal["none", "horizontal", "both"] | None = None
    crop_padding: Annotated[int | None, Field(ge=0)] = None
    cutout: Annotated[int | None, Field(ge=0)] = None

    @field_validator("fold", mode="before")
    @classmethod
    def _one_of_several(cls, fold: Any) -> Any:
        pair = isinstance(fold, list | tuple) and [type(number) for number in fold] == [int, int]
        if fold is None or (pair and 1 <= fold[0] <= fold[1] and 2 <= fold[1] <= MOST_FOLDS):
            return fold
        raise ValueError(
            f"must be [which, of how many], such as [1, 5] for the first of five, got {printable(reprlib.repr(fold))}"
        )

    @model_validator(mode="after")
    def _one_kind_of_subset(self) -> Self:
        given = [k for k in ("fraction", "per_class", "imbalance") if getattr(self, k) is not None]
        if len(given) > 1:
            raise ValueError(f"{' and '.join(given)} exclude each other; keep one of them")
        return self


class ModelConfig(Section):
    """Which network, and where its first weights come from."""

    architecture: str = "resnet18"
    width: int | str = 64
    stem: Literal["small", "full"] | None = None
    head: Literal["linear", "cosine", "tvmf"] = "linear"
    init: str = "random"
    pretrained_stem: bool = False

    @field_validator("width")
    @classmethod
    def _width(cls, width: int | str) -> int | str:
        return _number_or_match(width, 4096, "TICKET")


class TrainingConfig(Section):
    """One training: stochastic gradient descent on a cosine schedule (paper section 3.3)."""

    epochs: int | str = 200
    batch_size: BatchSize = 100
    learning_rate: Annotated[float, Field(gt=0)] = 0.1
    momentum: Annotated[float, Field(ge=0, lt=1)] = 0.9
    weight_decay: Annotated[float, Field(ge=0)] = 0.0005
    loss: Literal["cross_entropy", "cosine_barz"] = "cross_entropy"
    loss_ce_weight: Annotated[float, Field(ge=0)] = 0.0
    class_weights: Literal["none", "balanced"] = "none"
    precision: Precision = "float32"
    jit: Jit = "auto"
    threads: Annotated[int | None, Field(ge=1, le=1024)] = None
    evaluate_every: Annotated[int, Field(ge=1)] = 10

    @field_validator("jit", mode="before")
    @classmethod
    def _jit(cls, jit: object) -> object:
        if jit == "auto" or isinstance(jit, bool):
            return jit
        raise ValueError(f"must be auto, true or false, got {printable(str(jit), 60)!r}")

    @field_validator("epochs")
    @classmethod
    def _epochs(cls, epochs: int | str) -> int | str:
        return _number_or_match(epochs, LARGEST_EPOCHS, "RUN")


class PruningConfig(Section):
    """Iterative magnitude pruning (paper section 3.1) and its controls."""

    method: Literal["magnitude", "none", "random", "layerwise", "transplant"] = "magnitude"
    iterations: Annotated[int, Field(ge=0, le=99)] = 16
    rate: Annotated[float, Field(gt=0, lt=1)] = 0.2
    rewind: Literal["weights", "rate"] = "weights"
    rewind_epochs: Annotated[int, Field(ge=0)] = 2
    select_by: Literal["heldout", "test_best"] | None = None
    source: str | None = None
    start: Literal["rewind", "fresh"] = "rewind"
    mask_seed: Seed = 0

    @model_validator(mode="after")
    def _source_where_it_is_used(self) -> Self:
        if self.method in BASELINES and self.source is None:
            raise ValueError(f"method {self.method} needs source, the folder of the ticket that it is compared with")
        if self.method not in BASELINES and self.source is not None:
            raise ValueError(f"source is used by the methods {', '.join(BASELINES)}, not by {self.method}")
        if self.method not in BASELINES and self.start == "fresh":
            raise ValueError(f"start: fresh is for the methods {', '.join(BASELINES)}, not for {self.method}")
        return self


class ProbeConfig(Section):
    """A linear classifier on frozen features."""

    protocol: Literal["trained", "rewind_bn"] = "trained"
    epochs: Annotated[int, Field(ge=1, le=10**6)] = 100
    learning_rate: Annotated[float, Field(gt=0)] = 0.1
    batch_size: BatchSize = 100


class PretrainConfig(Section):
    """Self-supervised pre-training (SimCLR)."""

    epochs: Annotated[int, Field(ge=1, le=10**6)] = 200
    batch_size: Annotated[int, Field(ge=2, le=2**16)] = 512
    temperature: Annotated[float, Field(gt=0)] = 0.5
    projection: Annotated[int, Field(ge=1)] = 128
    learning_rate: Annotated[float, Field(gt=0)] = 0.5
    knn_every: Annotated[int, Field(ge=1)] = 10


class OutputConfig(Section):
    """Where a run lands and what it keeps."""

    directory: str = "saved_tickets"
    savedmodel: Literal["all", "winner"] = "all"
    checkpoint_seconds: Annotated[float, Field(ge=0)] = 60
    weights: WeightsKind | None = None
    tensorboard: bool = True


class Config(Section):
    """One run. ``seed`` feeds every draw but the subset's."""

    name: str
    seed: Seed = 0
    data: DataConfig = DataConfig()
    model: ModelConfig = ModelConfig()
    training: TrainingConfig = TrainingConfig()
    pruning: PruningConfig = PruningConfig()
    probe: ProbeConfig = ProbeConfig()
    pretrain: PretrainConfig = PretrainConfig()
    output: OutputConfig = OutputConfig()

    @field_validator("name")
    @classmethod
    def _names_a_folder(cls, name: str) -> str:
        if re.fullmatch(NAME, name):
            return name
        raise ValueError(
            f"{printable(name, 60)!r} cannot be a run's name, which is a folder's: 1 to 100 letters (a to z), digits, "
            f"'.', '_' and '-', a letter or digit first{_such_as(name)}"
        )

    @model_validator(mode="after")
    def _sections_agree(self) -> Self:
        epochs = self.training.epochs
        if isinstance(epochs, int) and self.pruning.rewind_epochs >= epochs:
            raise ValueError(
                f"pruning.rewind_epochs must be below training.epochs ({epochs}), "
                f"got {self.pruning.rewind_epochs}; accepted: 0 to {epochs - 1}"
            )
        if self.pruning.select_by == "heldout" and self.data.heldout_per_class == 0 and self.data.fold is None:
            raise ValueError("pruning.select_by: heldout needs held-out images; set data.heldout_per_class above 0")
        return self

    def warnings(self) -> list[str]:
        """Settings that are allowed and probably not meant."""
        if self.model.init != "random" and self.training.learning_rate > 0.01:
            rate = self.training.learning_rate
            return [f"training.learning_rate {rate:g} is high for fine-tuning (model.init is not random)"]
        return []

    def identity(self, command: Command) -> dict[str, Any]:
        """The sections that decide what ``command`` computes, as JSON values."""
        tree = self.model_dump(mode="json", include=set(COMPUTED_FROM[command]))
        for section, keys in NOT_COMPUTED_FROM.items():
            for key in keys:
                del tree[section][key]
        return tree

    def sha256(self, command: Command = "train") -> str:
        """SHA-256 of the identity as JSON with sorted keys; of a *resolved* configuration it identifies a run.

        A null and the default that it stands for are one run, and only resolving tells.
        """
        tree = self.identity(command)
        for section, keys in SINCE.items():
            for key, before in keys.items():
                if tree[section][key] == before:
                    del tree[section][key]
        return hashlib.sha256(json.dumps(tree, sort_keys=True).encode()).hexdigest()

    def to_yaml(self) -> str:
        """Every key with its value, in the schema's order."""
        return yaml.safe_dump(self.model_dump(mode="json"), sort_keys=False)
