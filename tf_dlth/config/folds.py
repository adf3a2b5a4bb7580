"""The folds of a search: the same search, once for each fold that it holds out to choose by."""

from __future__ import annotations

from pathlib import Path

from tf_dlth.config.schema import MOST_FOLDS, Config
from tf_dlth.errors import UserError


def folds_of(config: Config, folds: int) -> list[Config]:
    """``fold1``, ``fold2``, ... in a folder of their own; raises UserError for what cannot be judged by folds."""
    if not 2 <= folds <= MOST_FOLDS:
        raise UserError(f"--folds {folds}: give 2 to {MOST_FOLDS}, each of which is held out once; 5 and 10 are common")
    if config.data.fold is not None:
        raise UserError(f"data.fold asks for one fold, and --folds {folds} for all of them; leave one of them away")
    if (method := config.pruning.method) != "magnitude":
        raise UserError(
            f"--folds repeats a search (pruning.method: magnitude), not {method}: a ticket that a baseline begins with "
            "has met images of every fold, and --control trains without pruning"
        )
    if config.pruning.select_by == "test_best":
        raise UserError("--folds chooses by the fold that is held out; remove pruning.select_by: test_best")
    return [_fold(config, which, folds) for which in range(1, folds + 1)]


def folds_path(config: Config, folds: int) -> Path:
    """The folder of the folds' runs."""
    return Path(config.output.directory) / f"{config.name}-{folds}folds"


def _fold(config: Config, which: int, folds: int) -> Config:
    sections = {
        "data": config.data.model_copy(update={"fold": (which, folds)}),
        "output": config.output.model_copy(update={"directory": str(folds_path(config, folds))}),
    }
    return config.model_copy(update={"name": f"fold{which:0{len(str(folds))}}", **sections})
