"""Our ResNets against PyTorch's, over the whole network; needs the extra ``bench``."""

from __future__ import annotations

import importlib.util
from pathlib import Path

import pytest

pytest.importorskip("torch", reason="PyTorch is not installed (pip install 'tf_dlth[bench]')")

SCRIPT = Path(__file__).parents[2] / "benchmarks" / "torch_resnet.py"


@pytest.mark.parametrize("architecture", ["resnet18", "resnet50"])
@pytest.mark.parametrize(("stem", "side"), [("small", 32), ("full", 224)])
def test_logits_are_equal(architecture: str, stem: str, side: int):
    spec = importlib.util.spec_from_file_location("torch_resnet", SCRIPT)
    assert spec is not None
    assert spec.loader is not None
    script = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(script)
    difference, between_images = script.largest_difference(architecture, stem, side)
    assert between_images > 0.5
    assert difference < 1e-4
