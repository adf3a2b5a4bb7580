from __future__ import annotations

import numpy as np
import pytest

from tf_dlth.training.schedule import cosine


@pytest.mark.parametrize(
    ("epoch", "rate"),
    [(1, 0.1), (2, 0.09999383), (3, 0.09997533), (101, 0.05), (200, 6.168e-06)],
)
def test_literals_over_200_epochs(epoch: int, rate: float):
    """The first rate after a rewind to epoch 2 is 0.099975; the last epoch has 6.2e-6, and none has 0."""
    assert cosine(0.1, epoch, 200) == pytest.approx(rate, rel=1e-4)


def test_the_curve_falls_from_the_initial_rate_and_is_symmetric():
    rates = np.array([cosine(0.4, epoch, 20) for epoch in range(1, 21)])
    assert rates[0] == 0.4
    assert np.all(np.diff(rates) < 0)
    np.testing.assert_allclose(rates[1:] + rates[:0:-1], 0.4)


def test_one_epoch():
    assert cosine(0.1, 1, 1) == 0.1
