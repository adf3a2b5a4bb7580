from __future__ import annotations

import pytest

from tf_dlth.analysis.longtail import class_counts, paper_curves
from tf_dlth.data.subsets import long_tail_counts

TOTALS = {0.1: (19573, 50), 0.05: (15907, 25), 0.02: (12608, 10), 0.01: (10847, 5)}


def test_the_four_curves_of_the_paper():
    curves = paper_curves()
    assert {factor: (int(counts.sum()), int(counts[-1])) for factor, counts in curves.items()} == TOTALS
    assert all(
        counts[0] == 500 and counts.shape == (100,) and (counts[1:] <= counts[:-1]).all() for counts in curves.values()
    )


@pytest.mark.parametrize(("largest", "classes", "imbalance"), [(500, 100, 0.02), (5000, 10, 0.01), (7, 2, 0.5)])
def test_the_same_counts_as_the_training_sets(largest: int, classes: int, imbalance: float):
    assert class_counts(imbalance, largest, classes).tolist() == long_tail_counts(largest, classes, imbalance).tolist()
