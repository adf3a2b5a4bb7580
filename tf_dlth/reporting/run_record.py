"""A run as it lies in its folder, and what came out of it in words that are true of it."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from tf_dlth import files
from tf_dlth.analysis.accuracies import error_of_difference
from tf_dlth.config import Config, differing_keys
from tf_dlth.config.control import control_path
from tf_dlth.config.keys import flat
from tf_dlth.config.schema import BASELINES
from tf_dlth.errors import UserError
from tf_dlth.lottery.rows import ITERATIONS, Row, read_rows
from tf_dlth.lottery.selection import Rule, score, summary, test_accuracy
from tf_dlth.reporting.rules import is_balanced
from tf_dlth.runs import regressions
from tf_dlth.runs.facts import Facts, read_facts
from tf_dlth.runs.folder import METRICS, SUBSET, stored_config
from tf_dlth.runs.regressions import Regressions

SETTINGS = (
    "seed", "data.dataset", "data.train_part", "data.fraction", "data.per_class", "data.imbalance", "data.subset_seed",
    "data.heldout_per_class", "data.heldout_from", "data.fold", "data.image_size", "data.augment", "data.flip",
    "data.cutout",
    "model.architecture", "model.width", "model.stem", "model.head", "model.init",
    "training.epochs", "training.batch_size", "training.learning_rate", "training.momentum", "training.weight_decay",
    "training.loss", "training.evaluate_every",
    "pruning.method", "pruning.iterations", "pruning.rate", "pruning.rewind", "pruning.rewind_epochs",
    "pruning.select_by", "pruning.source", "pruning.start",
)  # fmt: skip
"""Keys of the config that are shown where they have a value; config.yaml has all."""


@dataclass(frozen=True, eq=False)
class RunRecord:
    """``metrics`` are the lines of metrics.jsonl and ``images`` the number of images by part; None without the file."""

    path: Path
    facts: Facts
    config: Config
    rows: Sequence[Row]
    metrics: Sequence[Mapping[str, Any]] | None
    images: Mapping[str, int] | None
    regressions: Regressions | None = None

    @property
    def rule(self) -> Rule:
        """By which the run chooses."""
        return self.config.pruning.select_by or "test_best"

    @property
    def chosen(self) -> Row:
        """The winner, the dense network where no ticket won; of an unfinished run by what there is."""
        return self.rows[summary(self.rows, self.rule)["winner"]]

    @property
    def best_sparse(self) -> Row:
        return self.rows[summary(self.rows, self.rule)["best_sparse"]]

    @property
    def finished(self) -> bool:
        return self.facts.status == "finished"


def read_record(path: Path) -> RunRecord:
    """Raises UserError for what is no run, for damage, and where no iteration has ended yet."""
    if (facts := read_facts(path)) is None:
        raise UserError(f"{path} is neither a run nor a study: it holds no run.json")
    if facts.pretraining is not None:
        raise UserError(f"{path} holds a pre-trained encoder and no tickets; name a run that began with it")
    config = stored_config(path, facts)
    rows = read_rows(path, facts) if (path / ITERATIONS).is_file() or facts.status == "finished" else []
    if not rows:
        raise UserError(f"{path} has no iteration that has ended; report it when it has one")
    found = regressions.read(path, facts.files)
    return RunRecord(path, facts, config, rows, _metrics(path, facts), _images(path, facts), found)


def read_control(record: RunRecord) -> RunRecord | None:
    """The finished run beside it that differs in nothing but that it does not prune; None where there is none."""
    path = control_path(record.path)
    facts = read_facts(path)
    if facts is None or facts.status != "finished" or facts.data_sha256 != record.facts.data_sha256:
        return None
    control = read_record(path)
    differing = differing_keys(record.config, control.config)
    return control if differing == {"pruning.method": ("magnitude", "none")} else None


def settings(record: RunRecord) -> list[tuple[str, str]]:
    """Those of ``SETTINGS`` that have a value, as text."""
    values = flat(record.config.model_dump(mode="json"))
    return [(key, str(values[key])) for key in SETTINGS if values[key] is not None]


def outcome(record: RunRecord) -> str:
    """The result in a few sentences, of which the first says which network is best by the run's own rule."""
    if len(record.rows) == 1:
        return f"{_unfinished(record)}{_single(record)}"
    chosen, dense = record.chosen, record.rows[0]
    pruned = record.config.pruning.method == "magnitude"
    if not pruned:
        first = f"The dense training of iteration {chosen.iteration} is best of {len(record.rows)}, {_by(record)}"
    elif chosen.iteration:
        tied = score(chosen, record.rule) == score(dense, record.rule)
        verdict = "A ticket is as good as the dense network, and taken" if tied else "A ticket won"
        first = f"{verdict}: {_network(chosen)}, {_by(record)}"
    else:
        first = f"No ticket won: the dense network is better than every sparse one, {_by(record)}"
    other = dense if chosen.iteration else record.best_sparse
    name = "the dense network of iteration 0" if chosen.iteration else f"the best sparse network ({_network(other)})"
    right, other_right = (test_accuracy(row, record.rule) for row in (chosen, other))
    second = f"It is right on {right:.1%} of {_test_images(record)}, {name} on {other_right:.1%}"
    return f"{_unfinished(record)}{first}. {second}{_noise(record, right, other_right)}"


