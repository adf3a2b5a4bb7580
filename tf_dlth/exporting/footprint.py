"""What a network takes: bytes, numbers, multiplications and time."""

from __future__ import annotations

import gzip
import statistics
import time
from collections.abc import Callable, Mapping
from pathlib import Path

import numpy as np
import tf_keras

from tf_dlth import files
from tf_dlth.models.macs import macs

Logits = Callable[[np.ndarray], np.ndarray]
ROUNDS, WARM_UP = 101, 10


def stored(folder: Path) -> dict[str, int]:
    """``bytes`` of all files in the folder, and of the same through gzip, file by file."""
    packed = sum(len(gzip.compress(path.read_bytes(), mtime=0)) for path in folder.rglob("*") if path.is_file())
    return {"bytes": files.size(folder), "gzip_bytes": packed}


def counted(model: tf_keras.Model) -> dict[str, int]:
    """``parameters``, BatchNorm's statistics included, how many are ``nonzero``, and ``macs`` of one image."""
    values = [variable.numpy() for variable in model.variables]
    return {
        "parameters": sum(value.size for value in values),
        "nonzero": sum(int(np.count_nonzero(value)) for value in values),
        "macs": macs(model),
    }


def latency_ratios(networks: Mapping[str, Logits], image: np.ndarray, rounds: int = ROUNDS) -> dict[str, float]:
    """Seconds for one image over the first network's: medians over rounds in which all take turns.

    ``image`` is uint8 [1, H, W, C]. Every other round goes backwards, as a runtime's threads may still be awake when
    the next one's turn comes.
    """
    times: dict[str, list[float]] = {name: [] for name in networks}
    for number in range(WARM_UP + rounds):
        for name, compute in list(networks.items())[:: -1 if number % 2 else 1]:
            start = time.perf_counter()
            compute(image)
            if number >= WARM_UP:
                times[name].append(time.perf_counter() - start)
    first = next(iter(times.values()))
    return {name: statistics.median(a / b for a, b in zip(own, first, strict=True)) for name, own in times.items()}
