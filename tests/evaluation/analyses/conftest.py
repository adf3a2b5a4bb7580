"""Small runs that analyses read, and requests for them."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from tf_dlth import commands
from tf_dlth.config import parse_config
from tf_dlth.evaluation.analyses.findings import Request
from tf_dlth.lottery.rows import Row, to_csv
from tf_dlth.runs.facts import Facts, write_facts

Ask = Callable[..., Request]
MakeRun = Callable[..., Path]
MakeRows = Callable[..., list[Row]]

ROW = Row(0, 1.0, 1000, 1000, 3, 0.5, 0.9, 0.8, 2, 0.7, 0.75, 1, 0.72, 1.0, 10.0)


@pytest.fixture
def ask() -> Ask:
    """``ask(path, ..., weights="last")``: a request that measures on the tickets' own images."""

    def make(*paths: Path | str, **options: Any) -> Request:
        def images(subject: Any) -> Any:
            return commands.test_images(subject, None, None)

        return Request(paths=[str(path) for path in paths], images=images, **options)

    return make


@pytest.fixture
def make_run(tmp_path: Path, finished: Any, make_facts: Callable[..., Facts]) -> MakeRun:
    """``make_run("name", [row, ...], "seed=1")``: the facts, the config and the table of a run, without tickets."""

    def make(name: str, rows: Sequence[Row], *overrides: str) -> Path:
        folder = tmp_path / "runs" / name
        folder.mkdir(parents=True)
        config = parse_config(finished.config.to_yaml(), overrides)
        (folder / "config.yaml").write_text(config.to_yaml())
        write_facts(folder, make_facts(config_sha256=config.sha256("train")))
        (folder / "iterations.csv").write_text(to_csv(rows))
        return folder

    return make


@pytest.fixture
def rows() -> MakeRows:
    """``rows(0.5, 0.6, train_loss=0.1)``: iterations with these best test accuracies."""
    return _rows


def _rows(*accuracies: float, **columns: Any) -> list[Row]:
    """Iterations 0, 1, ... with densities 1, 0.8, ..., whose test accuracies are told apart by rule."""
    return [
        replace(
            ROW,
            **{
                "iteration": k,
                "density": 0.8**k,
                "epochs": 3 if k == 0 else 2,
                "test_accuracy_best": accuracy,
                "test_accuracy_last": accuracy - 0.1,
                "test_accuracy_heldout": accuracy - 0.05,
                **columns,
            },
        )
        for k, accuracy in enumerate(accuracies)
    ]
