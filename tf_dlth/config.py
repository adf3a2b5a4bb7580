"""The configuration of one run: every key, its type, its range and its default.

A configuration is loaded once, is immutable, and is passed down in its sections. ``None`` stands for "the
dataset's own"; :func:`tf_dlth.data.load_data` replaces it by the value that was used.
"""

from __future__ import annotations

import difflib
import hashlib
import json
import re
import reprlib
import types
import typing
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path
from typing import Annotated, Any, Literal, Self

import yaml
from pydantic import BaseModel, ConfigDict, Field, ValidationError, field_validator, model_validator
from pydantic_core import ErrorDetails

from tf_dlth.errors import UserError

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
WeightsKind = Literal["last", "test_best", "heldout"]
Seed = Annotated[int, Field(ge=0, lt=2**32)]
Channels = Annotated[tuple[float, ...], Field(strict=False, min_length=1, max_length=4)]

IDENTITY_EXCLUDES = ("name", "output", "data.data_dir", "data.train_list", "data.test_list")
"""Keys that say where things are, not what is computed: runs that differ only here are the same run."""

NOT_YET = {("pruning", "method"): ("random", "layerwise", "transplant")}
"""Values of the schema that this version knows by name but cannot run."""


class Section(BaseModel):
    """A part of the configuration: typed strictly, closed to unknown keys, immutable."""

    model_config = ConfigDict(extra="forbid", frozen=True, strict=True, allow_inf_nan=False)


class Normalisation(Section):
    """Per-channel ``(x / 255 - mean) / std`` of images in 0..255."""

    mean: Channels
    std: Channels

    @model_validator(mode="after")
    def _same_channels(self) -> Self:
        if len(self.mean) != len(self.std):
            raise ValueError("mean and std need one value a channel each")
        if min(self.std) <= 0:
            raise ValueError("std must be above 0")
        return self


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
    image_size: Annotated[int | None, Field(ge=4, le=2048)] = None
    normalisation: Normalisation | None = None
    augment: Literal["none", "basic", "contrast", "auto", "rand"] = "basic"
    flip: Literal["none", "horizontal", "both"] | None = None
    crop_padding: Annotated[int | None, Field(ge=0)] = None
    cutout: Annotated[int | None, Field(ge=0)] = None

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
        if isinstance(width, str) and width.startswith("match:") and width != "match:":
            return width
        if isinstance(width, int) and 1 <= width <= 4096:
            return width
        raise ValueError(f"must be a whole number from 1 to 4096 or match:TICKET, got {width!r}")


class TrainingConfig(Section):
    """One training: stochastic gradient descent on a cosine schedule (paper section 4.1)."""

    epochs: Annotated[int, Field(ge=1)] = 200
    batch_size: Annotated[int, Field(ge=1)] = 100
    learning_rate: Annotated[float, Field(gt=0)] = 0.1
    momentum: Annotated[float, Field(ge=0, lt=1)] = 0.9
    weight_decay: Annotated[float, Field(ge=0)] = 0.0005
    loss: Literal["cross_entropy", "cosine_barz"] = "cross_entropy"
    loss_ce_weight: Annotated[float, Field(ge=0)] = 0.0
    evaluate_every: Annotated[int, Field(ge=1)] = 10


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


class ProbeConfig(Section):
    """A linear classifier on frozen features."""

    protocol: Literal["trained", "rewind_bn"] = "trained"
    epochs: Annotated[int, Field(ge=1)] = 100
    learning_rate: Annotated[float, Field(gt=0)] = 0.1
    batch_size: Annotated[int, Field(ge=1)] = 100


