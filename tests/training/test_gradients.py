"""The first step's gradient in float32 is float64's, up to the sides that ReLUs take.

A pre-activation within rounding of zero may fall on another side in float32, and that one derivative changes gradients
by up to some tens of percent. With the same sides nothing but rounding is left, whatever the number of threads.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

import tf_dlth

FIRST_STEP = Path(__file__).with_name("first_step.py")


@pytest.mark.parametrize("threads", ["1", "2"])
@pytest.mark.parametrize("onednn", ["1", pytest.param("0", marks=pytest.mark.slow)])
def test_only_kinks_part_float32_from_float64(threads: str, onednn: str):
    # Threads and kernels can be chosen before TensorFlow starts only.
    package = str(Path(tf_dlth.__file__).parents[1])
    environment = {**os.environ, "TF_ENABLE_ONEDNN_OPTS": onednn, "PYTHONPATH": package}
    printed = subprocess.run(
        [sys.executable, FIRST_STEP, threads], check=True, stdout=subprocess.PIPE, text=True, env=environment
    ).stdout
    worst = json.loads(printed)
    assert worst["gated"] < 1e-4
    assert worst["kink"] < 1e-4