def labels_used(record: RunRecord, rule: Rule) -> str:
    """How many labelled images the rule needs, and for what."""
    if record.images is None or "train" not in record.images:
        return "unknown"
    train, heldout, test = (record.images.get(part, 0) for part in ("train", "heldout", "test"))
    if rule == "heldout":
        return f"{train:,} to train + {heldout:,} held out to choose"
    what = "the ticket" if rule == "last" else "epoch and ticket"
    return f"{train:,} to train; {what} by the {test:,} test images themselves"


def _single(record: RunRecord) -> str:
    (row,) = record.rows
    method = record.config.pruning.method
    kind = f"sparse network ({method}, {row.density:.1%} of the weights)" if method in BASELINES else "dense network"
    accuracy = test_accuracy(row, record.rule)
    return f"One {kind}, its epoch {_by(record)}, is right on {accuracy:.1%} of {_test_images(record)}."


def _network(row: Row) -> str:
    return f"iteration {row.iteration} with {row.density:.1%} of the weights"


def _by(record: RunRecord) -> str:
    if record.rule != "heldout":
        return "chosen on the test images themselves, which flatters every number here"
    count = f"{record.images['heldout']:,} " if record.images and "heldout" in record.images else ""
    if len(record.rows) == 1:
        return f"chosen on {count}held-out images"
    best, other = record.chosen, record.rows[0] if record.chosen.iteration else record.best_sparse
    first, second = (score(row, "heldout") or 0.0 for row in (best, other))
    what = "there, the mean recall by class" if is_balanced(record.config.training) else "there"
    return f"chosen on {count}held-out images ({first:.1%} {what}, against {second:.1%})"


def _test_images(record: RunRecord) -> str:
    return f"{record.images['test']:,} test images" if record.images else "the test images"


def _noise(record: RunRecord, first: float, second: float) -> str:
    difference = 100 * (first - second)
    if record.images is None:
        return f": {difference:+.1f} points."
    error = 100 * error_of_difference(first, second, record.images["test"])
    size = "more than two such errors" if abs(difference) > 2 * error else "within the noise"
    return f": {difference:+.1f} points (standard error at most {error:.1f}, one seed), which is {size}."


def _unfinished(record: RunRecord) -> str:
    if record.finished:
        return ""
    prunings = record.config.pruning.iterations
    return f"This run is not finished ({len(record.rows)} of {prunings + 1} iterations so far). "


def _metrics(path: Path, facts: Facts) -> list[dict[str, Any]] | None:
    if not (path / METRICS).is_file():
        return None
    content = files.read_bytes(path / METRICS, facts.files.get(METRICS))
    try:
        return [json.loads(line) for line in content.splitlines()]
    except ValueError:
        raise UserError(f"{path / METRICS} is damaged: not a line of JSON each; restore it from a copy") from None


def _images(path: Path, facts: Facts) -> dict[str, int] | None:
    if not (path / SUBSET).is_file():
        return None
    tree = files.read_json(path / SUBSET, facts.files.get(SUBSET))
    try:
        counts = {part: sum(classes.values()) for part, classes in tree["class_counts"].items()}
    except (KeyError, AttributeError, TypeError):
        raise UserError(f"{path / SUBSET} is damaged: it has no class_counts; restore it from a copy") from None
    return {part: count for part, count in counts.items() if count}