class PretrainConfig(Section):
    """Self-supervised pre-training (SimCLR)."""

    epochs: Annotated[int, Field(ge=1)] = 200
    batch_size: Annotated[int, Field(ge=2)] = 512
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

    name: Annotated[str, Field(pattern=r"^[A-Za-z0-9][A-Za-z0-9._-]*$", max_length=100)]
    seed: Seed = 0
    data: DataConfig = DataConfig()
    model: ModelConfig = ModelConfig()
    training: TrainingConfig = TrainingConfig()
    pruning: PruningConfig = PruningConfig()
    probe: ProbeConfig = ProbeConfig()
    pretrain: PretrainConfig = PretrainConfig()
    output: OutputConfig = OutputConfig()

    @model_validator(mode="after")
    def _sections_agree(self) -> Self:
        if self.pruning.rewind_epochs >= self.training.epochs:
            raise ValueError(
                f"pruning.rewind_epochs must be below training.epochs ({self.training.epochs}), "
                f"got {self.pruning.rewind_epochs}; accepted: 0 to {self.training.epochs - 1}"
            )
        if self.pruning.select_by == "heldout" and self.data.heldout_per_class == 0:
            raise ValueError("pruning.select_by: heldout needs held-out images; set data.heldout_per_class above 0")
        return self

    def warnings(self) -> list[str]:
        """Settings that are allowed and probably not meant."""
        if self.model.init != "random" and self.training.learning_rate > 0.01:
            rate = self.training.learning_rate
            return [f"training.learning_rate {rate:g} is high for fine-tuning (model.init is not random)"]
        return []

    def identity(self) -> dict[str, Any]:
        """The nested keys that decide what is computed; see ``IDENTITY_EXCLUDES``."""
        return nested({k: v for k, v in flat(self.model_dump()).items() if not _excluded(k)})

    def sha256(self) -> str:
        """SHA-256 of the identity as sorted JSON."""
        return hashlib.sha256(json.dumps(self.identity(), sort_keys=True).encode()).hexdigest()

    def to_yaml(self) -> str:
        """Every key with its value, in the schema's order."""
        return yaml.safe_dump(self.model_dump(mode="json"), sort_keys=False)


def load_config(path: str | Path, overrides: Iterable[str] = ()) -> Config:
    """Reads a YAML file and applies ``key.path=value`` overrides; raises UserError for anything unfit."""
    try:
        text = Path(path).read_text(encoding="utf-8")
    except FileNotFoundError:
        raise UserError(f"config file {path} does not exist") from None
    except (OSError, UnicodeDecodeError) as error:
        raise UserError(f"config file {path} cannot be read: {error}") from None
    return parse_config(text, overrides, origin=str(path))


def parse_config(text: str, overrides: Iterable[str] = (), origin: str = "config") -> Config:
    """Like :func:`load_config`, from YAML text."""
    tree = _yaml(text, origin)
    if not isinstance(tree, dict):
        raise UserError(f"{origin} must hold a mapping of keys to values, not {_kind(tree)}")
    for override in overrides:
        _apply(tree, override)
    return build_config(tree)


def build_config(tree: Mapping[str, Any]) -> Config:
    """Validates a nested mapping; raises UserError with one line for the first fault."""
    try:
        config = Config.model_validate(dict(tree))
    except ValidationError as error:
        raise UserError(_one_line(error.errors()[0])) from None
    for (section, key), values in NOT_YET.items():
        if (value := getattr(getattr(config, section), key)) in values:
            raise UserError(f"{section}.{key}: {value} is not available yet in this version")
    return config


def differing_keys(a: Config, b: Config) -> list[str]:
    """Dotted keys of the identity in which two configurations differ."""
    left, right = flat(a.identity()), flat(b.identity())
    return sorted(k for k in left.keys() | right.keys() if left.get(k) != right.get(k))


def flat(tree: Mapping[str, Any], prefix: str = "") -> dict[str, Any]:
    """A nested mapping as dotted keys; lists and tuples are leaves."""
    leaves: dict[str, Any] = {}
    for key, value in tree.items():
        if isinstance(value, Mapping):
            leaves |= flat(value, f"{prefix}{key}.")
        else:
            leaves[f"{prefix}{key}"] = list(value) if isinstance(value, tuple) else value
    return leaves


def nested(leaves: Mapping[str, Any]) -> dict[str, Any]:
    """The inverse of :func:`flat`."""
    tree: dict[str, Any] = {}
    for dotted, value in leaves.items():
        *path, last = dotted.split(".")
        node = tree
        for key in path:
            node = node.setdefault(key, {})
        node[last] = value
    return tree


def _excluded(key: str) -> bool:
    return any(key == name or key.startswith(f"{name}.") for name in IDENTITY_EXCLUDES)


class _Loader(yaml.SafeLoader):
    """Safe YAML that also reads ``1e-3`` as a number and refuses a key given twice."""

    def construct_mapping(self, node: yaml.MappingNode, deep: bool = False) -> dict[Any, Any]:
        keys = [k.value for k, _ in node.value if isinstance(k, yaml.ScalarNode)]
        if twice := [key for key, count in Counter(keys).items() if count > 1]:
            raise yaml.constructor.ConstructorError(None, None, f"key {twice[0]!r} is given twice", node.start_mark)
        return super().construct_mapping(node, deep)


_Loader.add_implicit_resolver(
    "tag:yaml.org,2002:float",
    re.compile(r"^[-+]?(\d+(\.\d*)?|\.\d+)[eE][-+]?\d+$"),
    list("-+0123456789."),
)


