"""The searches of all folds: rehearsed, started anew, and judged together."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

from tf_dlth.config import Config
from tf_dlth.experiment import rehearse
from tf_dlth.preparation import Plan
from tf_dlth.reporting.folds import TABLE, TREE, Folds, read_folds, write_folds
from tf_dlth.runs.folder import clear, refuse_links, run_path
from tf_dlth.runs.lock import locked


def rehearse_folds(folds: Sequence[Config], *, devices: str = "all", trust: bool = False, timed: bool) -> list[Plan]:
    """A plan a fold; raises UserError for what would fail in any. ``timed`` takes steps of the first, which is as long
    as the others."""
    first = rehearse(folds[0], devices=devices, trust=trust, timed=timed)
    others = [rehearse(fold, devices=devices, trust=trust) for fold in folds[1:]]
    return [first, *(replace(plan, seconds=first.seconds) for plan in others)]


def start_anew(searches: Sequence[Config], *, devices: str = "all", trust: bool = False) -> None:
    """Removes all earlier runs of these names, and what was judged of them, once the first is known to be possible.

    All of them and now: of a command that is stopped half-way none is left that a later fold could be taken for.
    """
    rehearse(searches[0], devices=devices, trust=trust)
    for name in (TREE, TABLE):
        (run_path(searches[0]).parent / name).unlink(missing_ok=True)
    for path in map(run_path, searches):
        with locked(path):
            refuse_links(path)
            clear(path)


def judge(paths: Sequence[Path]) -> Folds:
    """The finished runs of the folds together, written beside them; raises UserError for one that is damaged."""
    folds = read_folds(paths)
    write_folds(paths[0].parent, folds)
    return folds
