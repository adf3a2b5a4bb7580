"""A finished run of a tiny network, quick to train and to trace."""

from __future__ import annotations

from pathlib import Path

import pytest

from tf_dlth.experiment import run


@pytest.fixture(scope="session")
def convolutional(tiny, own_networks: str, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The folder of a run whose architecture needs trust; it is only read."""
    folder = tmp_path_factory.mktemp("convolutional")
    return run(tiny(folder, f"model.architecture={own_networks}:convolutional", "pruning.iterations=1")).path
