"""What docs/models.md says is so."""

from __future__ import annotations

import re
import sys
from pathlib import Path

import numpy as np
import pytest

from tf_dlth.config import Normalisation
from tf_dlth.models.__main__ import row
from tf_dlth.models.build import build
from tf_dlth.models.initialisation import initial_weights
from tf_dlth.models.prunable import prunable_names, unprunable_layers
from tf_dlth.models.registry import BUILT_IN
from tf_dlth.models.spec import ModelSpec
from tf_dlth.models.variables import assign

PAGE = (Path(__file__).parents[2] / "docs" / "models.md").read_text()
ROWS = re.findall(r"^\| (\w+) \| (32|64|224) \| .*$", PAGE, re.MULTILINE)


def test_the_own_model_of_the_page(tmp_path, monkeypatch):
    (code,) = (block for block in re.findall(r"```python\n(.*?)```", PAGE, re.DOTALL) if "def small_net" in block)
    (tmp_path / "my_models.py").write_text(code)
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(sys, "path", list(sys.path))
    spec = ModelSpec(
        architecture="my_models:small_net", width=4, stem="small", head="linear", classes=3, input_shape=(8, 8, 1)
    )
    model = build(spec, Normalisation(mean=(0.5,), std=(0.5,)))
    assert prunable_names(model) == (
        "first/kernel",
        "depthwise/depthwise_kernel",
        "mixer/mixing",
        "separable/depthwise_kernel",
        "separable/pointwise_kernel",
        "hidden/kernel",
    )
    assert unprunable_layers(model) == ()
    assign(model, initial_weights(model, 0))
    assert np.isfinite(model(np.zeros((2, 8, 8, 1), np.uint8))).all()


def test_the_table_has_every_network():
    assert {architecture for architecture, _ in ROWS} == set(BUILT_IN)


@pytest.mark.parametrize(("architecture", "side"), [("resnet18", 32), ("vgg11", 32)])
def test_rows_of_the_table(architecture: str, side: int):
    assert row(architecture, side) in PAGE


@pytest.mark.slow
@pytest.mark.parametrize(("architecture", "side"), ROWS)
def test_all_rows_of_the_table(architecture: str, side: str):
    assert row(architecture, int(side)) in PAGE
