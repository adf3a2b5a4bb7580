from __future__ import annotations

import numpy as np

from tf_dlth.lottery.starts import dense


def test_the_dense_start_is_theta_0_without_a_pruned_weight():
    initial = {"conv/kernel": np.zeros((2, 3), np.float32), "bn/gamma": np.ones(3, np.float32)}
    start = dense(initial, ["conv/kernel"])
    assert start.weights is initial
    assert start.masks.keys() == {"conv/kernel"}
    assert start.masks.density == 1.0, "weights that happen to be zero are not pruned"
    assert start.first_epoch == 1
    assert start.rewind is None
