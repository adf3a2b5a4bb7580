"""What is measured - a ticket, a run's winner, a SavedModel - and on which images."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import get_args

from tf_dlth.config import DataConfig, Dataset, WeightsKind, load_config
from tf_dlth.data import Data, load_data
from tf_dlth.data.catalogue import FACTS
from tf_dlth.errors import UserError
from tf_dlth.evaluation.accuracy import Predict, predictor
from tf_dlth.runs.folder import CONFIG
from tf_dlth.tickets.saved_model import is_saved_model, open_saved_model
from tf_dlth.tickets.ticket import Ticket, load_ticket


@dataclass(frozen=True)
class Subject:
    """A classifier that can be measured; ``data`` is what it was trained and tested with, if it knows."""

    path: Path
    weights: str
    predict: Predict
    class_names: tuple[str, ...]
    input_shape: tuple[int, int, int]
    data: DataConfig | None


def open_subject(path: str, kind: WeightsKind | None = None, trust: bool = False) -> Subject:
    """Opens a ticket's folder, a run's folder (its winner) or a SavedModel's; raises UserError for others."""
    folder = Path(path)
    if is_saved_model(folder):
        if kind is not None:
            raise UserError(f"{path} is a SavedModel, which holds one set of weights; leave --weights out")
        return _saved_model(folder)
    return _ticket(load_ticket(folder, trust), kind)


def data_for(subject: Subject, config: DataConfig) -> Data:
    """The images to measure on; raises UserError when their classes or shape are not the subject's."""
    loaded = load_data(config)
    if loaded.class_names != subject.class_names:
        raise UserError(
            f"--data {loaded.config.dataset} has the classes {_listed(loaded.class_names)}, but {subject.path} knows "
            f"{_listed(subject.class_names)}"
        )
    if loaded.image_shape != subject.input_shape:
        raise UserError(
            f"--data {loaded.config.dataset} has images of {loaded.image_shape}, but {subject.path} takes "
            f"{subject.input_shape}"
        )
    return loaded


def data_config(subject: Subject, data: str | None, data_dir: str | None) -> DataConfig:
    """The subject's own images where ``data`` is None, else a dataset by name or a folder of images."""
    side = subject.input_shape[0]
    if data is None and subject.data is None:
        raise UserError(f"{subject.path} does not say where its images are; name them with --data NAME or FOLDER")
    if data is None:
        config = subject.data
        assert config is not None, "checked above"
    elif data in get_args(Dataset):
        config = _named(data)
    elif Path(data).is_dir():
        config = DataConfig(dataset="folder", data_dir=data, image_size=side)
    else:
        raise UserError(f"--data {data} is neither a folder nor one of {', '.join(get_args(Dataset))}")
    return config if data_dir is None else config.model_copy(update={"data_dir": data_dir})


def _ticket(ticket: Ticket, kind: WeightsKind | None) -> Subject:
    manifest = ticket.manifest
    data = load_config(ticket.run / CONFIG).data if ticket.run else _own_data(manifest.dataset)
    return Subject(
        path=ticket.path,
        weights=kind or manifest.default_weights,
        predict=predictor(ticket.model(kind)),
        class_names=ticket.class_names,
        input_shape=manifest.model.input_shape,
        data=data,
    )


def _own_data(dataset: Dataset) -> DataConfig | None:
    """A ticket away from its run names its dataset, not the folder that an own dataset lay in."""
    return None if FACTS[dataset].own_files else _named(dataset)


def _saved_model(folder: Path) -> Subject:
    served = open_saved_model(folder)
    return Subject(folder, "saved_model", served.logits, served.class_names, served.input_shape, None)


def _named(dataset: str) -> DataConfig:
    return DataConfig.model_validate({"dataset": dataset})


def _listed(names: tuple[str, ...]) -> str:
    shown = ", ".join(names[:5])
    return shown if len(names) <= 5 else f"{shown}, ... ({len(names)} in all)"
