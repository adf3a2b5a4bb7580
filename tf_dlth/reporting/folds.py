"""The runs of all folds together: what each chose, what the other folds would have, and what that is worth."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any, Literal

import numpy as np

from tf_dlth import files
from tf_dlth.analysis.accuracies import standard_error
from tf_dlth.analysis.cross_validation import Estimate, chosen_by_all, chosen_by_others, with_differences
from tf_dlth.analysis.significance import Interval
from tf_dlth.config import differing_keys
from tf_dlth.errors import UserError
from tf_dlth.lottery.selection import winner
from tf_dlth.reporting.analysis_folder import to_csv
from tf_dlth.reporting.run_record import RunRecord, read_control, read_record
from tf_dlth.runs.facts import RUN

TREE, TABLE, SIGNATURE, FORMAT_VERSION = "folds.json", "folds.csv", "folds_sha256", 1
OF_A_FOLD = {"data.fold", "data.normalisation.mean", "data.normalisation.std"}
"""Keys in which folds differ: the statistics are of the images that are trained on."""

ChosenBy = Literal["own_fold", "other_folds"]
Address = tuple[int, int]
"""(iteration, epoch)"""


@dataclass(frozen=True)
class Choice:
    """A network of a fold's ``run``, right on a fraction of the fold's ``images``, which it did not train on.

    By ``own_fold`` its epoch and iteration are the best on these images, by ``other_folds`` the best on all others.
    """

    fold: int
    run: str
    chosen_by: ChosenBy
    network: str
    iteration: int
    epoch: int
    density: float
    images: int
    heldout_accuracy: float
    standard_error: float
    test_accuracy: float


@dataclass(frozen=True, eq=False)
class Folds:
    """The finished runs of all folds, and their controls, none unless each fold has one.

    ``differing`` names keys of the config that changes on the way left unlike; ``recommended`` is the (iteration,
    epoch) that is right most often in all folds, None where nothing was pruned.
    """

    records: Sequence[RunRecord]
    controls: Sequence[RunRecord]
    choices: Sequence[Choice]
    differing: Sequence[str]
    recommended: Address | None

    @property
    def networks(self) -> tuple[str, ...]:
        """``dense``, ``ticket`` where something was pruned, ``control`` where there is one."""
        return tuple(dict.fromkeys(choice.network for choice in self.choices))

    @property
    def images(self) -> np.ndarray:
        """Held-out images, int64 [folds]."""
        return _images(self.records)

    def of(self, run: str) -> list[dict[str, Any]]:
        """The choices in a run as JSON, by its folder's name."""
        return [asdict(choice) for choice in self.choices if choice.run == run]

    def chosen(self, chosen_by: ChosenBy, network: str) -> list[Choice]:
        """A choice a fold."""
        return [c for c in self.choices if (c.chosen_by, c.network) == (chosen_by, network)]

    def estimates(self, chosen_by: ChosenBy) -> dict[str, Estimate]:
        """Held-out accuracy of each network, and the ticket's differences."""
        return self._estimates(chosen_by, "heldout_accuracy")

    def tests(self) -> dict[str, Interval]:
        """Mean test accuracy of the networks that each fold chose itself; all folds have the same test images."""
        return {name: found.folds for name, found in self._estimates("own_fold", "test_accuracy").items()}

    def _estimates(self, chosen_by: ChosenBy, of: str) -> dict[str, Estimate]:
        found = {name: np.array([getattr(c, of) for c in self.chosen(chosen_by, name)]) for name in self.networks}
        return with_differences(found, self.images)


def read_folds(paths: Sequence[Path]) -> Folds:
    """The finished runs of the folds, in their order; raises UserError for one that is missing or damaged."""
    records = [read_record(path) for path in paths]
    for record in records:
        if not record.finished or record.rule != "heldout":
            raise UserError(f"{record.path} is no finished run that chose by held-out images; train it to its end")
    controls = [control for record in records if (control := read_control(record)) is not None]
    if len(controls) < len(records):
        controls = []
    kinds: dict[str, tuple[Sequence[RunRecord], Callable[[int], bool]]] = {"dense": (records, lambda k: k == 0)}
    if min(len(record.rows) for record in records) > 1:
        kinds["ticket"] = (records, lambda k: k > 0)
        if controls:
            kinds["control"] = (controls, lambda k: True)
    choices = [choice for name, (runs, among) in kinds.items() for choice in _choices(name, runs, among)]
    return Folds(records, controls, choices, _differing(records), _recommended(records) if "ticket" in kinds else None)


