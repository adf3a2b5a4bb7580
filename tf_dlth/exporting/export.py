"""One export: from a ticket to a folder that says the same, and how the two compare."""

from __future__ import annotations

import tempfile
from collections.abc import Iterator
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import numpy as np
import tensorflow as tf
import tf_keras

from tf_dlth import files
from tf_dlth.config import WeightsKind
from tf_dlth.data import Examples
from tf_dlth.evaluation.accuracy import accuracy, predict
from tf_dlth.evaluation.subject import open_subject
from tf_dlth.exporting import footprint
from tf_dlth.exporting.formats import FORMATS, Logits, Source, read_saved_model, write_saved_model
from tf_dlth.exporting.images import Located, compared_images, own_data, representative_images
from tf_dlth.exporting.parity import Parity, parity, require_same
from tf_dlth.provenance import versions
from tf_dlth.runs.facts import read_facts
from tf_dlth.tickets.manifest import MANIFEST
from tf_dlth.tickets.ticket import Ticket, iteration_name, load_ticket, own_ticket

RECORD = "export.json"


@dataclass(frozen=True)
class Order:
    """What is asked for; ``weights`` None is what the ticket's SavedModel holds, ``int8`` for tflite alone."""

    ticket: str
    form: str
    out: Path
    weights: WeightsKind | None = None
    int8: bool = False
    data_dir: str | None = None
    trust: bool = False


@dataclass(frozen=True)
class Compared:
    """A network in its format: what is in the file, the file's folder, and the file opened again."""

    name: str
    form: str
    model: tf_keras.Model
    folder: Path
    logits: Logits


def write_export(order: Order, located: Located) -> dict[str, Any]:
    """Writes the folder ``order.out`` whole or not at all, and returns the content of its export.json.

    ``located`` fills in where a dataset lies. Raises UserError for a mistake, and Differs where the export would say
    something else than the ticket.
    """
    ticket = load_ticket(order.ticket, order.trust)
    subject = open_subject(str(ticket.path), order.weights, order.trust)
    assert subject.model is not None, "a ticket has a model"
    config = own_data(subject, order.data_dir, located)
    source = Source(subject.model, ticket.manifest, representative_images(subject, config) if order.int8 else None)
    examples, absent = compared_images(subject, config)
    expected = predict(subject.predict, examples)
    with files.writing(order.out) as folder, tempfile.TemporaryDirectory() as beside:
        form = FORMATS[order.form]
        form.write(folder, source)
        kind: WeightsKind = order.weights or ticket.manifest.default_weights
        networks = list(_saved_models(ticket, kind, Path(beside), alone=order.form == "savedmodel"))
        networks.append(Compared("export", order.form, form.network(source), folder, form.read(folder)))
        rows, found = _rows(networks, examples, expected, absent is None)
        if not order.int8:
            require_same(found, order.form)
        record = _record(order, kind, found, absent) | {"networks": rows, "files": files.digests(folder)}
        files.write_json(folder / RECORD, record)
    return record


def _saved_models(ticket: Ticket, kind: WeightsKind, folder: Path, alone: bool) -> Iterator[Compared]:
    """The run's dense network, if it is at hand, and the ticket unless its SavedModel is the export itself."""
    dense = _dense(ticket)
    for name, one in (("dense", dense), ("ticket", None if alone else ticket)):
        if one is not None:
            model = one.model(kind)
            write_saved_model(folder / name, model, one.manifest)
            yield Compared(name, "savedmodel", model, folder / name, read_saved_model(folder / name))


def _dense(ticket: Ticket) -> Ticket | None:
    """Iteration 0 of the ticket's run."""
    run = ticket.run
    facts = read_facts(run) if run else None
    if run is None or facts is None or not (run / iteration_name(0) / MANIFEST).is_file() or ticket.iteration == 0:
        return None
    return own_ticket(run / iteration_name(0), facts)


def _rows(
    networks: list[Compared], examples: Examples, expected: np.ndarray, labelled: bool
) -> tuple[list[dict[str, Any]], Parity]:
    """A row a network, and how the last of them, the export, compares with the ticket."""
    image = examples.read(np.array([0]))
    ratios = footprint.latency_ratios({one.name: one.logits for one in networks}, image)
    rows, found = [], parity(expected, expected)
    for one in networks:
        logits = predict(_on_tensors(one.logits), examples)
        found = parity(logits, expected)
        rows.append(
            {
                "network": one.name,
                "format": one.form,
                **footprint.stored(one.folder),
                **footprint.counted(one.model),
                "latency_ratio": ratios[one.name],
                "accuracy": accuracy(logits, examples.labels) if labelled else None,
                "logit_difference": None if one.name == "dense" else found.difference,
            }
        )
    return rows, found


def _on_tensors(logits: Logits) -> Any:
    return lambda images: tf.constant(logits(images.numpy()))


def _record(order: Order, kind: WeightsKind, found: Parity, absent: str | None) -> dict[str, Any]:
    own = {"ticket": order.ticket, "weights": kind, "format": order.form, "int8": order.int8}
    return {**own, "parity": asdict(found), "noise_because": absent, "versions": versions()}
