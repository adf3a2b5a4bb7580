"""Sparse winning tickets for image classifiers with few labelled images, in TensorFlow with Keras 2.

>>> import tf_dlth
>>> config = tf_dlth.load_config("configs/digits.yaml", ["training.epochs=20"])
>>> run = tf_dlth.run(config)
>>> run.winner.density
"""

from __future__ import annotations

import importlib
import sys
from typing import TYPE_CHECKING, Any

from tf_dlth.startup import bind_keras_2, heed_signals, start_tensorflow

if sys.argv[:1] == ["-m"]:  # python -m tf_dlth.COMMAND, which is about to be imported
    heed_signals()
bind_keras_2()

if TYPE_CHECKING:
    from tf_dlth import lottery
    from tf_dlth.config import Config, load_config
    from tf_dlth.experiment import Run, run
    from tf_dlth.tickets.ticket import Ticket, load_ticket

__version__ = "0.1.0"
__all__ = ["Config", "Run", "Ticket", "load_config", "load_ticket", "lottery", "run"]

_CONFIG, _EXPERIMENT, _TICKET = "tf_dlth.config", "tf_dlth.experiment", "tf_dlth.tickets.ticket"
_HOME = {
    "Config": _CONFIG,
    "load_config": _CONFIG,
    "Run": _EXPERIMENT,
    "run": _EXPERIMENT,
    "Ticket": _TICKET,
    "load_ticket": _TICKET,
}


def __getattr__(name: str) -> Any:
    # Lazy, so that a mistake in a config is told before TensorFlow's seconds of start-up.
    if name == "lottery":
        return importlib.import_module("tf_dlth.lottery")
    if name not in _HOME:
        raise AttributeError(f"module 'tf_dlth' has no attribute {name!r}")
    if _HOME[name] != _CONFIG:
        # A run promises the same bits each time; a ticket leaves the process as it is.
        start_tensorflow(deterministic=_HOME[name] == _EXPERIMENT)
    globals()[name] = value = getattr(importlib.import_module(_HOME[name]), name)
    return value
