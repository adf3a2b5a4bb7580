"""A ticket on disk: a mask, the weights it was trained to, and all that is needed to use it without its run.

The safetensors files and ``ticket.json`` are the truth; the SavedModel beside them is derived. Loading rebuilds the
architecture from its registered name and fills it by variable name, so that no code in a file ever runs.
"""

from __future__ import annotations

from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from tf_dlth import files
from tf_dlth.config import WeightsKind
from tf_dlth.errors import UserError
from tf_dlth.hub import Reference, is_reference
from tf_dlth.models import registry
from tf_dlth.models.sanity import require_sane
from tf_dlth.runs.facts import RUN, Facts, read_facts
from tf_dlth.tickets.describing import as_html, described, facts_of
from tf_dlth.tickets.manifest import (
    MANIFEST,
    MASK,
    SAVED_MODEL,
    Manifest,
    WeightsEntry,
    layer_densities,
    read_manifest,
)

if TYPE_CHECKING:
    import tf_keras

    from tf_dlth.tickets.prediction import Classifier, Images, Predicted

LARGEST_HEADER = 2**24
"""Bytes of names and shapes in a file of masks."""


class Ticket:
    """A ticket's folder, opened; tensors are read, and their digests checked, when they are asked for.

    The files of a ticket on the Hub are downloaded when they are asked for too; ``path`` is where they are kept.
    """

    def __init__(self, path: Path, manifest: Manifest, remote: Reference | None = None) -> None:
        self.path = path
        self.manifest = manifest
        self._remote = remote

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
        """Boolean arrays of the variables' shapes by name, True where the weight remains."""
        tensors = files.read_tensors(
            self._inside(MASK), self.manifest.files[MASK], largest=self.manifest.prunable + LARGEST_HEADER
        )
        for name, mask in tensors.items():
            if mask.dtype != np.uint8 or mask.max(initial=0) > 1:
                raise UserError(f"{self.path / MASK} is damaged: {name} is not a uint8 mask of 0 and 1")
        masks = {name: mask.astype(bool) for name, mask in tensors.items()}
        if layer_densities(masks) != self.manifest.layers:
            raise UserError(f"{self.path / MASK} does not hold the counts that {MANIFEST} states")
        return masks

    def weights(self, kind: WeightsKind | None = None) -> dict[str, np.ndarray]:
        """Every variable by name, float32 and masked; ``kind`` defaults to what a SavedModel of the ticket holds."""
        entry = self.entry(kind)
        tensors = self._tensors(entry.file)
        require_sane(tensors, str(self.path / entry.file))
        for name, mask in self.mask.items():
            if name not in tensors or tensors[name].shape != mask.shape or np.any(tensors[name][~mask]):
                raise UserError(f"{self.path / entry.file} does not fit {MASK}: {name} has other weights than remain")
        return tensors

    @property
    def has_saved_model(self) -> bool:
        return bool(self.saved_model_files)

    @property
    def saved_model_files(self) -> set[str]:
        """Names below the SavedModel's folder."""
        prefix = f"{SAVED_MODEL}/"
        return {name.removeprefix(prefix) for name in self.manifest.files if name.startswith(prefix)}

    def entry(self, kind: WeightsKind | None = None) -> WeightsEntry:
        """The manifest's word on one kind of weights; raises UserError when the ticket has none of it."""
        kind = kind or self.manifest.default_weights
        if kind not in self.manifest.weights:
            raise UserError(f"{self.path} has no {kind} weights; it has {', '.join(self.manifest.weights)}")
        return self.manifest.weights[kind]

    @property
    def rewind(self) -> dict[str, np.ndarray]:
        """theta_r by variable name, float32, unmasked: what training went back to.

        It lies in the run's folder, which a moved ticket lacks.
        """
        return files.read_tensors(self.rewind_file, self.manifest.rewind.sha256)

    @property
    def rewind_file(self) -> Path:
        """Where theta_r lies; raises UserError where it does not."""
        name = self.manifest.rewind.file
        if self._remote:
            return self._remote.download(name)
        for folder in (self.path, self.path.parent):
            if (folder / name).is_file():
                return folder / name
        raise UserError(f"{self.path} needs {name} beside it or in its parent folder; copy it from the run")

    @property
    def run(self) -> Path | None:
        """The folder of the run that made the ticket, if it lies in that: run.json lists it with its digest.

        Raises UserError where run.json lists another ticket under this name.
        """
        folder = self.path.resolve().parent
        facts = read_facts(folder)
        if facts is None or self.path.resolve().name not in facts.manifests:
            return None
        self.require_of(facts)
        return folder

    def require_of(self, facts: Facts) -> None:
        """Raises UserError unless the run lists it, with its SavedModel or, lest a process died then, without."""
        known = (self.manifest.sha256, self.manifest.without_saved_model().sha256)
        if facts.manifests.get(self.path.resolve().name) not in known:
            raise UserError(f"{self.path} is no ticket of the run beside it; restore it from a copy, or move it away")

    def verify(self) -> None:
        """Raises UserError unless every file of the manifest is what it says."""
        for name, sha256 in self.manifest.files.items():
            files.read_bytes(self._inside(name), sha256)

    def model(self, kind: WeightsKind | None = None) -> tf_keras.Model:
        """A Keras model from images [N, H, W, C] in 0..255 to logits [N, classes]; normalisation is inside."""
        from tf_dlth.models import variables
        from tf_dlth.models.build import build

        model = build(self.manifest.model, self.manifest.normalisation)
        variables.assign(model, self.weights(kind))
        return model

    def predict(self, images: Images) -> Predicted:
        """The likeliest class and all probabilities of images of any size, which are seen as the ticket says.

        ``images``: a file or a folder, several, or arrays uint8 [N, H, W, C], [H, W, C] or [H, W]. Raises UserError
        naming the files that cannot be read.
        """
        from tf_dlth.tickets.prediction import predicted

        return predicted(self._classifier, images)

    @cached_property
    def _classifier(self) -> Classifier:
        """The network with the weights that a SavedModel holds, compiled at its first use."""
        from tf_dlth.models.inference import predictor
        from tf_dlth.tickets.prediction import Compiled

        return Compiled(predictor(self.model()), self.class_names, self.manifest.preprocessing)

    def __repr__(self) -> str:
        return described(f"Ticket {self.path}", facts_of(self))

    def _repr_html_(self) -> str:
        return as_html(f"Ticket {self.path}", facts_of(self))

    def _tensors(self, name: str) -> dict[str, np.ndarray]:
        return files.read_tensors(self._inside(name), self.manifest.files[name])

    def _inside(self, name: str) -> Path:
        """The path of a file of the manifest; raises UserError where a link leads elsewhere."""
        if self._remote:
            return self._remote.download(name)
        path = self.path / name
        if path.is_symlink() or not path.resolve().is_relative_to(self.path.resolve()):
            raise UserError(f"{path} is a symbolic link; a ticket's files must be in its folder")
        return path


