"""Binding TensorFlow to Keras 2, and starting it without its greetings on the terminal."""

from __future__ import annotations

import contextlib
import os
import signal
import sys
import tempfile
from collections.abc import Iterator
from types import FrameType

HEARD = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)
"""Signals that stop a command; a second one stops it without saving."""


def heed_signals() -> None:
    """Ends the process in one line on a signal that comes while a command is still being imported."""
    for number in heard():
        signal.signal(number, _end)


def heard() -> list[signal.Signals]:
    """Those of ``HEARD`` that are not to be ignored: under nohup the end of the terminal is none."""
    return [n for n in HEARD if n != signal.SIGHUP or signal.getsignal(n) is not signal.SIG_IGN]


def _end(number: int, frame: FrameType | None) -> None:
    os.write(2, b"stopped before anything was done\n")
    os._exit(128 + number)


def bind_keras_2() -> None:
    """Makes ``tf.keras`` Keras 2, which TensorFlow Model Optimization needs.

    Raises ImportError when TensorFlow is already bound to Keras 3. The test is the version that ``tf.keras``
    has, not the environment variable: set late, the variable is true and without effect.
    """
    os.environ["TF_USE_LEGACY_KERAS"] = "1"
    os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")
    if (tensorflow := sys.modules.get("tensorflow")) is None:
        return
    version = getattr(tensorflow.keras, "__version__", "2")  # Keras 2 states none there
    if not version.startswith("2"):
        raise ImportError(
            f"tf_dlth needs Keras 2, but TensorFlow is already bound to Keras {version}: import tf_dlth before "
            "tensorflow, or set TF_USE_LEGACY_KERAS=1 in the environment"
        )


def start_tensorflow(deterministic: bool = True) -> None:
    """Imports TensorFlow and lists the devices with standard error and output kept off the terminal.

    The greetings come from C++ before any log level is read, so the file descriptors themselves are moved.
    """
    with hushed():
        import tensorflow as tf

        tf.config.list_physical_devices()
        tf.get_logger().setLevel("ERROR")
        if deterministic:
            tf.config.experimental.enable_op_determinism()


@contextlib.contextmanager
def without_keras_3() -> Iterator[None]:
    """Around the import of TensorFlow Model Optimization, which looks for Keras 2's insides in Keras 3.

    They are not there, and to find that out takes more than a second; what it needs it has from ``tf_keras``.
    """
    hidden = "keras" not in sys.modules
    if hidden:
        sys.modules["keras"] = None  # type: ignore[assignment]
    try:
        yield
    finally:
        if hidden:
            del sys.modules["keras"]


@contextlib.contextmanager
def hushed() -> Iterator[None]:
    """Sends descriptors 1 and 2 to a file, and shows that file only if the block raises: for imports that greet."""
    sys.stdout.flush()
    sys.stderr.flush()
    saved = {fd: os.dup(fd) for fd in (1, 2)}
    with tempfile.TemporaryFile() as sink:
        try:
            for fd in saved:
                os.dup2(sink.fileno(), fd)
            yield
        except Exception:
            sink.seek(0)
            os.write(saved[2], sink.read())
            raise
        finally:
            sys.stdout.flush()
            sys.stderr.flush()
            for fd, copy in saved.items():
                os.dup2(copy, fd)
                os.close(copy)
