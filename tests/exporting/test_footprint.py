from __future__ import annotations

import gzip
from pathlib import Path

import numpy as np
import pytest
import tf_keras

from tf_dlth.exporting import footprint
from tf_dlth.exporting.footprint import Logits, counted, stored


def test_bytes_of_all_files(tmp_path: Path) -> None:
    (tmp_path / "inner").mkdir()
    (tmp_path / "zeros").write_bytes(bytes(1000))
    (tmp_path / "inner" / "text").write_bytes(b"text")
    packed = len(gzip.compress(bytes(1000), mtime=0)) + len(gzip.compress(b"text", mtime=0))
    assert stored(tmp_path) == {"bytes": 1004, "gzip_bytes": packed}


def test_numbers_and_multiplications() -> None:
    images = tf_keras.Input((4, 4, 2))
    layer = tf_keras.layers.Conv2D(3, 3)
    model = tf_keras.Model(images, layer(images))
    layer.kernel.assign(np.zeros((3, 3, 2, 3)))
    layer.kernel[0, 0, 0].assign([1.0, 2.0, 0.0])
    assert counted(model) == {"parameters": 54 + 3, "nonzero": 2, "macs": 4 * 54}


def test_ratios_are_to_the_first_in_turns(monkeypatch: pytest.MonkeyPatch) -> None:
    """By a clock that only the networks move."""
    now, calls = [0.0], []

    def network(name: str, seconds: float) -> Logits:
        def compute(image: np.ndarray) -> np.ndarray:
            now[0] += seconds
            calls.append(name)
            return image

        return compute

    monkeypatch.setattr(footprint.time, "perf_counter", lambda: now[0])
    networks = {"dense": network("dense", 2.0), "export": network("export", 0.5)}
    image = np.zeros((1, 2, 2, 1), np.uint8)
    assert footprint.latency_ratios(networks, image, rounds=3) == {"dense": 1.0, "export": 0.25}
    assert calls[:6] == ["dense", "export", "export", "dense", "dense", "export"]
    assert len(calls) == 2 * (footprint.WARM_UP + 3)
