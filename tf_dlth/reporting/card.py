"""A ticket's model card: what it is, how good it is and how it was chosen, as the Hub reads it (README.md)."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import yaml

from tf_dlth.analysis.accuracies import error_of_difference, standard_error
from tf_dlth.config import Dataset, WeightsKind
from tf_dlth.data.catalogue import FACTS
from tf_dlth.lottery.rows import ITERATIONS
from tf_dlth.lottery.selection import Rule, test_accuracy
from tf_dlth.models.registry import BUILT_IN
from tf_dlth.reporting.rules import explained, shown
from tf_dlth.reporting.run_record import RunRecord, outcome, read_record, settings
from tf_dlth.reporting.sizes import sizes
from tf_dlth.tickets.manifest import SAVED_MODEL
from tf_dlth.tickets.ticket import Ticket

LIBRARY, CARD, FIGURE = "tf_dlth", "README.md", "accuracy_by_density.png"
HUB_DATASETS: dict[Dataset, str] = {
    "cifar10": "uoft-cs/cifar10",
    "cifar100": "uoft-cs/cifar100",
    "imagenet2012": "ILSVRC/imagenet-1k",
}
"""Names of the sets that the Hub has."""
PAPER = (
    'iterative magnitude pruning with rewinding ("Sparse Winning Tickets are Data-Efficient Image Recognizers", '
    "NeurIPS 2022)"
)
PLACEHOLDER = "OWNER/NAME"
ORDER: tuple[WeightsKind, ...] = ("heldout", "test_best", "last")

EPOCHS: dict[WeightsKind, str] = {
    "heldout": "the epoch that is best on held-out images, which are not tested on",
    "test_best": "the epoch that is best on the test images themselves, as in the paper: optimistic",
    "last": "the last epoch, without a choice",
}


@dataclass(frozen=True)
class Shown:
    """What a card is about; ``run`` is None for a ticket that lies away from its run."""

    ticket: Ticket
    run: RunRecord | None
    name: str

    @property
    def kinds(self) -> list[WeightsKind]:
        """The kinds of weights that the ticket has, the honest one first."""
        return [kind for kind in ORDER if kind in self.ticket.manifest.weights]

    @property
    def test_images(self) -> int | None:
        return self.run.images.get("test") if self.run and self.run.images else None

    @property
    def figure(self) -> Path | None:
        """Accuracy against density, where the run has drawn it."""
        path = self.run.path / FIGURE if self.run else None
        return path if path and path.is_file() else None


def shown_ticket(ticket: Ticket) -> Shown:
    """The ticket with the run that it lies in; raises UserError for damage."""
    folder = ticket.run
    run = read_record(folder) if folder and (folder / ITERATIONS).is_file() else None
    return Shown(ticket, run, run.config.name if run else ticket.path.resolve().name)


def card(shown_: Shown, repository: str = PLACEHOLDER) -> str:
    """The whole README.md of a ``repository``; equal tickets give equal text."""
    header = yaml.safe_dump(front_matter(shown_), sort_keys=False, allow_unicode=True, width=10**6)
    parts = [_what(shown_), _accuracy(shown_), _training(shown_), _loading(shown_, repository), _limits(shown_)]
    body = "\n\n".join("\n".join(lines) for part in parts for lines in part)
    return f"---\n{header}---\n\n{body}\n"


def front_matter(shown_: Shown) -> dict[str, Any]:
    """The card's metadata by the Hub's keys, the test accuracy of every kind of weights among them."""
    manifest = shown_.ticket.manifest
    dataset, model = manifest.dataset, manifest.model
    known = {} if FACTS[dataset].own_files else {"datasets": [HUB_DATASETS.get(dataset, dataset)]}
    metrics = [
        {"type": "accuracy", "value": manifest.weights[kind].test_accuracy, "name": f"test accuracy, {kind} weights"}
        for kind in shown_.kinds
    ]
    result = {
        "task": {"type": "image-classification"},
        "dataset": {"name": dataset, "type": HUB_DATASETS.get(dataset, dataset), "split": "test"},
        "metrics": metrics,
    }
    return {
        "library_name": LIBRARY,
        "pipeline_tag": "image-classification",
        "tags": ["image-classification", "lottery-ticket", "pruning", "sparse", "tensorflow", model.architecture],
        **known,
        "metrics": ["accuracy"],
        "model-index": [{"name": shown_.name, "results": [result]}],
    }


def code(text: str) -> str:
    """Text of anyone's as Markdown shows it letter by letter, in a table too."""
    ticks = "`" * (1 + max((len(run) for run in re.findall("`+", text)), default=0))
    pad = " " if text[:1] in ("`", " ") or text[-1:] in ("`", " ") else ""
    return f"{ticks}{pad}{text}{pad}{ticks}".replace("|", "\\|")