def load_ticket(path: str | Path, trust: bool = False) -> Ticket:
    """Opens an iteration's folder, a run's folder (then its winner), or ``hf://OWNER/NAME@REVISION``.

    An architecture of the form ``module:function`` is imported and called, so it needs ``trust``. Raises UserError for
    anything that is no ticket, and for damage.
    """
    if is_reference(path):
        return _downloaded(Reference.parse(str(path)), trust)
    if (Path(path) / MANIFEST).is_file():
        return _opened(Path(path), trust)
    facts, folder = _winner(Path(path))
    ticket = _opened(folder, trust)
    ticket.require_of(facts)
    return ticket


def _opened(folder: Path, trust: bool) -> Ticket:
    manifest = read_manifest(folder / MANIFEST)
    _require_trusted(manifest, str(folder), trust)
    return Ticket(folder, manifest)


def _downloaded(remote: Reference, trust: bool) -> Ticket:
    path = remote.download(MANIFEST)
    manifest = read_manifest(path)
    _require_trusted(manifest, str(remote), trust)
    return Ticket(path.parent, manifest, remote)


def _require_trusted(manifest: Manifest, ticket: str, trust: bool) -> None:
    if manifest.model.architecture not in registry.BUILT_IN and not trust:
        raise UserError(
            f"{ticket} names the architecture {manifest.model.architecture}, which would be imported and run; "
            "pass --trust (trust=True) if the ticket is your own"
        )


def own_ticket(path: Path, facts: Facts) -> Ticket:
    """The ticket of a run's iteration; raises UserError where the run knows another."""
    ticket = _opened(path, trust=True)
    ticket.require_of(facts)
    return ticket


def iteration_name(iteration: int) -> str:
    """The name of an iteration's folder in its run."""
    return f"iteration_{iteration:02d}"


def _winner(path: Path) -> tuple[Facts, Path]:
    """The facts of a run's folder, and its winner's folder."""
    if (facts := read_facts(path)) is None:
        raise UserError(f"{path} is no ticket: it holds neither {MANIFEST} nor {RUN}")
    if facts.pretraining is not None:
        raise UserError(f"{path} holds a pre-trained encoder and no tickets; start a run from it: model.init={path}")
    if facts.winner is None:
        raise UserError(f"{path} has no winner yet; its run is not finished")
    return facts, path / iteration_name(facts.winner)