def _yaml(text: str, origin: str) -> Any:
    try:
        return yaml.load(text, Loader=_Loader)  # noqa: S506 - a SafeLoader
    except (yaml.YAMLError, RecursionError, ValueError, KeyError, AttributeError) as error:
        # The last three come from the values of tags and dates: `!!bool x`, 2024-99-99.
        mark = getattr(error, "problem_mark", None)
        where = f" at line {mark.line + 1}, column {mark.column + 1}" if mark else ""
        problem = getattr(error, "problem", None) or "a value is nested too deeply, or is not what its form says"
        raise UserError(f"{origin} is not valid YAML{where}: {problem}") from None


def _apply(tree: dict[str, Any], override: str) -> None:
    dotted, equals, value = override.partition("=")
    if not equals or not dotted:
        raise UserError(f"override {override!r} must look like key.path=value, such as training.epochs=20")
    *path, last = dotted.split(".")
    node = tree
    for key in path:
        child = node.setdefault(key, {})
        if not isinstance(child, dict):
            raise UserError(f"override {override!r}: {key} is a value, not a section")
        node = child
    node[last] = _yaml(value, f"override {override!r}")


def _one_line(error: ErrorDetails) -> str:
    """A validation error as the user typed it: the dotted key, what is wrong, what is accepted."""
    key = _schema_key([str(part) for part in error["loc"]], extra=error["type"] == "extra_forbidden")
    if error["type"] == "extra_forbidden":
        return f"unknown key {key}{_nearest(key)}"
    if error["type"] == "missing":
        return f"key {key} is missing"
    if error["type"] == "value_error":
        reason = error["msg"].removeprefix("Value error, ")
        return f"{key}: {reason}" if key else reason
    message = error["msg"].replace("Input should be", "must be")
    return f"{key}: {message}, got {_shown(error['input'])}{_accepted(key)}"


def _schema_key(location: list[str], extra: bool) -> str:
    """The dotted key; Pydantic appends the union's member or the list's index that failed, which nobody typed."""
    known = set(dotted_keys())
    while not extra and len(location) > 1 and ".".join(location) not in known:
        location = location[:-1]
    return ".".join(location)


def dotted_keys(model: type[BaseModel] = Config, prefix: str = "") -> Iterator[str]:
    """Every key of the schema, dotted."""
    for name, field in model.model_fields.items():
        yield f"{prefix}{name}"
        for section in _members(field.annotation):
            if _is_section(section):
                yield from dotted_keys(section, f"{prefix}{name}.")


def _members(annotation: Any) -> tuple[Any, ...]:
    """The members of a union; another type is its own only member."""
    return typing.get_args(annotation) if isinstance(annotation, types.UnionType) else (annotation,)


def _is_section(annotation: Any) -> bool:
    return isinstance(annotation, type) and issubclass(annotation, BaseModel)


def _nearest(key: str) -> str:
    keys = list(dotted_keys())
    same_leaf = [k for k in keys if k.rpartition(".")[2] == key.rpartition(".")[2]]
    close = same_leaf or difflib.get_close_matches(key, keys, n=1, cutoff=0.6)
    return f"; did you mean {close[0]}?" if close else f"; known keys: {', '.join(Config.model_fields)}"


def _accepted(key: str) -> str:
    bounds = [b for m in _constraints(key) for b in _bounds(m)]
    return f"; accepted: {' and '.join(bounds)}" if bounds else ""


def _constraints(key: str) -> list[Any]:
    model: type[BaseModel] = Config
    *path, last = key.split(".")
    for part in path:
        model = next(s for s in _members(model.model_fields[part].annotation) if _is_section(s))
    return model.model_fields[last].metadata if last in model.model_fields else []


def _bounds(metadata: Any) -> Iterator[str]:
    for attribute, sign in (("gt", "above"), ("ge", "at least"), ("lt", "below"), ("le", "at most")):
        if (bound := getattr(metadata, attribute, None)) is not None:
            yield f"{sign} {bound:g}" if isinstance(bound, float) else f"{sign} {bound}"


def _shown(value: Any) -> str:
    # Not repr() of everything: aliases make a short file stand for billions of values.
    if isinstance(value, int) and value.bit_length() > 200:
        return "a number of over 60 digits"
    text = repr(value) if isinstance(value, str) else reprlib.repr(value)
    return text if len(text) <= 60 else f"{text[:57]}..."


def _kind(tree: Any) -> str:
    return "nothing (the file is empty)" if tree is None else f"a {type(tree).__name__}"