def _choices(network: str, runs: Sequence[RunRecord], among: Callable[[int], bool]) -> Iterator[Choice]:
    """What each run chose of its iterations that are ``among`` the network's, and then what the other folds do."""
    for fold, run in enumerate(runs):
        rows = [row for row in run.rows if among(row.iteration)]
        row = run.chosen if network == "control" else rows[winner(rows, "heldout") - rows[0].iteration]
        assert row.heldout_epoch is not None
        yield _choice(fold, run, "own_fold", network, (row.iteration, row.heldout_epoch))
    addresses, accuracies = _accuracies(runs, among)
    for fold, best in enumerate(chosen_by_others(accuracies, _images(runs))):
        yield _choice(fold, runs[fold], "other_folds", network, addresses[best])


def _choice(fold: int, run: RunRecord, chosen_by: ChosenBy, network: str, address: Address) -> Choice:
    metrics, images = _by_address(run)[address], int(_images([run])[0])
    accuracy = metrics["heldout_accuracy"]
    return Choice(
        fold=fold + 1,
        run=run.path.name,
        chosen_by=chosen_by,
        network=network,
        iteration=address[0],
        epoch=address[1],
        density=run.rows[address[0]].density,
        images=images,
        heldout_accuracy=accuracy,
        standard_error=standard_error(accuracy, images),
        test_accuracy=metrics["test_accuracy"],
    )


def _accuracies(runs: Sequence[RunRecord], among: Callable[[int], bool]) -> tuple[list[Address], np.ndarray]:
    """The epochs that all folds evaluated, densest iteration and earliest epoch first, and float [folds, epochs]."""
    tables = [_by_address(run) for run in runs]
    addresses = sorted(set.intersection(*({a for a in table if among(a[0])} for table in tables)))
    return addresses, np.array([[table[a]["heldout_accuracy"] for a in addresses] for table in tables])


def _by_address(run: RunRecord) -> dict[Address, Mapping[str, Any]]:
    return {(line["iteration"], line["epoch"]): line for line in run.metrics or ()}


def _images(runs: Sequence[RunRecord]) -> np.ndarray:
    return np.array([(run.images or {})["heldout"] for run in runs], np.int64)


def _recommended(records: Sequence[RunRecord]) -> Address:
    addresses, accuracies = _accuracies(records, lambda k: k > 0)
    return addresses[chosen_by_all(accuracies, _images(records))]


def _differing(records: Sequence[RunRecord]) -> list[str]:
    first, *others = (record.config for record in records)
    return sorted({key for other in others for key in differing_keys(first, other)} - OF_A_FOLD)


def write_folds(folder: Path, folds: Folds) -> None:
    """``folds.csv``, a row a choice, and ``folds.json`` with its digest, those of the runs, and the estimates."""
    digest = files.write_bytes(folder / TABLE, to_csv([asdict(choice) for choice in folds.choices]))
    runs = {record.path.name: files.sha256(record.path / RUN) for record in (*folds.records, *folds.controls)}
    best = folds.recommended
    tree = {
        "format_version": FORMAT_VERSION,
        "folds": len(folds.records),
        "choices": [asdict(choice) for choice in folds.choices],
        "heldout_accuracy": {by: _as_json(folds.estimates(by)) for by in ("own_fold", "other_folds")},
        "test_accuracy": {"own_fold": {name: _interval(found) for name, found in folds.tests().items()}},
        "recommended": None if best is None else {"iteration": best[0], "epoch": best[1]},
        "runs": runs,
        "files": {TABLE: digest},
    }
    files.write_signed(folder / TREE, tree, SIGNATURE)


def _as_json(estimates: Mapping[str, Estimate]) -> dict[str, dict[str, Any]]:
    return {
        name: {"pooled": found.pooled, "standard_error": found.error, **_interval(found.folds)}
        for name, found in estimates.items()
    }


def _interval(found: Interval) -> dict[str, Any]:
    return {"mean": found.mean, "interval_95": [found.low, found.high]}
