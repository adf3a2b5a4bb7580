from __future__ import annotations

import io
from typing import Any

import pytest
from rich.console import Console, Group

from tf_dlth.reporting.evaluation import class_table, corruptions_table, measures_table, seen_before_lines


def text(table: Group, width: int = 80) -> str:
    out = io.StringIO()
    Console(file=out, width=width, markup=False).print(table)
    return out.getvalue()


def record(ticket: str, **more: Any) -> dict[str, Any]:
    measures = {"n": 1047, "accuracy": 0.5, "balanced_accuracy": 0.25, "loss": 1.5, "per_class": [1.0, None]}
    return {"ticket": ticket, "weights": "heldout", "data": "digits", **measures, **more}


def test_what_all_have_in_common_stands_above() -> None:
    lines = text(measures_table([record(f"runs/a/iteration_{k:02d}", density=0.8**k) for k in range(3)])).splitlines()
    assert lines[0].strip() == "runs/a, data digits, weights heldout, 1,047 images"
    rows = [line.split() for line in lines if line.strip().startswith("iteration_")]
    assert rows == [
        ["iteration_00", "50.00", "25.00", "1.5000", "100.00"],
        ["iteration_01", "50.00", "25.00", "1.5000", "80.00"],
        ["iteration_02", "50.00", "25.00", "1.5000", "64.00"],
    ]


def test_what_differs_has_a_column() -> None:
    records = [record("a", weights="last"), record("b", n=10, weights="saved_model", ece=0.125)]
    lines = [line.split() for line in text(measures_table(records), 100).splitlines()]
    head = next(line for line in lines if line[:1] == ["ticket"])
    rows = [line for line in lines if line[:1] in (["a"], ["b"])]
    assert head == ["ticket", "accuracy", "%", "balanced", "%", "loss", "ECE", "%", "images", "weights"]
    assert rows == [
        ["a", "50.00", "25.00", "1.5000", "-", "1,047", "last"],
        ["b", "50.00", "25.00", "1.5000", "12.50", "10", "saved_model"],
    ]


def test_an_attack_is_named() -> None:
    attack = {"kind": "pgd", "epsilon": 8 / 255, "accuracy": 0.0625}
    shown = text(measures_table([record("a", attack=attack)]))
    assert "pgd %" in shown and "6.25" in shown


@pytest.mark.parametrize("width", [80, 120])
def test_whole_runs_fit_a_terminal(width: int) -> None:
    attack = {"kind": "fgsm", "epsilon": 0.1, "accuracy": 0.5}
    records = [record(f"/a/long/way/run/iteration_{k:02d}", density=1.0, ece=0.1, attack=attack) for k in range(17)]
    lines = text(measures_table(records), width).splitlines()
    assert sum(line.strip().startswith("iteration_") for line in lines) == 17, "no name is broken into lines"


def test_classes_without_images_are_said_to_be() -> None:
    shown = text(class_table(record("a", class_names=["cat [red]", "dog"])))
    lines = [line.split() for line in shown.splitlines()]
    assert ["cat", "[red]", "100.00"] in lines and ["dog", "no", "images"] in lines


def test_what_the_ticket_has_met_is_said_once_for_all_that_met_the_same() -> None:
    met = {"by": "sha256", "train": 1000, "heldout": 20, "test": 0}
    (line,) = seen_before_lines([record("a", seen_before=met), record("b", seen_before=met)])
    assert line == (
        "Of the 1,047 images 1,000 were trained on, 20 held out to choose and 0 the run's own test images "
        "(compared by the SHA-256 of their pixels)."
    )
    new = {"by": "name", "train": 0, "heldout": 0, "test": 0}
    _, second, third = seen_before_lines([record("a", seen_before=s) for s in (met, new, None)])
    assert second == "a: None of the 1,047 images is the run's own (compared by name)."
    assert third.endswith("is not known: the run's own are not at hand.")
    assert seen_before_lines([record("a")]) == []


def test_corruptions_with_the_means_of_all_sides() -> None:
    shown = text(
        corruptions_table(
            {
                "regenerated": True,
                "cells": {"fog": {"1": 0.5, "5": 0.25}, "snow": {"1": 0.4}},
                "by_kind": {"fog": 0.375, "snow": 0.4},
                "by_severity": {"1": 0.45, "5": 0.25},
                "by_group": {"weather": 0.3875},
                "mean": 0.383,
            }
        )
    )
    lines = [line.split() for line in shown.splitlines()]
    assert ["fog", "50.00", "25.00", "37.50"] in lines and ["snow", "40.00", "-", "40.00"] in lines
    assert ["mean", "45.00", "25.00", "38.30"] in lines and ["group", "weather", "38.75"] in lines
    assert "not the published arrays" in shown.replace("\n", " ")
