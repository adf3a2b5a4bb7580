from __future__ import annotations

import json

import numpy as np
import pytest

from tf_dlth.training.keeping import Best, Kept, Scores


def kept(epoch: int, test: float, heldout: float | None = None) -> Kept:
    return Kept(epoch, Scores(test, heldout), {"w": np.full(2, epoch, np.float32)})


def offered(*offers: Kept) -> Best:
    best = Best()
    for offer in offers:
        best.offer(offer)
    return best


def test_each_rule_keeps_its_own_best():
    best = offered(kept(1, 0.1, 0.9), kept(2, 0.8, 0.2), kept(3, 0.5, 0.5))
    assert {kind: one.epoch for kind, one in best.items()} == {"test_best": 2, "heldout": 1}
    assert best["heldout"].scores.test == 0.1


def test_of_equal_epochs_the_earliest_is_kept():
    best = offered(kept(1, 0.3, 0.0), kept(2, 0.7, 0.4), kept(3, 0.7, 0.4), kept(4, 0.7, 0.4))
    assert {one.epoch for one in best.values()} == {2}


def test_without_held_out_images_there_is_one_rule():
    assert offered(kept(1, 0.0)).keys() == {"test_best"}
    assert Scores(0.5).by_rule() == {"test_best": 0.5}
    assert Scores(0.5, 0.0).by_rule() == {"test_best": 0.5, "heldout": 0.0}


@pytest.mark.parametrize("heldout", [None, 0.25])
def test_it_comes_back_from_json_and_tensors(heldout: float | None):
    best = offered(kept(1, 1 / 3, heldout), kept(2, 0.1, heldout))
    groups = {kind: one.weights for kind, one in best.items()}
    again = Best.restored(json.loads(json.dumps(best.meta())), groups)
    assert again.keys() == best.keys()
    for kind, one in best.items():
        assert (again[kind].epoch, again[kind].scores) == (one.epoch, one.scores)
        np.testing.assert_array_equal(again[kind].weights["w"], one.weights["w"])
    again.offer(kept(3, 1 / 3, heldout))
    assert again["test_best"].epoch == 1
