"""Tables of studies, written by hand: rows as keyword arguments, everything else filled in."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import Any

import pandas as pd
import pytest

from tf_dlth.config.study import StudyConfig
from tf_dlth.studies.results import Results

Row = dict[str, Any]
NUMBERS = ("heldout_accuracy", "test_accuracy_heldout", "test_accuracy_best", "test_accuracy_last", "train_loss")
MEASURES = ("fgsm", "cifar10_c", "cifar10_2", "probe_cifar100")
SIZES = {0.01: 500, 0.1: 5000, 1.0: 50000}


def _network(
    arm: str, seed: int, iteration: int = 0, accuracy: float = 0.5, fraction: float = 0.01, **more: Any
) -> Row:
    """A row of networks.csv; ``accuracy`` is the held-out rule's on the test set."""
    augment, mask_seed = more.pop("augment", "basic"), more.pop("mask_seed", 0)
    return {
        "arm": arm,
        "data.fraction": fraction,
        "data.augment": augment,
        "seed": seed,
        "subset_seed": seed + 100,
        "mask_seed": mask_seed,
        "run": f"{arm}-{fraction}-{augment}-{seed}-{mask_seed}",
        "labels_train": SIZES[fraction],
        "iteration": iteration,
        "density": 0.8**iteration,
        "heldout_accuracy": accuracy,
        "test_accuracy_heldout": accuracy,
        "test_accuracy_best": accuracy,
        "test_accuracy_last": accuracy,
        "train_loss": 0.1,
        **dict.fromkeys(MEASURES, float("nan")),
        **more,
    }


def _search(arm: str, seed: int, dense: float, ticket: float, **more: Any) -> list[Row]:
    """Iterations 0 to 16 of which held-out images choose 5; a choice on the test set would fall for 7, or for 16."""
    shared = {"fraction": more.pop("fraction", 0.01), "augment": more.pop("augment", "basic")}
    rows = [
        _network(arm, seed, 0, dense, heldout_accuracy=0.3, **shared, **more.pop("of_dense", {})),
        _network(arm, seed, 5, ticket, heldout_accuracy=0.9, **shared, **more.pop("of_ticket", {})),
        _network(arm, seed, 7, 0.97, heldout_accuracy=0.8, **shared),
        _network(arm, seed, 8, ticket, heldout_accuracy=0.9, **shared),
        _network(arm, seed, 16, 0.99, heldout_accuracy=0.95, **shared),
    ]
    assert not more
    return rows


def _finding(row: Row, kind: str, quantity: str, value: float, layer: str | None = None, other: Any = None) -> Row:
    place = {name: row[name] for name in ("arm", "data.fraction", "data.augment", "seed", "subset_seed", "mask_seed")}
    return {**place, "run": row["run"], "iteration": row["iteration"], "kind": kind, "quantity": quantity,
            "layer": layer, "other": other, "value": value}  # fmt: skip


def _results(
    claims: Iterable[str], networks: Iterable[Row], analyses: Iterable[Row] = (), best_of: str | None = None
) -> Results:
    axes: dict[str, Any] = {"data.fraction": list(SIZES), "data.augment": ["basic", "auto"]}
    study = StudyConfig(name="study", base="base.yaml", axes=axes, claims=tuple(claims), best_of=best_of)
    columns = ["run", "kind", "quantity", "iteration", "layer", "other", "value"]
    return Results(study, pd.DataFrame(list(networks)), pd.DataFrame(list(analyses), columns=columns))


@pytest.fixture(scope="session")
def network() -> Callable[..., Row]:
    return _network


@pytest.fixture(scope="session")
def search() -> Callable[..., list[Row]]:
    return _search


@pytest.fixture(scope="session")
def finding() -> Callable[..., Row]:
    return _finding


@pytest.fixture(scope="session")
def results() -> Callable[..., Results]:
    return _results