def _what(shown_: Shown) -> Iterator[list[str]]:
    manifest = shown_.ticket.manifest
    model, (height, width, channels) = manifest.model, manifest.model.input_shape
    yield [f"# {shown_.name}"]
    yield [
        f"{_kind(shown_)}: {code(model.architecture)} of width {model.width} ({model.stem} stem, {model.head} head), "
        f"{manifest.remaining:,} of {manifest.prunable:,} prunable weights ({manifest.density:.2%}). "
        "It names the class of a picture."
    ]
    if shown_.run:
        yield [outcome(shown_.run)]
    names = ", ".join(code(name) for name in manifest.class_names[:100])
    more = f" and {model.classes - 100:,} more, in `ticket.json`" if model.classes > 100 else ""
    yield ["## Classes"]
    yield [f"{model.classes:,} classes of {code(manifest.dataset)}: {names}{more}."]
    noun = "channel" if channels == 1 else "channels"
    yield [f"Input: uint8 pictures of {height} x {width} pixels and {channels} {noun}; normalisation is inside."]


def _kind(shown_: Shown) -> str:
    manifest = shown_.ticket.manifest
    if manifest.remaining == manifest.prunable:
        return "A dense network"
    if manifest.iteration == 0:
        return "A sparse network that was trained once"
    winner = "winning " if shown_.run and shown_.run.chosen.iteration == manifest.iteration else ""
    return f"A sparse {winner}ticket, found by {PAPER}"


def _accuracy(shown_: Shown) -> Iterator[list[str]]:
    every = shown_.run.config.training.evaluate_every if shown_.run else 1
    yield ["## Accuracy"]
    yield _table(("epoch chosen by", "epoch", "ticket %", "dense %", "difference"), list(_rows(shown_, every)))
    default = shown(shown_.ticket.manifest.default_weights, every)
    yield [f"{_noise(shown_)} The SavedModel holds the {default} weights, and `load_ticket` means them."]
    yield [f"- {shown(kind, every)}: {EPOCHS[kind]}" for kind in shown_.kinds]
    if shown_.run:
        rule, best = shown_.run.rule, shown_.run.chosen.iteration
        other = (
            "" if best == shown_.ticket.iteration else f" That is iteration {best}; this is {shown_.ticket.iteration}."
        )
        yield [f"The iteration was chosen by {shown(rule, every)}: {explained(rule, every)}.{other}"]
    if shown_.figure:
        yield [f"![Test accuracy against density, every iteration of the run]({FIGURE})"]


def _noise(shown_: Shown) -> str:
    if shown_.run is None:
        return "The dense network and the number of test images are in the run, which is not beside this ticket."
    if shown_.test_images is None:
        return "The number of test images is not known here, and so no standard error."
    return f"On {shown_.test_images:,} test images, with one standard error of a proportion; one seed."


