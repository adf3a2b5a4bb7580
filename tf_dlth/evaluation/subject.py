"""What is measured: a ticket, a run's winner, or a SavedModel."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import tf_keras

from tf_dlth.config import DataConfig, WeightsKind
from tf_dlth.data.catalogue import FACTS
from tf_dlth.data.images import Preprocessing
from tf_dlth.errors import UserError
from tf_dlth.hub import is_reference
from tf_dlth.models.inference import Predict, predictor
from tf_dlth.runs.facts import read_facts
from tf_dlth.runs.folder import stored_config
from tf_dlth.tickets.manifest import MANIFEST
from tf_dlth.tickets.saved_model import is_saved_model, open_saved_model
from tf_dlth.tickets.ticket import Ticket, load_ticket


@dataclass(frozen=True)
class Subject:
    """A classifier that can be measured.

    ``digest`` identifies the classifier, None where nothing does; ``model`` is the Keras model, None of a SavedModel.
    ``data`` is what it was trained and tested with and ``data_sha256`` the digest of those images, if it knows;
    ``run`` is the folder of the run that it lies in.
    """

    path: Path
    weights: str
    predict: Predict
    class_names: tuple[str, ...]
    preprocessing: Preprocessing
    digest: str | None = None
    model: tf_keras.Model | None = None
    iteration: int | None = None
    density: float | None = None
    data: DataConfig | None = None
    data_sha256: str | None = None
    run: Path | None = None


def open_subject(path: str, kind: WeightsKind | None = None, trust: bool = False) -> Subject:
    """Opens a ticket's folder, a run's (its winner), a ticket on the Hub or a SavedModel; raises UserError for others.

    ``trust`` lets a ticket's own architecture be imported, and a SavedModel run operations that can do more than
    compute.
    """
    found = ticket_or_saved_model(path, kind, trust)
    if isinstance(found, Ticket):
        return _ticket(found, kind)
    served = open_saved_model(found, trust)
    return Subject(found, "saved_model", served.logits, served.class_names, served.preprocessing)


def ticket_or_saved_model(path: str, kind: WeightsKind | None, trust: bool) -> Ticket | Path:
    """A ticket, a run's winner, or the folder of a SavedModel, which has no ``kind`` of weights to choose from.

    Raises UserError for what is neither, and for a ticket's SavedModel that is not as its ticket says.
    """
    folder = Path(path)
    if is_reference(path) or (folder / MANIFEST).is_file() or not is_saved_model(folder):
        return load_ticket(path, trust)
    if kind is not None:
        raise UserError(f"{path} is a SavedModel, which holds one set of weights; leave --weights out")
    if (folder.parent / MANIFEST).is_file():
        _require_own(folder)
    return folder


def all_iterations(path: str) -> list[str]:
    """The iterations' folders of a run; raises UserError for a folder without any."""
    facts = read_facts(Path(path))
    if facts is None or not facts.manifests:
        raise UserError(f"--iterations all: {path} is no run with tickets; name a run's folder")
    return [str(Path(path) / name) for name in sorted(facts.manifests)]


def _require_own(folder: Path) -> None:
    """Raises UserError for a SavedModel inside a ticket that is not the ticket's."""
    ticket = load_ticket(folder.parent, trust=True)
    found = {path.relative_to(folder).as_posix() for path in folder.rglob("*") if not path.is_dir()}
    if foreign := sorted(found - ticket.saved_model_files):
        raise UserError(f"{folder} holds {foreign[0]}, which ticket.json does not know; restore the ticket from a copy")
    ticket.verify()


def _ticket(ticket: Ticket, kind: WeightsKind | None) -> Subject:
    manifest, run = ticket.manifest, ticket.run
    facts = read_facts(run) if run else None
    known = stored_config(run, facts).data if run and facts else _own_data(ticket)
    model, entry = ticket.model(kind), ticket.entry(kind)
    return Subject(
        path=ticket.path,
        weights=kind or manifest.default_weights,
        predict=predictor(model),
        class_names=ticket.class_names,
        preprocessing=manifest.preprocessing,
        digest=f"{manifest.sha256} {manifest.files[entry.file]}",
        model=model,
        iteration=manifest.iteration,
        density=manifest.density,
        data=known,
        data_sha256=facts.data_sha256 if facts else None,
        run=run,
    )


def _own_data(ticket: Ticket) -> DataConfig | None:
    """A ticket away from its run names its dataset, not the folder that an own dataset lay in."""
    dataset = ticket.manifest.dataset
    return None if FACTS[dataset].own_files else DataConfig(dataset=dataset)
