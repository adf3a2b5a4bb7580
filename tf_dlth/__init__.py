"""Sparse winning tickets for image classifiers with few labelled images, in TensorFlow with Keras 2.

>>> import tf_dlth
>>> config = tf_dlth.load_config("configs/digits.yaml", ["training.epochs=20"])
>>> run = tf_dlth.run(config)
>>> run.winner.density
"""

from __future__ import annotations

import importlib
from typing import TYPE_CHECKING, Any

from tf_dlth.startup import bind_keras_2

bind_keras_2()

if TYPE_CHECKING:
    from tf_dlth import lottery
    from tf_dlth.config import Config, load_config
    from tf_dlth.experiment import Run, run
    from tf_dlth.lottery.ticket import Ticket, load_ticket

__version__ = "0.1.0"
__all__ = ["Config", "Run", "Ticket", "load_config", "load_ticket", "lottery", "run"]

_HOME = {
    "Config": "tf_dlth.config",
    "load_config": "tf_dlth.config",
    "Run": "tf_dlth.experiment",
    "run": "tf_dlth.experiment",
    "Ticket": "tf_dlth.lottery.ticket",
    "load_ticket": "tf_dlth.lottery.ticket",
}


def __getattr__(name: str) -> Any:
    # Lazy, so that a mistake in a config is told before TensorFlow's seconds of start-up.
    if name == "lottery":
        return importlib.import_module("tf_dlth.lottery")
    if name in _HOME:
        return getattr(importlib.import_module(_HOME[name]), name)
    raise AttributeError(f"module 'tf_dlth' has no attribute {name!r}")
