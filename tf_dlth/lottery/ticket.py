"""A ticket on disk: a mask, the weights it was trained to, and all that is needed to use it without its run.

The safetensors files and ``ticket.json`` are the truth; the SavedModel beside them is derived. Loading rebuilds the
architecture from its registered name and fills it by variable name, so that no code in a file ever runs.
"""

from __future__ import annotations

import os
import shutil
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

import numpy as np
import tensorflow as tf
import tf_keras

from tf_dlth import files
from tf_dlth.config import Normalisation, WeightsKind
from tf_dlth.errors import UserError
from tf_dlth.lottery import masks as masking
from tf_dlth.lottery import saved_model
from tf_dlth.lottery.manifest import (
    FORMAT_VERSION,
    LayerDensity,
    Manifest,
    Preprocessing,
    RewindEntry,
    WeightsEntry,
    read_manifest,
)
from tf_dlth.models import registry, variables
from tf_dlth.models.build import build
from tf_dlth.models.spec import ModelSpec
from tf_dlth.training.trainer import Kept

Arrays = Mapping[str, np.ndarray]
MANIFEST, MASK, SAVED_MODEL = "ticket.json", "mask.safetensors", "saved_model"
WEIGHT_FILES: dict[WeightsKind, str] = {
    "last": "weights.safetensors",
    "test_best": "weights_test_best.safetensors",
    "heldout": "weights_heldout.safetensors",
}


@dataclass(frozen=True)
class Origin:
    """What all tickets of a run have in common."""

    spec: ModelSpec
    preprocessing: Preprocessing
    normalisation: Normalisation
    dataset: str
    class_names: tuple[str, ...]
    augment: str
    config_sha256: str


class Ticket:
    """A ticket's folder, opened; tensors are read, and their digests checked, when they are asked for."""

    def __init__(self, path: Path, manifest: Manifest) -> None:
        self.path = path
        self.manifest = manifest

    @property
    def iteration(self) -> int:
        return self.manifest.iteration

    @property
    def density(self) -> float:
        """Remaining over prunable weights."""
        return self.manifest.density

    @property
    def class_names(self) -> tuple[str, ...]:
        return tuple(self.manifest.class_names)

    @cached_property
    def mask(self) -> dict[str, np.ndarray]:
        """Boolean arrays by variable name, True where the weight remains."""
        tensors = self._tensors(MASK)
        for name, mask in tensors.items():
            if mask.dtype != np.uint8 or mask.max(initial=0) > 1:
                raise UserError(f"{self.path / MASK} is damaged: {name} is not a uint8 mask of 0 and 1")
        masks = {name: mask.astype(bool) for name, mask in tensors.items()}
        if _layers(masks) != self.manifest.layers:
            raise UserError(f"{self.path / MASK} does not hold the counts that {MANIFEST} states")
        return masks

    def weights(self, kind: WeightsKind | None = None) -> dict[str, np.ndarray]:
        """Every variable by name, masked; ``kind`` defaults to what a SavedModel of the ticket holds."""
        entry = self.entry(kind)
        tensors = self._tensors(entry.file)
        for name, mask in self.mask.items():
            if name not in tensors or tensors[name].shape != mask.shape or np.any(tensors[name][~mask]):
                raise UserError(f"{self.path / entry.file} does not fit {MASK}: {name} has other weights than remain")
        return tensors

    @property
    def has_saved_model(self) -> bool:
        return any(name.startswith(f"{SAVED_MODEL}/") for name in self.manifest.files)

    def entry(self, kind: WeightsKind | None = None) -> WeightsEntry:
        """The manifest's word on one kind of weights; raises UserError when the ticket has none of it."""
        kind = kind or self.manifest.default_weights
        if kind not in self.manifest.weights:
            raise UserError(f"{self.path} has no {kind} weights; it has {', '.join(self.manifest.weights)}")
        return self.manifest.weights[kind]

    @property
    def rewind(self) -> dict[str, np.ndarray]:
        """theta_r, unmasked: what training went back to. It lies in the run's folder, which a moved ticket lacks."""
        name, sha256 = self.manifest.rewind.file, self.manifest.rewind.sha256
        for folder in (self.path, self.path.parent):
            if (folder / name).is_file():
                return files.read_tensors(folder / name, sha256)
        raise UserError(f"{self.path} needs {name} beside it or in its parent folder; copy it from the run")

    def model(self, kind: WeightsKind | None = None) -> tf_keras.Model:
        """A Keras model from images [N, H, W, C] in 0..255 to logits [N, classes]; normalisation is inside."""
        model = build(self.manifest.spec, self.manifest.normalisation)
        variables.assign(model, self.weights(kind))
        return model

    def _tensors(self, name: str) -> dict[str, np.ndarray]:
        path = self.path / name
        if path.is_symlink() or not path.resolve().is_relative_to(self.path.resolve()):
            raise UserError(f"{path} is a symbolic link; a ticket's files must be in its folder")
        return files.read_tensors(path, self.manifest.files[name])


def load_ticket(path: str | Path, trust: bool = False) -> Ticket:
    """Opens an iteration's folder, or a run's folder (then its winner).

    An architecture of the form ``module:function`` is imported and called, so it needs ``trust``. Raises UserError for
    anything that is no ticket, and for damage.
    """
    folder = _iteration_folder(Path(path))
    manifest = read_manifest(folder / MANIFEST)
    if manifest.spec.architecture not in registry.BUILT_IN and not trust:
        raise UserError(
            f"{folder} names the architecture {manifest.spec.architecture}, which would be imported and run; "
            "pass --trust (trust=True) if the ticket is your own"
        )
    return Ticket(folder, manifest)


