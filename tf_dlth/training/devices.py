"""Which devices train, and the strategy over them."""

from __future__ import annotations

import os
from contextlib import AbstractContextManager

import tensorflow as tf

from tf_dlth.errors import UserError


def strategy_for(devices: str = "all") -> tf.distribute.Strategy:
    """A MirroredStrategy over ``all`` (every GPU, else the CPU), ``cpu``, or ``gpu:0,1``.

    Raises UserError for a device that is not there.
    """
    return mirrored(_device_names(devices))


def mirrored(names: list[str]) -> tf.distribute.Strategy:
    """A MirroredStrategy over TensorFlow device names.

    With several CPU devices the default all-reduce crashes inside synchronised BatchNorm; reducing to one device works.
    """
    if all("CPU" in name for name in names):
        return tf.distribute.MirroredStrategy(names, cross_device_ops=tf.distribute.ReductionToOneDevice())
    return tf.distribute.MirroredStrategy(names)


def pin_threads(threads: int | None) -> None:
    """Has TensorFlow use so many threads inside an operation, None its own choice.

    Raises UserError where it runs with another number already: that is decided once a process.
    """
    if threads is None or threads == intra_op_threads():
        return
    try:
        tf.config.threading.set_intra_op_parallelism_threads(threads)
    except RuntimeError:
        raise UserError(
            f"training.threads: {threads} cannot be had, TensorFlow runs with {intra_op_threads()} in this process "
            "already; start a new one"
        ) from None


def intra_op_threads() -> int:
    """Threads that one operation of TensorFlow uses on the CPU."""
    return tf.config.threading.get_intra_op_parallelism_threads() or len(os.sched_getaffinity(0))


def require_devices(devices: str) -> None:
    """Raises UserError for a device that is not there."""
    _device_names(devices)


def on_gpus(devices: str) -> bool:
    """Whether GPUs train; raises UserError for a device that is not there."""
    return "GPU" in _device_names(devices)[0]


def first_device(devices: str = "all") -> AbstractContextManager[None]:
    """The one device that measures: several would not agree to the last bit."""
    return tf.device(_device_names(devices)[0])


def _device_names(devices: str) -> list[str]:
    gpus = len(tf.config.list_logical_devices("GPU"))
    if devices == "cpu" or (devices == "all" and gpus == 0):
        return ["/CPU:0"]
    if devices == "all":
        return [f"/GPU:{i}" for i in range(gpus)]
    kind, _, numbers = devices.partition(":")
    if kind != "gpu" or not all(n.isdecimal() for n in numbers.split(",")):
        raise UserError(f"--devices {devices}: must be all, cpu, or gpu: and numbers such as gpu:0,1")
    chosen = sorted({int(n) for n in numbers.split(",")})
    if chosen[-1] >= gpus:
        raise UserError(f"--devices {devices}: there are {gpus} GPUs here; numbers start at 0")
    return [f"/GPU:{i}" for i in chosen]
