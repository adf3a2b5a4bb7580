"""Stopping a run of this process at a position."""

from __future__ import annotations

import os
import signal

from tf_dlth.reporting.observer import RunObserver
from tf_dlth.training.schedule import Position


class StopAt(RunObserver):
    """Sends SIGTERM to this process where a run has come to a position."""

    def __init__(self, iteration: int, position: Position) -> None:
        self._where = iteration, position

    def progress(self, iteration: int, position: Position, images_per_second: float) -> None:
        if (iteration, position) == self._where:
            os.kill(os.getpid(), signal.SIGTERM)
