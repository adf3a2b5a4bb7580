from __future__ import annotations

import numpy as np
import pytest

from tf_dlth.errors import UserError
from tf_dlth.models.sanity import require_sane

SANE = {
    "stem/kernel": np.array([0.0, -1.5, 2.0**60, -(2.0**60)], np.float32),
    "bn/moving_variance": np.array([0.0, 1.0], np.float32),
    "bn/moving_mean": np.array([-3.0], np.float32),
    "steps/count": np.array([-(2**40)], np.int64),
    "nothing": np.zeros(0, np.float32),
}


def test_what_a_network_has() -> None:
    require_sane(SANE, "weights.safetensors")


@pytest.mark.parametrize(
    ("name", "values", "fault"),
    [
        ("stem/kernel", np.array([np.nan], np.float32), "not finite or beyond 2^60"),
        ("stem/kernel", np.array([-np.inf], np.float32), "not finite or beyond 2^60"),
        ("stem/kernel", np.array([1.2e18], np.float32), "not finite or beyond 2^60"),
        ("stem/kernel", np.zeros(1, np.float64), "is float64, not float32"),
        ("stem/kernel", np.zeros(1, np.float16), "is float16, not float32"),
        ("bn/moving_variance", np.array([1.0, -1e-9], np.float32), "holds a negative variance"),
        ("\x1b[2J", np.zeros(1, np.float64), r"variable \x1b[2J is"),
    ],
)
def test_what_no_network_has(name: str, values: np.ndarray, fault: str) -> None:
    with pytest.raises(UserError) as refusal:
        require_sane({**SANE, name: values}, "weights.safetensors")
    assert str(refusal.value).startswith("weights.safetensors is damaged: variable ")
    assert fault in str(refusal.value)
