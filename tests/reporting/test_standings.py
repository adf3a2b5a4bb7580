from __future__ import annotations

import pytest

from tf_dlth.lottery.rows import Row
from tf_dlth.reporting.standings import HEADERS, Standing, cells, networks

DENSE = Row(0, 1.0, 1000, 1000, 20, 0.1, 0.9, 0.5, 7, 0.45, 0.6, 3, 0.4, 1.0, 1.0)
WORSE = Row(1, 0.8, 800, 1000, 18, 0.1, 0.9, 0.625, 9, 0.35, 0.55, 4, 0.42, 1.0, 1.0)
BETTER = Row(2, 0.64, 640, 1000, 18, 0.1, 0.9, 0.55, 8, 0.44, 0.7, 5, 0.3333, 1.0, 1.0)


def test_the_winner_and_the_dense_network_by_the_runs_own_rule():
    assert networks([DENSE, WORSE, BETTER], "heldout") == [
        Standing("winner: iteration 2", 0.3333, 0.7, 0.64),
        Standing("dense: iteration 0", 0.4, 0.6, 1.0),
    ]
    assert networks([DENSE, WORSE, BETTER], "test_best") == [
        Standing("winner: iteration 1", 0.625, None, 0.8),
        Standing("dense: iteration 0", 0.5, None, 1.0),
    ]


def test_where_the_dense_network_wins_the_best_sparse_one_stands_beside_it():
    assert networks([DENSE, WORSE], "heldout") == [
        Standing("winner: dense, iteration 0", 0.4, 0.6, 1.0),
        Standing("best sparse: iteration 1", 0.42, 0.55, 0.8),
    ]


def test_one_training_is_no_winner():
    assert networks([DENSE], "heldout") == [Standing("the network", 0.4, 0.6, 1.0)]


@pytest.mark.parametrize(
    ("standing", "images", "expected"),
    [
        (Standing("a", 0.5, 0.7, 0.64), {"test": 100}, ["a", "64.00", "70.00", "50.00", "5.00", "+10.00", "7.00"]),
        (Standing("regression", 0.36), {"test": 100}, ["regression", "-", "-", "36.00", "4.80", "-4.00", "6.86"]),
        (Standing("dense", 0.4, 0.6, 1.0), {"test": 100}, ["dense", "100.00", "60.00", "40.00", "4.90", "-", "-"]),
        (Standing("a", 0.5, None, 0.64), None, ["a", "64.00", "-", "50.00", "-", "+10.00", "-"]),
    ],
)
def test_points_over_the_dense_network(standing, images, expected):
    """Errors by hand: sqrt(0.5 * 0.5 / 100) is 5 points, with sqrt(0.4 * 0.6 / 100) it makes 7.00."""
    assert cells(standing, 0.4, images) == expected
    assert len(expected) == len(HEADERS)
