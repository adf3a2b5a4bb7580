"""The tables of a study: one row a trained network, and one row a number of an analysis."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from itertools import groupby
from pathlib import Path
from typing import Any, get_args

import pandas as pd

from tf_dlth import files
from tf_dlth.config.study import Measure, StudyConfig, stored_study
from tf_dlth.errors import UserError
from tf_dlth.runs.folder import SUBSET
from tf_dlth.studies.grid import Cell
from tf_dlth.studies.ledger import Standing
from tf_dlth.studies.records import Asked, Measurement, Records, measurements
from tf_dlth.studies.runs import StoredRun

STUDY, NETWORKS, ANALYSES = "study.yaml", "networks.csv", "analyses.csv"
SEEDS = ("seed", "subset_seed", "mask_seed")
OF_A_ROW = (
    *("iteration", "density", "remaining", "prunable", "epochs", "train_loss", "train_accuracy"),
    *("heldout_accuracy", "test_accuracy_heldout", "test_accuracy_best", "test_accuracy_last"),
)
"""Columns that are iterations.csv's own."""
TIMINGS = ("seconds",)
"""The column that differs between two otherwise equal studies."""


@dataclass(frozen=True, eq=False)
class Results:
    """A study and its tables, as in networks.csv and analyses.csv; accuracies and densities are fractions."""

    study: StudyConfig
    networks: pd.DataFrame
    analyses: pd.DataFrame


def read_results(folder: Path) -> Results:
    """The tables of a study's folder; raises UserError for another folder."""
    if not (folder / STUDY).is_file():
        raise UserError(f"{folder} is no study's folder: it has no {STUDY}")
    study = stored_study(folder / STUDY)
    text = dict.fromkeys(["arm", "run", "config_sha256", "data_sha256", "admitted", "other", "layer"], str)
    text |= {axis: str for axis, values in study.axes.items() if not _are_numbers(values)}
    tables = [_read(folder / name, text) for name in (NETWORKS, ANALYSES)]
    return Results(study, *tables)


def write_results(folder: Path, results: Results) -> None:
    """Replaces both tables, each whole or not at all."""
    for name, table in ((NETWORKS, results.networks), (ANALYSES, results.analyses)):
        files.write_bytes(folder / name, table.to_csv(index=False, lineterminator="\n").encode())


def network_columns(study: StudyConfig) -> list[str]:
    """The header of networks.csv."""
    probes = [f"probe_{name}" for name in study.probe]
    return [
        *("arm", *study.axes, *SEEDS, "run", "config_sha256", "data_sha256", "labels_train", "labels_heldout"),
        *(*OF_A_ROW, "evaluate_every", "seconds", "admitted", "regression", *get_args(Measure), *probes),
    ]


def analysis_columns(study: StudyConfig) -> list[str]:
    """The header of analyses.csv."""
    return ["arm", *study.axes, *SEEDS, "run", "iteration", "kind", "quantity", "layer", "other", "value"]


class Collector:
    """Collects the tables from the runs' folders; what is done is read once."""

    def __init__(self, study: StudyConfig, records: Records) -> None:
        self._study, self._asked, self._records = study, Asked.by(study), records
        self._done: dict[Cell, tuple[list[dict[str, Any]], list[dict[str, Any]]]] = {}

    def collect(self, standings: Iterable[Standing]) -> Results:
        """Of all cells whose training is finished, in the order of the grid."""
        finished = [standing for standing in standings if standing.run is not None]
        rows = [self._rows(standing) for standing in finished]
        compared = [row for first, second in pairs(self._study, finished) for row in self._compared(first, second)]
        networks = [row for own, _ in rows for row in own]
        analyses = [row for _, own in rows for row in own]
        return Results(
            self._study,
            pd.DataFrame(networks, columns=network_columns(self._study)),
            pd.DataFrame([*analyses, *compared], columns=analysis_columns(self._study)),
        )

    def _rows(self, standing: Standing) -> tuple[list[dict[str, Any]], list[dict[str, Any]]]:
        if standing.cell in self._done:
            return self._done[standing.cell]
        assert standing.run is not None
        known = [(m, self._records.get(standing.run, m)) for m in measurements(standing.run, self._asked)]
        found = (list(_networks(standing, known)), list(_analyses(standing, known)))
        if standing.state == "done":
            self._done[standing.cell] = found
        return found

    def _compared(self, first: Standing, second: Standing) -> Iterator[dict[str, Any]]:
        assert first.run is not None and second.run is not None
        for quantity, layer, value in self._records.get_pair("overlap", first.run, second.run) or []:
            yield {
                **_place(first.cell),
                "run": str(first.run.path),
                "iteration": first.run.facts.best_sparse,
                "kind": "overlap",
                "quantity": quantity,
                "layer": layer,
                "other": str(second.run.path),
                "value": value,
            }


