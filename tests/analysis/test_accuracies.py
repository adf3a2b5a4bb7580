from __future__ import annotations

import pytest

from tf_dlth.analysis.accuracies import error_of_difference, standard_error


def test_standard_error():
    assert standard_error(0.5, 100) == pytest.approx(0.05)
    assert standard_error(0.9, 900) == pytest.approx(0.01)
    assert standard_error(1.0, 10) == 0


def test_error_of_a_difference():
    assert error_of_difference(0.5, 0.5, 200) == pytest.approx(0.05)
    assert error_of_difference(1.0, 0.5, 100) == pytest.approx(0.05)
