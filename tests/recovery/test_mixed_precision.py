"""A float16 run that was stopped between skipped steps ends with the bits of one that was not: the scale is kept."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from tf_dlth.config import Config
from tf_dlth.errors import Stopped
from tf_dlth.experiment import run
from tf_dlth.files import read_tensors
from tf_dlth.training import scaling
from tf_dlth.training.schedule import Position

from .stopping import StopAt

FIRST = 2.0**22
"""Of which the steps of the first epochs halve some; the ordinary one fits at once."""


def scale_in(folder: Path) -> float:
    """Of the newest checkpoint."""
    newest = max((folder / "checkpoints").glob("*.safetensors"))
    return float(read_tensors(newest)["momentum:loss_scale"])


def test_stopped_and_resumed_under_mixed_float16(
    tiny: Callable[..., Config],
    own_networks: str,
    result: Callable[[Path], dict[str, Any]],
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
):
    monkeypatch.setattr(scaling, "FIRST", FIRST)

    def config(folder: str) -> Config:
        own = (f"model.architecture={own_networks}:convolutional", "pruning.iterations=1")
        return tiny(tmp_path / folder, *own, "training.precision=mixed_float16", "output.savedmodel=winner")

    through, scales = result(run(config("through")).path), []
    for iteration, position in [(0, Position(1, 1)), (0, Position(1, 2)), (1, Position(2, 1))]:
        with pytest.raises(Stopped):
            run(config("stopped"), observers=[StopAt(iteration, position)])
        scales.append(scale_in(tmp_path / "stopped" / "tiny"))
    first, later, rewound = scales
    assert first == FIRST / 2  # the first step was skipped
    assert later < first < FIRST
    assert rewound > later  # each iteration begins with the first scale
    assert result(run(config("stopped")).path) == through
