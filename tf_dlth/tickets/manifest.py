"""``ticket.json``: what a ticket says of itself, validated when it is read."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path, PurePosixPath
from typing import Annotated, Literal, Self

import numpy as np
from pydantic import Field, field_validator, model_validator

from tf_dlth import files
from tf_dlth.config import Dataset, Normalisation, WeightsKind
from tf_dlth.config.base import Section, Sha256
from tf_dlth.config.loading import validated
from tf_dlth.data.images import Preprocessing
from tf_dlth.data.sources.source import check_class_names
from tf_dlth.errors import UserError
from tf_dlth.models.spec import ModelSpec

FORMAT_VERSION = 1
MANIFEST, MASK, SAVED_MODEL, SIGNATURE = "ticket.json", "mask.safetensors", "saved_model", "manifest_sha256"
Fraction = Annotated[float, Field(ge=0, le=1)]
Count = Annotated[int, Field(ge=0)]


class LayerDensity(Section):
    remaining: Count
    total: Count
    density: Fraction


class WeightsEntry(Section):
    file: str
    epoch: Count
    test_accuracy: Fraction


class RewindEntry(Section):
    file: str
    sha256: Sha256


class Manifest(Section):
    """The content of ticket.json, what a reader looks for first; file names are relative and stay in its folder."""

    format_version: Literal[1]
    weights: dict[WeightsKind, WeightsEntry]
    default_weights: WeightsKind
    class_names: list[str]
    model: ModelSpec
    iteration: Count
    density: Fraction
    remaining: Count
    prunable: Count
    dataset: Dataset
    augment: str
    preprocessing: Preprocessing
    normalisation: Normalisation
    config_sha256: Sha256
    rewind: RewindEntry
    files: dict[str, Sha256]
    layers: dict[str, LayerDensity]

    @property
    def sha256(self) -> str:
        """Of all of it, as ticket.json states under ``manifest_sha256``."""
        return files.digest_of(self.model_dump(mode="json"))

    def without_saved_model(self) -> Self:
        """What it was before the SavedModel was added."""
        kept = {name: digest for name, digest in self.files.items() if not name.startswith(f"{SAVED_MODEL}/")}
        return self.model_copy(update={"files": kept})

    @field_validator("class_names")
    @classmethod
    def _can_be_shown(cls, names: list[str]) -> list[str]:
        try:
            check_class_names(names)
        except UserError as error:
            raise ValueError(str(error)) from None
        return names

    @field_validator("files")
    @classmethod
    def _inside(cls, names: dict[str, str]) -> dict[str, str]:
        for name in names:
            path = PurePosixPath(name)
            if path.is_absolute() or ".." in path.parts or "\\" in name or not path.parts:
                raise ValueError(f"file name {name!r} leaves the ticket's folder")
        return names

    @model_validator(mode="after")
    def _names_known_files(self) -> Self:
        named = {MASK, *(entry.file for entry in self.weights.values())}
        if missing := named - self.files.keys():
            raise ValueError(f"no digest for {', '.join(sorted(missing))}")
        if self.default_weights not in self.weights:
            raise ValueError(f"default_weights {self.default_weights} is none of weights")
        if "/" in self.rewind.file or "\\" in self.rewind.file or self.rewind.file in ("", ".", ".."):
            raise ValueError(f"rewind file {self.rewind.file!r} must be a bare name")
        return self

    @model_validator(mode="after")
    def _fits_its_model(self) -> Self:
        if len(self.class_names) != self.model.classes:
            raise ValueError(f"class_names has {len(self.class_names)} names for {self.model.classes} classes")
        if len(self.normalisation.mean) != self.model.input_shape[2]:
            raise ValueError(f"normalisation needs a value for each of {self.model.input_shape[2]} channels")
        if self.preprocessing.image_shape != self.model.input_shape:
            raise ValueError(f"preprocessing does not give images of shape {list(self.model.input_shape)}")
        return self

    @model_validator(mode="after")
    def _counts_agree(self) -> Self:
        if sum(layer.total for layer in self.layers.values()) != self.prunable:
            raise ValueError("the layers' totals do not add up to prunable")
        if sum(layer.remaining for layer in self.layers.values()) != self.remaining:
            raise ValueError("the layers' remaining weights do not add up to remaining")
        if self.prunable and self.density != self.remaining / self.prunable:
            raise ValueError("density is not remaining / prunable")
        return self


def layer_densities(masks: Mapping[str, np.ndarray]) -> dict[str, LayerDensity]:
    """The counts of each boolean mask."""
    counts = {name: int(np.count_nonzero(mask)) for name, mask in masks.items()}
    return {
        name: LayerDensity(remaining=counts[name], total=mask.size, density=counts[name] / mask.size)
        for name, mask in masks.items()
    }


def read_manifest(path: Path) -> Manifest:
    """Reads and validates a ticket.json; raises UserError naming the file and the field."""
    tree = files.read_json(path)
    files.require_version(path, tree, FORMAT_VERSION)
    manifest = validated(files.without(tree, SIGNATURE), Manifest, f"{path} is damaged: ")
    files.require_signed(path, tree, SIGNATURE)
    return manifest


def write_manifest(path: Path, manifest: Manifest) -> None:
    """Replaces a ticket.json."""
    files.write_signed(path, manifest.model_dump(mode="json"), SIGNATURE)