def pairs(study: StudyConfig, standings: Iterable[Standing]) -> Iterator[tuple[Standing, Standing]]:
    """Where overlap is asked for: every two tickets of an arm at a setting with other pairs of seeds."""
    if "overlap" not in study.analyze:
        return

    def place(standing: Standing) -> tuple[str, str]:
        return standing.cell.arm, str(standing.cell.setting)

    sparse = [one for one in standings if one.run is not None and one.run.best_row.density < 1]
    for _, group in groupby(sorted(sparse, key=place), place):
        members = list(group)
        for number, second in enumerate(members):
            yield from ((first, second) for first in members[:number] if first.cell.pair != second.cell.pair)


def _place(cell: Cell) -> dict[str, Any]:
    return {"arm": cell.arm, **cell.values, **dict(zip(SEEDS, (*cell.pair, cell.mask_seed), strict=True))}


def _networks(standing: Standing, known: Iterable[tuple[Measurement, Any]]) -> Iterator[dict[str, Any]]:
    run = standing.run
    assert run is not None
    facts = run.facts
    head = {
        **_place(standing.cell),
        "run": str(run.path),
        "config_sha256": facts.config_sha256,
        "data_sha256": facts.data_sha256,
        **_labels(run),
        "evaluate_every": run.config.training.evaluate_every,
        "admitted": _admitted(run),
        **({} if run.regression is None else {"regression": run.regression}),
    }
    measured: dict[int, dict[str, Any]] = {}
    for wanted, value in known:
        if wanted.kind != "analyze":
            name = f"probe_{wanted.name}" if wanted.kind == "probe" else wanted.name
            measured.setdefault(wanted.iteration, {})[name] = value
    for row in run.rows:
        own = {name: getattr(row, name) for name in (*OF_A_ROW, *TIMINGS)}
        yield {**head, **own, **measured.get(row.iteration, {})}


def _analyses(standing: Standing, known: Iterable[tuple[Measurement, Any]]) -> Iterator[dict[str, Any]]:
    assert standing.run is not None
    head = {**_place(standing.cell), "run": str(standing.run.path)}
    for wanted, lines in known:
        if wanted.kind == "analyze":
            for quantity, layer, value in lines or []:
                yield {
                    **head,
                    "iteration": wanted.iteration,
                    "kind": wanted.name,
                    "quantity": quantity,
                    "layer": layer,
                    "other": "",
                    "value": value,
                }


def _labels(run: StoredRun) -> dict[str, int]:
    """How many labelled images were trained on, and how many more were held out to choose by."""
    counts = files.read_json(run.path / SUBSET, run.facts.files.get(SUBSET))["class_counts"]
    return {f"labels_{part}": sum(counts[part].values()) for part in ("train", "heldout")}


def _admitted(run: StoredRun) -> str:
    return "; ".join(
        f"{key} {values.old} -> {values.new} from iteration {change.from_iteration} on"
        for change in run.facts.admitted
        for key, values in change.keys.items()
    )


def _are_numbers(values: Iterable[Any]) -> bool:
    return all(isinstance(value, int | float | None) and not isinstance(value, bool) for value in values)


def _read(path: Path, text: Mapping[str, type]) -> pd.DataFrame:
    try:
        table = pd.read_csv(path, dtype=dict(text), keep_default_na=False, na_values=[""])
    except (OSError, ValueError) as error:
        raise UserError(f"{path} cannot be read: {error}; start the study again to have it written") from None
    words = [name for name in text if name in table]
    return table.fillna(dict.fromkeys(words, ""))
