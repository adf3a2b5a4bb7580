from __future__ import annotations

import math

import numpy as np
import pytest

from tf_dlth.analysis.branch_norms import BranchNorms, branch_ratios


def test_literals():
    shortcut = np.array([[[3.0], [4.0]], [[0.0], [0.0]]])
    main = np.array([[[0.0], [10.0]], [[1.0], [1.0]]])
    assert branch_ratios(shortcut, main).tolist() == [0.5, 0.0]


def test_batches_of_any_size_give_the_mean_over_images():
    random = np.random.RandomState(0)
    shortcut, main = random.randn(2, 11, 4, 4, 3).astype(np.float32)
    norms = BranchNorms()
    for start, end in ((0, 5), (5, 10), (10, 11)):
        norms.add(shortcut[start:end], main[start:end])
    ratios = [np.linalg.norm(s.ravel()) / np.linalg.norm(m.ravel()) for s, m in zip(shortcut, main, strict=True)]
    assert norms.mean() == pytest.approx(sum(ratios) / 11, rel=1e-6)


def test_half_precision_does_not_overflow():
    ratio = branch_ratios(np.full((1, 100), 6e4, np.float16), np.full((1, 100), 3e4, np.float16))
    assert ratio[0] == pytest.approx(2, rel=1e-3)


def test_a_dead_main_branch_is_told():
    norms = BranchNorms()
    assert math.isnan(norms.mean())
    norms.add(np.ones((2, 3)), np.array([[1.0, 1, 1], [0, 0, 0]]))
    assert norms.mean() == math.inf
    assert math.isnan(branch_ratios(np.zeros((1, 3)), np.zeros((1, 3)))[0])


def test_branches_of_other_shapes_are_an_error():
    with pytest.raises(ValueError, match="one shape"):
        branch_ratios(np.ones((2, 3)), np.ones((2, 4)))
