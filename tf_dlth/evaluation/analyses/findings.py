"""What an analysis is asked for, and what it answers."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Generic, TypeVar

from tf_dlth.config import WeightsKind

if TYPE_CHECKING:
    from tf_dlth.data import Examples
    from tf_dlth.evaluation.subject import Subject

Result = TypeVar("Result")


@dataclass(frozen=True)
class Request:
    """Tickets and runs, as they were typed, and how they are looked at.

    ``images`` gives the test images of a classifier and their name; ``weights`` None are what each ticket means by
    default.
    """

    paths: Sequence[str]
    images: Callable[[Subject], tuple[str, Examples]]
    weights: WeightsKind | None = None
    devices: str = "all"
    trust: bool = False


@dataclass(frozen=True, eq=False)
class Findings(Generic[Result]):
    """``results`` are what a figure is drawn from, ``rows`` the lines of a CSV file under one header, ``records`` the
    JSON list, ``table`` the short form for a terminal, and ``notes`` what has to be known to read them.
    """

    results: Sequence[Result]
    rows: Sequence[Mapping[str, Any]]
    records: Sequence[Mapping[str, Any]]
    table: Sequence[Mapping[str, str]]
    notes: Sequence[str]


def percent(value: float | None) -> str:
    """A fraction as a table shows it; a hyphen for one that does not exist."""
    return "-" if value is None or value != value else f"{100 * value:.2f}"


def decimal(value: float) -> str:
    """A number as a table shows it; a hyphen for NaN."""
    return "-" if value != value else f"{value:.3f}"
