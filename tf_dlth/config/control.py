"""The control of a search: the same trainings without pruning, of which one is chosen as in the search."""

from __future__ import annotations

from pathlib import Path

from tf_dlth.config.schema import Config
from tf_dlth.errors import UserError

SUFFIX = "-control"
"""Of its name; it lies beside the search."""


def control_of(config: Config) -> Config:
    """Raises UserError where nothing is pruned again and again, and nothing is chosen among iterations."""
    pruning = config.pruning
    if pruning.method != "magnitude" or pruning.iterations == 0:
        raise UserError(
            "--control repeats a search without pruning; it needs pruning.method: magnitude and pruning.iterations "
            "above 0"
        )
    without = pruning.model_copy(update={"method": "none"})
    return config.model_copy(update={"name": f"{config.name}{SUFFIX}", "pruning": without})


def control_path(run: Path) -> Path:
    """Where the control of the run in a folder is, if it has one."""
    return run.with_name(f"{run.name}{SUFFIX}")
