from __future__ import annotations

import numpy as np
import pytest

from tf_dlth.exporting.parity import Differs, parity, require_same

EXPECTED = np.array([[4.0, 1.0], [-2.0, -1.0], [3.0, 3.0 - 1e-6]])


def test_differences_and_ties() -> None:
    """The third image is a tie to float32: either class will do."""
    found = parity(EXPECTED + np.array([[0, 0], [0, -0.5], [0, 2e-6]]), EXPECTED)
    assert (found.images, found.changed) == (3, 0)
    assert (found.difference, found.relative) == (0.5, 0.125)
    require_same(found, "onnx")


def test_another_class_is_refused() -> None:
    found = parity(EXPECTED * [[1], [-1], [1]], EXPECTED)
    assert found.changed == 1
    with pytest.raises(
        Differs, match=r"^--format onnx: the export differs from the ticket on 1 of 3 images"
    ) as refused:
        require_same(found, "onnx")
    assert refused.value.exit_code == 1


def test_what_is_no_number_is_refused() -> None:
    with pytest.raises(Differs):
        require_same(parity(np.full((3, 2), np.nan), EXPECTED), "onnx")
