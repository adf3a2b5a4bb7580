"""The learning rate by epoch."""

from __future__ import annotations

import math


def cosine(initial: float, epoch: int, epochs: int) -> float:
    """``initial (1 + cos(pi (epoch - 1) / epochs)) / 2`` for ``epoch`` 1..epochs, constant inside an epoch.

    After a rewind to epoch r, training goes on with epoch r + 1 of the same curve (paper section 4.1).
    """
    return initial * (1 + math.cos(math.pi * (epoch - 1) / epochs)) / 2