def write_ticket(
    folder: Path,
    iteration: int,
    masks: Arrays,
    kept: Mapping[WeightsKind, Kept],
    origin: Origin,
    rewind: RewindEntry,
    default: WeightsKind,
    with_saved_model: bool,
) -> None:
    """Writes a whole ticket under a temporary name, then puts it in place.

    ``default`` says which weights are meant where none are named, and go into the SavedModel.
    """
    temporary = folder.with_name(f"{files.TEMPORARY}{os.getpid()}-{folder.name}")
    try:
        temporary.mkdir(parents=True)
        files.write_tensors(temporary / MASK, {n: m.astype(np.uint8) for n, m in masks.items()})
        entries = _write_weights(temporary, kept)
        if with_saved_model:
            _write_saved_model(temporary, origin, kept[default].weights)
        manifest = _manifest(iteration, masks, entries, default, origin, rewind, files.digests(temporary))
        files.write_json(temporary / MANIFEST, manifest.model_dump(mode="json"))
        files.replace_folder(temporary, folder)
    except OSError as error:
        raise files.cannot_write(folder, error) from None
    finally:
        shutil.rmtree(temporary, ignore_errors=True)


def add_saved_model(ticket: Ticket) -> None:
    """Adds the SavedModel to a ticket that was written without one, then its digests to ticket.json."""
    files.sweep(ticket.path)  # what a killed process left here would be taken for the ticket's own
    temporary = ticket.path / f"{files.TEMPORARY}{SAVED_MODEL}"
    try:
        _save(temporary, ticket.model(), ticket.manifest)
        files.replace_folder(temporary, ticket.path / SAVED_MODEL)
    finally:
        shutil.rmtree(temporary, ignore_errors=True)
    added = {f"{SAVED_MODEL}/{name}": digest for name, digest in files.digests(ticket.path / SAVED_MODEL).items()}
    manifest = ticket.manifest.model_copy(update={"files": {**ticket.manifest.files, **added}})
    files.write_json(ticket.path / MANIFEST, manifest.model_dump(mode="json"))


def _iteration_folder(path: Path) -> Path:
    if (path / MANIFEST).is_file():
        return path
    if not (path / "run.json").is_file():
        raise UserError(f"{path} is no ticket: it holds neither {MANIFEST} nor run.json")
    winner = files.read_json(path / "run.json").get("winner")
    if not isinstance(winner, int):
        raise UserError(f"{path} has no winner yet; its run is not finished")
    return path / iteration_name(winner)


def iteration_name(iteration: int) -> str:
    """The name of an iteration's folder in its run."""
    return f"iteration_{iteration:02d}"


def _write_weights(folder: Path, kept: Mapping[WeightsKind, Kept]) -> dict[WeightsKind, WeightsEntry]:
    """Writes each set of weights once; an epoch that several rules chose shares one file."""
    entries: dict[WeightsKind, WeightsEntry] = {}
    by_epoch: dict[int, str] = {}
    for kind, one in sorted(kept.items(), key=lambda item: list(WEIGHT_FILES).index(item[0])):
        if one.epoch not in by_epoch:
            by_epoch[one.epoch] = WEIGHT_FILES[kind]
            files.write_tensors(folder / WEIGHT_FILES[kind], one.weights)
        entries[kind] = WeightsEntry(file=by_epoch[one.epoch], epoch=one.epoch, test_accuracy=one.scores.test)
    return entries


def _write_saved_model(folder: Path, origin: Origin, weights: Arrays) -> None:
    model = build(origin.spec, origin.normalisation)
    variables.assign(model, weights)
    _save(folder / SAVED_MODEL, model, origin)


def _save(folder: Path, model: tf_keras.Model, origin: Origin | Manifest) -> None:
    try:
        saved_model.write(folder, model, origin.class_names, origin.preprocessing.model_dump())
    except tf.errors.OpError as error:
        raise files.cannot_write(folder, OSError(error.message)) from None


def _manifest(
    iteration: int,
    masks: Arrays,
    entries: dict[WeightsKind, WeightsEntry],
    default: WeightsKind,
    origin: Origin,
    rewind: RewindEntry,
    digests: dict[str, str],
) -> Manifest:
    return Manifest(
        format_version=FORMAT_VERSION,
        iteration=iteration,
        density=masking.density(masks),
        remaining=masking.remaining(masks),
        prunable=masking.prunable(masks),
        layers=_layers(masks),
        weights=entries,
        default_weights=default,
        model=origin.spec.to_json(),
        preprocessing=origin.preprocessing,
        normalisation=origin.normalisation,
        dataset=origin.dataset,
        class_names=list(origin.class_names),
        augment=origin.augment,
        config_sha256=origin.config_sha256,
        rewind=rewind,
        files=digests,
    )


def _layers(masks: Arrays) -> dict[str, LayerDensity]:
    return {name: _layer_density(mask) for name, mask in masks.items()}


def _layer_density(mask: np.ndarray) -> LayerDensity:
    remaining = int(np.count_nonzero(mask))
    return LayerDensity(remaining=remaining, total=mask.size, density=remaining / mask.size)
