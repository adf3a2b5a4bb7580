"""The numbers that claims compare: columns of networks.csv, and what analyses.csv says of the same network."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Literal, TypeAlias

import numpy as np
import pandas as pd

from tf_dlth.lottery.selection import PAPER_LAST_ITERATION, TEST_ACCURACY, Rule
from tf_dlth.studies.choosing import Row, number

Part = Literal["all", "early", "shortcuts"]
SHORTCUT = "shortcut"
"""In the name of a shortcut's convolution."""
ByLayer = dict[str, float]
Findings = Mapping[tuple[str, str, str], Mapping[int, ByLayer]]
"""(run, kind, quantity) -> iteration -> layer -> value, in the order of analyses.csv; the layer "" is overall."""


@dataclass(frozen=True)
class Accuracy:
    """On the test set, of the epoch that the rule keeps."""

    def value(self, row: Row, findings: Findings, rule: Rule) -> float | None:
        return number(row.get(TEST_ACCURACY[rule]))

    def __str__(self) -> str:
        return "accuracy"


@dataclass(frozen=True)
class Column:
    """A column of networks.csv."""

    name: str
    log10: bool = False

    def value(self, row: Row, findings: Findings, rule: Rule) -> float | None:
        value = number(row.get(self.name))
        return float(np.log10(value)) if self.log10 and value is not None else value

    def __str__(self) -> str:
        return self.name


@dataclass(frozen=True)
class Overall:
    """An overall number of an analysis; where only layers or blocks are given, their mean."""

    kind: str
    quantity: str

    def value(self, row: Row, findings: Findings, rule: Rule) -> float | None:
        values = findings.get((row["run"], self.kind, self.quantity), {}).get(row["iteration"], {})
        layers = [value for layer, value in values.items() if layer]
        return values.get("", float(np.mean(layers)) if layers else None)

    def __str__(self) -> str:
        return f"{self.kind} ({self.quantity})"


@dataclass(frozen=True)
class Density:
    """Mean density of some layers of the run's sparsest analysed ticket up to iteration 15, the paper's figure 6.

    ``early`` is the first half of the layers in the order of the network, shortcuts aside.
    """

    quantity: Literal["density", "null_theta_r", "null_theta_0"]
    part: Part

    def value(self, row: Row, findings: Findings, rule: Rule) -> float | None:
        tickets = findings.get((row["run"], "density", self.quantity), {})
        analysed = [iteration for iteration in tickets if 1 <= iteration <= PAPER_LAST_ITERATION]
        if not analysed:
            return None
        layers = tickets[max(analysed)]
        chosen = [layers[name] for name in part_of(list(layers), self.part)]
        return float(np.mean(chosen)) if chosen else None

    def __str__(self) -> str:
        return f"density ({self.quantity})"


Measure: TypeAlias = Accuracy | Column | Overall | Density


def part_of(layers: Sequence[str], part: Part) -> list[str]:
    """Names of ``layers``, given in the order of the network, that belong to ``part``."""
    named = [name for name in layers if name]
    if part == "shortcuts":
        return [name for name in named if SHORTCUT in name]
    half = named[: (len(named) + 1) // 2] if part == "early" else named
    return [name for name in half if part == "all" or SHORTCUT not in name]


def findings_of(analyses: pd.DataFrame) -> Findings:
    """What analyses.csv says of single networks; rows that compare two are left out."""
    found: defaultdict[tuple[str, str, str], defaultdict[int, ByLayer]] = defaultdict(lambda: defaultdict(dict))
    names = ("run", "kind", "quantity", "iteration", "layer", "other", "value")
    for run, kind, quantity, iteration, layer, other, value in zip(*(analyses[n].tolist() for n in names), strict=True):
        if not _text(other) and number(value) is not None:
            found[run, kind, quantity][iteration][_text(layer)] = value
    return found


def _text(value: Any) -> str:
    """An empty cell, as pandas reads it, is no text."""
    return value if isinstance(value, str) else ""
