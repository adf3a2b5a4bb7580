"""The results of a study as tidy tables."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import pandas as pd

from tf_dlth.config.study import StudyConfig, load_study
from tf_dlth.errors import UserError


@dataclass(frozen=True, eq=False)
class Results:
    """``networks`` has a row a trained network, ``analyses`` a row a number of an analysis."""

    study: StudyConfig
    networks: pd.DataFrame
    analyses: pd.DataFrame


def read_results(folder: Path) -> Results:
    """The tables that a study has written; raises UserError where one is missing."""
    tables = []
    for name in ("networks.csv", "analyses.csv"):
        if not (folder / name).is_file():
            raise UserError(f"{folder / name} does not exist; run the study first")
        tables.append(pd.read_csv(folder / name))
    return Results(load_study(folder / "study.yaml"), *tables)
