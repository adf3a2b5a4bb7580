"""The network of one run on one of several workers."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any, cast

import numpy as np
import tensorflow as tf
import tf_keras

from tf_dlth.config import TrainingConfig
from tf_dlth.errors import Stopped, UserError
from tf_dlth.training.masking import Arrays, Masking
from tf_dlth.training.network import Make, Network
from tf_dlth.training.objectives import Objective
from tf_dlth.training.schedule import Position
from tf_dlth.training.signals import StopRequest
from tf_dlth.training.team import FAILED, Call, Team

Batches = Callable[[int, Position], tf.data.Dataset]


class JoinedNetwork(Network):
    """A network whose steps all workers of a team take together.

    Worker 0 uses it as any other: what the others must do too is told to them first. They :meth:`follow`. Their
    clocks, checkpoints and scores play no part, so all that is decided is decided once.
    """

    def __init__(
        self,
        team: Team,
        stop: StopRequest,
        plain: tf_keras.Model,
        config: TrainingConfig,
        masking: Masking,
        objective: Objective,
        *,
        stream: str,
        maker: Callable[[], Make] | None = None,
    ) -> None:
        if team.workers.leads:
            team.call(Call.BUILD)
        super().__init__(plain, config, team.strategy, masking, objective, stream=stream, maker=maker)
        self._team, self._stop, self._rate = team, stop, 0.0

    def load(self, weights: Arrays, masks: Arrays) -> None:
        self._team.call(Call.LOAD)
        super().load(self._shared(self._named, weights), self._shared(self._mask_variables(), masks))

    def set_momentum(self, momentum: Arrays) -> None:
        self._team.call(Call.MOMENTUM)
        super().set_momentum(self._shared(self._slots(), momentum))

    def set_learning_rate(self, rate: float) -> None:
        self._rate = rate
        super().set_learning_rate(rate)

    def set_address(self, iteration: int, epoch: int, step: int) -> None:
        self._team.call(Call.ADDRESS, iteration, epoch, step)
        super().set_address(iteration, epoch, step)

    def run(self, batches: Iterator[Any], steps: int) -> np.ndarray:
        """As any network's; a signal that another worker received is one of this process then."""
        self._team.call(Call.RUN, steps, self._rate)
        totals = super().run(batches, steps)
        self._hear_signals()
        return totals

    def weights(self) -> dict[str, np.ndarray]:
        self._team.call(Call.READ)
        return super().weights()  # statistics are means over all replicas

    def batches(self, dataset: tf.data.Dataset) -> Iterator[Any]:
        """Of each global batch, this worker's shares."""
        return iter(self.strategy.distribute_datasets_from_function(lambda context: _shares(dataset, context)))

    def follow(self, batches: Batches) -> None:
        """On the other workers: does what worker 0 does until it ends; raises as it did if that was not well."""
        iterator: Iterator[Any] | None = None
        while True:
            call, details = self._team.heard()
            if call is Call.END:
                return _end(self._team, details[0])
            if call is Call.LOAD:
                iterator = None
                super().load(self._shared(self._named), self._shared(self._mask_variables()))
            elif call is Call.MOMENTUM:
                super().set_momentum(self._shared(self._slots()))
            elif call is Call.ADDRESS:
                iteration, epoch, step = map(int, details)
                # The first address after a load is where the training begins, or goes on.
                iterator = iterator or self.batches(batches(iteration, Position(epoch, step)))
                super().set_address(iteration, epoch, step)
            elif call is Call.RUN:
                assert iterator is not None, "an address comes first"
                super().set_learning_rate(details[1])
                super().run(iterator, int(details[0]))
                self._hear_signals()
            else:
                super().weights()

    def _mask_variables(self) -> dict[str, tf.Variable]:
        return self._masking.mask_variables(self.model)

    def _shared(self, variables: dict[str, tf.Variable], arrays: Arrays | None = None) -> dict[str, np.ndarray]:
        """Worker 0's arrays for these variables."""
        sizes = [int(variable.shape.num_elements() or 0) for variable in variables.values()]
        flat = np.zeros(sum(sizes))
        if arrays is not None and sizes:
            flat = np.concatenate([np.ravel(arrays[name]).astype(np.float64) for name in variables])
        parts = np.split(self._team.shared(flat), np.cumsum(sizes)[:-1]) if sizes else []
        return {
            name: part.reshape(cast(list[int], variable.shape.as_list())).astype(variable.dtype.as_numpy_dtype)
            for (name, variable), part in zip(variables.items(), parts, strict=True)
        }

    def _hear_signals(self) -> None:
        received = self._team.gathered([self._stop.received or 0]).max()
        if received and self._stop.received is None:
            self._stop.received = int(received)


def follow(team: Team, build: Callable[[], JoinedNetwork], batches: Batches) -> None:
    """On the other workers: builds the network when worker 0 does, if it does, and follows it to its end."""
    call, details = team.heard()
    if call is Call.END:
        _end(team, details[0])
    else:
        build().follow(batches)


def _end(team: Team, reason: float) -> None:
    """Worker 0's end, which is this worker's."""
    team.gathered([0])
    if reason == FAILED:
        raise UserError(f"{team.workers.named(0)} ended with an error, which its own last line tells")
    if reason:
        raise Stopped(int(reason), f"stopped; {team.workers.named(0)} has saved the state, the same commands go on")


def _shares(dataset: tf.data.Dataset, context: tf.distribute.InputContext) -> tf.data.Dataset:
    """One element for each replica of this worker, of every global batch; the last ones may have no images."""
    replicas = context.num_replicas_in_sync
    local = replicas // context.num_input_pipelines
    first = context.input_pipeline_id * local

    def split(*batch: tf.Tensor) -> tf.data.Dataset:
        # As a single process deals out: even shares, rounded up.
        size = -(-tf.shape(batch[0], tf.int64)[0] // replicas)

        def share(number: tf.Tensor) -> Any:
            return tf.nest.map_structure(lambda values: values[number * size : (number + 1) * size], batch)

        return tf.data.Dataset.range(first, first + local).map(share)

    return dataset.flat_map(split).prefetch(local)
