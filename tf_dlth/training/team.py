"""What the workers of one run say to each other: collectives that all of them enter in the same order."""

from __future__ import annotations

import hashlib
import re
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from enum import IntEnum
from typing import Any

import numpy as np
import tensorflow as tf
from tensorflow.compiler.xla.tsl.protobuf.coordination_config_pb2 import CoordinatedJob
from tensorflow.python.eager import context as tf_context

from tf_dlth.errors import Stopped, UserError
from tf_dlth.training.workers import Workers, await_peers

REGISTERED_WITHIN = 60_000
"""Milliseconds from the first worker's start of TensorFlow's service to the last one's."""
SILENT_FOR = 20_000
"""Milliseconds without a sign of life after which a worker counts as lost."""
FAILED = -1
LOST = (tf.errors.UnavailableError, tf.errors.AbortedError, tf.errors.CancelledError, tf.errors.DeadlineExceededError)


class Call(IntEnum):
    """What worker 0 does next, and the others with it."""

    END = 0
    BUILD = 1
    LOAD = 2
    MOMENTUM = 3
    ADDRESS = 4
    RUN = 5
    READ = 6


DETAILS = 3
"""Numbers that go with a call."""


class Team:
    """The workers of one run, all in the same call of this class at any time.

    To be made before anything else of TensorFlow is used. Raises UserError where the others cannot be reached.
    """

    def __init__(self, workers: Workers, devices: str) -> None:
        self.workers = workers
        await_peers(workers)
        self.strategy = _strategy(workers, devices)
        self._local = self.strategy.num_replicas_in_sync // len(workers.addresses)

    def require_equal(self, facts: Mapping[str, Any]) -> None:
        """Raises UserError on every worker where ``facts``, by what they are called, differ from worker 0's."""
        digests = [hashlib.sha256(repr(fact).encode()).hexdigest()[:12] for fact in (*facts.values(), self._local)]
        rows = self.gathered([int(digest, 16) for digest in digests])
        for index, row in enumerate(rows):
            if differing := [name for name, same in zip((*facts, "devices"), row == rows[0], strict=True) if not same]:
                raise UserError(
                    f"{self.workers.named(index)} has other {' and '.join(differing)} than {self.workers.named(0)}; "
                    "one run needs the same everywhere"
                )

    def call(self, call: Call, *details: float) -> None:
        """Worker 0 tells the others what comes next."""
        self.shared(np.array([call, *details, *[0.0] * (DETAILS - len(details))]))

    def heard(self) -> tuple[Call, list[float]]:
        """What worker 0 does next; waits for it."""
        call, *details = self.shared(np.zeros(1 + DETAILS)).tolist()
        return Call(int(call)), details

    def shared(self, values: np.ndarray) -> np.ndarray:
        """Worker 0's float64 values; the others' give the shape alone."""
        return self._sum(values if self.workers.leads else np.zeros_like(values))

    def gathered(self, values: Sequence[float]) -> np.ndarray:
        """float64 [workers, values]: everyone's."""
        rows = np.zeros((len(self.workers.addresses), len(values)))
        rows[self.workers.index] = values
        return self._sum(rows)

    def _sum(self, values: np.ndarray) -> np.ndarray:
        summed = self._run_sum(tf.constant(values, tf.float64))
        return self.strategy.experimental_local_results(summed)[0].numpy()

    @tf.function
    def _run_sum(self, values: tf.Tensor) -> Any:
        def replica(values: tf.Tensor) -> tf.Tensor:
            context: Any = tf.distribute.get_replica_context()
            speaks = tf.equal(context.replica_id_in_sync_group % self._local, 0)
            return context.all_reduce(tf.distribute.ReduceOp.SUM, tf.where(speaks, values, tf.zeros_like(values)))

        return self.strategy.run(replica, args=(values,))

    @contextmanager
    def leading(self) -> Iterator[None]:
        """On worker 0: tells the others how the block ended, unless one of them is lost."""
        reason: float = FAILED
        try:
            yield
            reason = 0
        except Stopped as stopped:
            reason = stopped.signal_number
            raise
        except WorkerLost:
            reason = np.nan
            raise
        except Exception:
            raise
        except BaseException:  # in the midst of what may be a collective
            reason = np.nan
            raise
        finally:
            if not np.isnan(reason):
                with suppress(tf.errors.OpError):
                    self.call(Call.END, reason)
                    self.gathered([0])  # lest this process ends before the others have heard

    @contextmanager
    def losses_told(self) -> Iterator[None]:
        """Raises WorkerLost where the block ends as another worker did."""
        try:
            yield
        except tf.errors.OpError as error:
            text = str(error)
            if not isinstance(error, LOST) and "ollective" not in text:
                raise
            raise WorkerLost(self._lost(text)) from error

    def _lost(self, text: str) -> str:
        found = {int(number) for number in re.findall(r"/task:(\d+)", text)} - {self.workers.index}
        who = ", ".join(self.workers.named(index) for index in sorted(found) if index < len(self.workers.addresses))
        return f"{who or 'another worker'} is gone, its own last line may say why; start the same commands again"


class WorkerLost(UserError):
    """Another worker ended in the course of a run, without word."""


def _strategy(workers: Workers, devices: str) -> tf.distribute.Strategy:
    if devices not in ("all", "cpu"):
        raise UserError(f"--devices {devices}: several workers train on all GPUs that CUDA_VISIBLE_DEVICES shows them")
    if devices == "cpu":
        tf.config.set_visible_devices([], "GPU")
    context: Any = tf_context.context()
    context.configure_coordination_service(
        service_type="standalone",
        service_leader="/job:worker/replica:0/task:0",
        cluster_register_timeout_in_ms=REGISTERED_WITHIN,
        heartbeat_timeout_in_ms=SILENT_FOR,
        coordinated_jobs=[CoordinatedJob(name="worker", num_tasks=len(workers.addresses))],
    )
    resolver = tf.distribute.cluster_resolver.SimpleClusterResolver(
        tf.train.ClusterSpec({"worker": list(workers.addresses)}),
        task_type="worker",
        task_id=workers.index,
        rpc_layer="grpc",
    )
    try:
        return tf.distribute.MultiWorkerMirroredStrategy(cluster_resolver=resolver)
    except tf.errors.OpError as error:
        raise UserError(f"the workers of TF_CONFIG do not come together: {error.message}") from None