def _rows(shown_: Shown, every: int) -> Iterator[Sequence[str]]:
    for kind in shown_.kinds:
        entry = shown_.ticket.manifest.weights[kind]
        dense = _dense(shown_.run, kind)
        right = _percent(entry.test_accuracy, shown_.test_images)
        cells = ("-", "-") if dense is None else _beside(entry.test_accuracy, dense, shown_.test_images)
        yield (shown(kind, every), str(entry.epoch), right, *cells)


def _dense(run: RunRecord | None, rule: Rule) -> float | None:
    return test_accuracy(run.rows[0], rule) if run else None


def _beside(accuracy: float, dense: float, images: int | None) -> tuple[str, str]:
    error = f" ± {100 * error_of_difference(accuracy, dense, images):.2f}" if images else ""
    return _percent(dense, images), f"{100 * (accuracy - dense):+.2f}{error}"


def _percent(accuracy: float, images: int | None) -> str:
    error = f" ± {100 * standard_error(accuracy, images):.2f}" if images else ""
    return f"{100 * accuracy:.2f}{error}"


def _training(shown_: Shown) -> Iterator[list[str]]:
    yield ["## How it was trained"]
    run, manifest = shown_.run, shown_.ticket.manifest
    if run is None:
        yield [f"Augmentation: {code(manifest.augment)}; all other settings are in the run's `config.yaml`."]
        return
    if run.images:
        parts = {"train": "trained on", "heldout": "held out to choose by", "test": "tested on"}
        yield [", ".join(f"{count:,} images {parts.get(part, part)}" for part, count in run.images.items()) + "."]
    yield _table(("setting", "value"), [(code(key), code(value)) for key, value in settings(run)])
    first = run.facts.initialisation
    source, digest = first.get("source", first.get("init", "random")), first.get("sha256")
    yield [f"First weights: {code(str(source))}" + (f" (SHA-256 `{digest}`)." if digest else ".")]
    yield ["Made with " + ", ".join(f"{name} {version}" for name, version in run.facts.versions.items()) + "."]


def _loading(shown_: Shown, repository: str) -> Iterator[list[str]]:
    yield ["## Use"]
    yield ["REVISION is a full commit id, as the Hub lists them under this repository's files."]
    reference, own = f"hf://{repository}@REVISION", shown_.ticket.manifest.model.architecture not in BUILT_IN
    trust, option = (", trust=True", " --trust") if own else ("", "")
    yield ["```python", "import tf_dlth", "", f'model = tf_dlth.load_ticket("{reference}"{trust}).model()', "```"]
    yield ["```", f"tf-dlth predict {reference} IMAGE{option}", "```"]
    if shown_.ticket.has_saved_model:
        yield ["With plain TensorFlow, from the bytes of JPEG, PNG, BMP or GIF files of any size:"]
        yield [
            "```python",
            "import huggingface_hub",
            "import tensorflow as tf",
            "",
            f'folder = huggingface_hub.snapshot_download("{repository}", revision="REVISION")',
            f'model = tf.saved_model.load(folder + "/{SAVED_MODEL}")',
            'predict = model.signatures["predict_image"]',
            'probabilities = predict(encoded=tf.constant([open("IMAGE", "rb").read()]))["probabilities"]',
            "```",
        ]


def _limits(shown_: Shown) -> Iterator[list[str]]:
    measured = sizes(shown_.ticket)
    dense, packed, zipped = (f"{size / 2**20:.2f} MiB" for size in (measured.dense, measured.packed, measured.gzip))
    yield ["## Limits"]
    yield [
        f"Pruned weights are stored and multiplied as zeros: {dense} as float32, {zipped} through gzip, {packed} as a "
        "bit mask and what remains; no faster without sparse kernels. Pictures unlike those that it was trained on get "
        "a class all the same."
    ]


def _table(headers: Sequence[str], rows: Sequence[Sequence[str]]) -> list[str]:
    return [f"| {' | '.join(cells)} |" for cells in (headers, ["---"] * len(headers), *rows)]
