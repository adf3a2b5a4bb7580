"""The kinds of analyses: what each is given, and how its findings become files."""

from __future__ import annotations

import importlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from tf_dlth.errors import UserError
from tf_dlth.provenance import versions
from tf_dlth.reporting import analysis_folder

if TYPE_CHECKING:
    from tf_dlth.evaluation.analyses.findings import Findings, Request

SUFFIXES = ("csv", "png", "svg")


@dataclass(frozen=True)
class Kind:
    """How many tickets or runs it takes, None for any number, and which options mean something to it."""

    least: int
    most: int | None
    options: tuple[str, ...] = ()


KINDS: Mapping[str, Kind] = {
    "density": Kind(1, None),
    "cka": Kind(1, 2, ("weights", "data", "data_dir")),
    "branch-norms": Kind(1, None, ("weights", "data", "data_dir")),
    "weight-norms": Kind(1, 2, ("weights",)),
    "overlap": Kind(2, None),
    "curves": Kind(1, None),
    "longtail": Kind(0, None),
    "fit": Kind(1, None),
}


def require_sensible(kind: str, paths: Sequence[str], options: Mapping[str, Any], out: Path) -> None:
    """Raises UserError for what can be known to be wrong without opening a ticket."""
    takes = KINDS[kind]
    if len(paths) < takes.least or (takes.most is not None and len(paths) > takes.most):
        raise UserError(f"{kind} takes {_number(takes)}, not {len(paths)}")
    for name, value in options.items():
        if value is not None and name not in takes.options:
            raise UserError(f"{kind} does not look at --{name.replace('_', '-')}; leave it out")
    analysis_folder.require_free(out, kind, [f"{kind}.{suffix}" for suffix in SUFFIXES])


def analyse(kind: str, request: Request) -> Findings[Any]:
    """Raises UserError for tickets and runs that cannot be compared."""
    return importlib.import_module(f"tf_dlth.evaluation.analyses.{_name(kind)}").analyse(request)


def write(kind: str, findings: Findings[Any], out: Path, settings: Mapping[str, Any]) -> list[Path]:
    """Writes the table and the figure, ``settings`` beside them, and returns the paths."""
    from tf_dlth.reporting.figures.rendering import rendered

    drawn_in = "curves" if kind in ("curves", "fit") else "analysis"
    module = importlib.import_module(f"tf_dlth.reporting.figures.{drawn_in}")
    figure = getattr(module, _name(kind))(findings.results)
    contents = {f"{kind}.csv": analysis_folder.to_csv(findings.rows)}
    contents |= {f"{kind}.{form}": rendered(figure, form) for form in ("png", "svg")}
    return analysis_folder.write(out, kind, contents, {**settings, "versions": versions()})


def _name(kind: str) -> str:
    return kind.replace("-", "_")


def _number(kind: Kind) -> str:
    if kind.most is None:
        return f"{kind.least} or more tickets or runs"
    return f"{kind.least} or {kind.most} tickets or runs"
