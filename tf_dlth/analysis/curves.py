"""What became of a network from iteration to iteration, over one run or many (paper figures 2 to 4).

A table holds one run: the rows of its iterations.csv as mappings (numbers or their text, missing values None or
empty) or as a pandas DataFrame.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, TypeAlias

import numpy as np

from tf_dlth.analysis.significance import Interval, t_interval
from tf_dlth.errors import UserError

if TYPE_CHECKING:
    import pandas as pd

Table: TypeAlias = "Sequence[Mapping[str, Any]] | pd.DataFrame"
Values = Callable[[Table], np.ndarray]
"""From a table to one number a row, float64 [rows]."""


@dataclass(frozen=True, eq=False)
class Curve:
    """One point an iteration that has a value in some run, ascending: the mean over runs, within its t-interval.

    ``iterations`` and ``runs`` (how many gave a value) are int64 [K], the rest float64 [K]; one run's limits are NaN.
    """

    iterations: np.ndarray
    x: np.ndarray
    mean: np.ndarray
    low: np.ndarray
    high: np.ndarray
    runs: np.ndarray


@dataclass(frozen=True)
class Fit:
    """How closely each density fits its training images: by the last epoch, against density."""

    train_loss: Curve
    train_accuracy: Curve
    generalisation_gap: Curve


def accuracy_by_density(tables: Sequence[Table], column: str = "test_accuracy_best") -> Curve:
    """An accuracy column against density. Raises UserError where an iteration's density differs between runs."""
    return _curve(tables, _density(tables), lambda table: _column(table, column))


def fit_by_density(tables: Sequence[Table]) -> Fit:
    """Final training loss and accuracy, and training accuracy less ``test_accuracy_last``; errors as above."""
    density = _density(tables)

    def gap(table: Table) -> np.ndarray:
        return _column(table, "train_accuracy") - _column(table, "test_accuracy_last")

    return Fit(
        train_loss=_curve(tables, density, lambda table: _column(table, "train_loss")),
        train_accuracy=_curve(tables, density, lambda table: _column(table, "train_accuracy")),
        generalisation_gap=_curve(tables, density, gap),
    )


def accuracy_by_epochs(tables: Sequence[Table], column: str = "test_accuracy_best") -> Curve:
    """An accuracy column against all epochs spent by the end of the iteration, from the dense network on."""
    return _curve(tables, _epochs_spent, lambda table: _column(table, column))


def _epochs_spent(table: Table) -> np.ndarray:
    order = np.argsort(_column(table, "iteration"))
    spent = np.empty(len(order))
    spent[order] = np.cumsum(_column(table, "epochs")[order])
    return spent


def _density(tables: Sequence[Table]) -> Values:
    """The density column, once it is known that runs can be averaged by iteration."""
    seen: dict[int, float] = {}
    for table in tables:
        for k, density in zip(_column(table, "iteration"), _column(table, "density"), strict=True):
            if not np.isclose(seen.setdefault(int(k), density), density, rtol=0.01):
                raise UserError(
                    f"iteration {int(k)} has density {seen[int(k)]:.4g} in one run and {density:.4g} in another; "
                    "average runs of one pruning method and rate"
                )
    return lambda table: _column(table, "density")


def _curve(tables: Sequence[Table], x: Values, y: Values) -> Curve:
    points: defaultdict[int, list[tuple[float, float]]] = defaultdict(list)
    for table in tables:
        for k, x_value, y_value in zip(_column(table, "iteration"), x(table), y(table), strict=True):
            if not np.isnan(y_value):
                points[int(k)].append((x_value, y_value))
    intervals = [t_interval(np.array([value for _, value in points[k]])) for k in sorted(points)]
    return Curve(
        iterations=np.array(sorted(points), np.int64),
        x=np.array([np.mean([place for place, _ in points[k]]) for k in sorted(points)]),
        mean=_each(intervals, "mean"),
        low=_each(intervals, "low"),
        high=_each(intervals, "high"),
        runs=np.array([interval.n for interval in intervals], np.int64),
    )


def _each(intervals: Sequence[Interval], field: str) -> np.ndarray:
    return np.array([getattr(interval, field) for interval in intervals], np.float64)


def _column(table: Table, name: str) -> np.ndarray:
    values = [row[name] for row in table] if isinstance(table, Sequence) else table[name]
    return np.array([np.nan if value is None or value == "" else float(value) for value in values], np.float64)
