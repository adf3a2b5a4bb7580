"""Writing a ticket's folder: whole or not at all."""

from __future__ import annotations

import os
import shutil
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from tf_dlth import files
from tf_dlth.config import Dataset, Normalisation, WeightsKind
from tf_dlth.data.images import Preprocessing
from tf_dlth.models import variables
from tf_dlth.models.spec import ModelSpec
from tf_dlth.tickets import saved_model
from tf_dlth.tickets.manifest import (
    FORMAT_VERSION,
    MANIFEST,
    MASK,
    SAVED_MODEL,
    Manifest,
    RewindEntry,
    WeightsEntry,
    layer_densities,
    write_manifest,
)
from tf_dlth.tickets.saved_model import Serving
from tf_dlth.tickets.ticket import Ticket

Arrays = Mapping[str, np.ndarray]
WEIGHT_FILES: dict[WeightsKind, str] = {
    "last": "weights.safetensors",
    "test_best": "weights_test_best.safetensors",
    "heldout": "weights_heldout.safetensors",
}


@dataclass(frozen=True)
class Origin:
    """What all tickets of a run have in common; ``default_weights`` are meant where none are named."""

    spec: ModelSpec
    preprocessing: Preprocessing
    normalisation: Normalisation
    dataset: Dataset
    class_names: tuple[str, ...]
    augment: str
    config_sha256: str
    default_weights: WeightsKind


@dataclass(frozen=True)
class Chosen:
    """The weights that a rule chose, float32 by variable name and masked: after which epoch, and their accuracy."""

    epoch: int
    test_accuracy: float
    weights: Arrays


def write_ticket(
    folder: Path,
    origin: Origin,
    iteration: int,
    masks: Arrays,
    chosen: Mapping[WeightsKind, Chosen],
    rewind: RewindEntry,
    serving: Serving | None,
) -> None:
    """Writes a whole ticket under a temporary name, then puts it in place. ``masks`` are boolean.

    With ``serving``, the network of ``origin``, there is a SavedModel in it.
    """
    temporary = folder.with_name(f"{files.TEMPORARY}{os.getpid()}-{folder.name}")
    try:
        temporary.mkdir(parents=True)
        files.write_tensors(temporary / MASK, {name: mask.astype(np.uint8) for name, mask in masks.items()})
        entries = _write_weights(temporary, chosen)
        if serving:
            variables.assign(serving.model, chosen[origin.default_weights].weights)
            saved_model.write(temporary / SAVED_MODEL, serving)
        manifest = _manifest(origin, iteration, masks, entries, rewind, files.digests(temporary))
        write_manifest(temporary / MANIFEST, manifest)
        files.replace_folder(temporary, folder)
    except OSError as error:
        raise files.cannot_write(folder, error) from None
    finally:
        shutil.rmtree(temporary, ignore_errors=True)


def add_saved_model(ticket: Ticket, serving: Serving) -> None:
    """Adds a SavedModel of ``serving``, the ticket's network, to a ticket without one, then signs ticket.json anew."""
    files.sweep(ticket.path)  # what a killed process left here would be taken for the ticket's own
    temporary = ticket.path / f"{files.TEMPORARY}{SAVED_MODEL}"
    manifest = ticket.manifest
    try:
        variables.assign(serving.model, ticket.weights())
        saved_model.write(temporary, serving)
        files.replace_folder(temporary, ticket.path / SAVED_MODEL)
    finally:
        shutil.rmtree(temporary, ignore_errors=True)
    added = {f"{SAVED_MODEL}/{name}": digest for name, digest in files.digests(ticket.path / SAVED_MODEL).items()}
    signed = manifest.model_copy(update={"files": {**manifest.files, **added}})
    write_manifest(ticket.path / MANIFEST, signed)


def _write_weights(folder: Path, chosen: Mapping[WeightsKind, Chosen]) -> dict[WeightsKind, WeightsEntry]:
    """Writes each set of weights once; an epoch that several rules chose shares one file."""
    entries: dict[WeightsKind, WeightsEntry] = {}
    by_epoch: dict[int, str] = {}
    for kind, one in sorted(chosen.items(), key=lambda item: list(WEIGHT_FILES).index(item[0])):
        if one.epoch not in by_epoch:
            by_epoch[one.epoch] = WEIGHT_FILES[kind]
            files.write_tensors(folder / WEIGHT_FILES[kind], one.weights)
        entries[kind] = WeightsEntry(file=by_epoch[one.epoch], epoch=one.epoch, test_accuracy=one.test_accuracy)
    return entries


def _manifest(
    origin: Origin,
    iteration: int,
    masks: Arrays,
    entries: dict[WeightsKind, WeightsEntry],
    rewind: RewindEntry,
    digests: dict[str, str],
) -> Manifest:
    layers = layer_densities(masks)
    remaining, prunable = (sum(getattr(x, n) for x in layers.values()) for n in ("remaining", "total"))
    return Manifest(
        format_version=FORMAT_VERSION,
        iteration=iteration,
        density=remaining / prunable,
        remaining=remaining,
        prunable=prunable,
        layers=layers,
        weights=entries,
        default_weights=origin.default_weights,
        model=origin.spec,
        preprocessing=origin.preprocessing,
        normalisation=origin.normalisation,
        dataset=origin.dataset,
        class_names=list(origin.class_names),
        augment=origin.augment,
        config_sha256=origin.config_sha256,
        rewind=rewind,
        files=digests,
    )
