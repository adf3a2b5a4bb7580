"""Own models with layers that draw: a run twice, and a run that was stopped inside an epoch, end with the same bits."""

from __future__ import annotations

import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from tf_dlth.config import Config
from tf_dlth.errors import Stopped
from tf_dlth.experiment import run
from tf_dlth.training.schedule import Position

from .stopping import StopAt

NETWORK = """
from tf_keras import Input, Model, layers


def noisy(input_shape, classes, width):
    images = Input(input_shape)
    x = layers.RandomRotation(0.1, name="rotation")(layers.RandomFlip(name="flip")(images))
    x = layers.Conv2D(width, 3, name="conv")(layers.GaussianNoise(0.1, name="noise")(x))
    x = layers.GlobalAveragePooling2D()(layers.SpatialDropout2D(0.3, name="dropout")(x))
    return Model(images, layers.Dense(classes)(x))
"""


@pytest.fixture
def noisy(tiny: Callable[..., Config], tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Callable[..., Config]:
    (tmp_path / "noisy_network.py").write_text(NETWORK)
    monkeypatch.setattr(sys, "path", [*sys.path, str(tmp_path)])

    def make(folder: str, *overrides: str) -> Config:
        return tiny(tmp_path / folder, "model.architecture=noisy_network:noisy", "pruning.iterations=1", *overrides)

    return make


def test_random_layers_replay(noisy: Callable[..., Config], result: Callable[[Path], dict[str, Any]]):
    first, again = (result(run(noisy(folder)).path) for folder in ("first", "again"))
    assert first == again
    other = result(run(noisy("other", "seed=1", "data.subset_seed=0")).path)
    assert other["iteration_00/weights.safetensors"] != first["iteration_00/weights.safetensors"]

    for iteration, position in [(0, Position(1, 1)), (1, Position(2, 1))]:
        with pytest.raises(Stopped):
            run(noisy("stopped"), observers=[StopAt(iteration, position)])
    assert result(run(noisy("stopped")).path) == first
