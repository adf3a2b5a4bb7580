"""What needs no second process; the rest is in tests/reliability/test_several_workers.py."""

from __future__ import annotations

from typing import Any, cast

import numpy as np
import pytest
import tensorflow as tf

from tf_dlth.errors import Stopped, UserError
from tf_dlth.training.devices import mirrored
from tf_dlth.training.joined import JoinedNetwork, _shares, follow
from tf_dlth.training.team import FAILED, Call, Team
from tf_dlth.training.workers import Workers


def global_batches(sizes: tuple[int, ...]) -> tf.data.Dataset:
    """Batches of unknown size, as the training's are: numbers, and the same again as labels."""
    starts = np.cumsum((0, *sizes))

    def batch(start: tf.Tensor, end: tf.Tensor) -> tuple[tf.Tensor, tf.Tensor]:
        return tf.range(start, end), tf.range(start, end)

    dataset = tf.data.Dataset.from_tensor_slices((starts[:-1], starts[1:])).map(batch)
    options = tf.data.Options()
    options.experimental_distribute.auto_shard_policy = tf.data.experimental.AutoShardPolicy.OFF
    return dataset.with_options(options)


def dealt_by_one_process(sizes: tuple[int, ...], replicas: int) -> list[list[int]]:
    strategy = mirrored([f"/CPU:{i}" for i in range(replicas)])
    dealt = []
    for images, _ in strategy.experimental_distribute_dataset(global_batches(sizes)):
        dealt += [part.numpy().tolist() for part in strategy.experimental_local_results(images)]
    return dealt


@pytest.mark.parametrize("sizes", [(6, 6), (6, 5), (6, 1), (4, 2)])
@pytest.mark.parametrize("workers", [1, 3])
def test_workers_take_the_shares_that_one_process_deals_out(sizes: tuple[int, ...], workers: int):
    local = 3 // workers
    contexts = [tf.distribute.InputContext(workers, index, 3) for index in range(workers)]
    taken = [list(_shares(global_batches(sizes), context)) for context in contexts]
    dealt = [
        share for step in range(len(sizes)) for shares in taken for share in shares[step * local : (step + 1) * local]
    ]
    assert [images.numpy().tolist() for images, _ in dealt] == dealt_by_one_process(sizes, 3)
    for images, labels in dealt:
        np.testing.assert_array_equal(images, labels)


class Ended:
    """A team whose worker 0 ends before it trains."""

    def __init__(self, reason: float) -> None:
        self.workers, self.reason, self.answers = Workers(("a:1", "b:2"), 1), reason, 0

    def heard(self) -> tuple[Call, list[float]]:
        return Call.END, [self.reason, 0, 0]

    def gathered(self, values: Any) -> None:
        self.answers += 1


def followed(reason: float) -> Ended:
    def build() -> JoinedNetwork:
        raise AssertionError("nothing is trained")

    team = Ended(reason)
    follow(cast(Team, team), build, lambda iteration, position: pytest.fail("no images are read"))
    return team


def test_a_finished_run_ends_quietly_and_worker_0_is_answered():
    assert followed(0).answers == 1


def test_a_stop_of_worker_0_is_one_here():
    with pytest.raises(Stopped, match=r"worker 0 \(a:1\) has saved the state") as told:
        followed(15)
    assert told.value.exit_code == 143


def test_an_error_of_worker_0_is_told():
    with pytest.raises(UserError, match=r"worker 0 \(a:1\) ended with an error"):
        followed(FAILED)
