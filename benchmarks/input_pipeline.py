"""Images per second of each augmentation at 32, 64 and 224 px, beside the same operations one by one in Pillow.

    python benchmarks/input_pipeline.py [--sizes 32,64,224] [--seconds 3] [--json FILE]

Both sides work on the same images in the same process, in turns, and the best turn of each counts. The batch
side is a tf.data pipeline on all cores, batch 100 as in training; the Pillow side is the loop that PyTorch code
runs in a loader worker, on one core. Rates per second depend on what else the machine does. The ratio hardly
does: it is images per second of processor time, batch side over Pillow side, so one core against one core.
"""

from __future__ import annotations

import argparse
import json
import os
import platform
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import numpy as np
from PIL import Image
from pillow_augmentation import Picture, pillow_images

from tf_dlth.startup import start_tensorflow

BATCH = 100
TURNS = 4
CASES = (
    ("basic", "cifar10", True),
    ("contrast", "cifar10", False),
    ("auto", "cifar10", True),
    ("auto", "imagenet", True),
    ("rand", "cifar10", True),
)


def main() -> None:
    """Prints one table and writes one JSON if asked to."""
    arguments = _arguments()
    start_tensorflow()
    rows = [row for side in arguments.sizes for row in _measure(side, arguments.seconds)]
    print(_table(rows))
    if arguments.json:
        facts = {"cores": _cores(), "machine": platform.processor() or platform.machine(), "batch": BATCH}
        arguments.json.write_text(json.dumps({**facts, "rows": rows}, indent=2) + "\n")


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description="Images per second of each augmentation, and of Pillow.")
    parser.add_argument("--sizes", type=lambda text: [int(part) for part in text.split(",")], default=[32, 64, 224])
    parser.add_argument("--seconds", type=float, default=3.0, help="per case, for each of the two sides")
    parser.add_argument("--json", type=Path, metavar="FILE", help="write the rows and the machine's facts")
    return parser.parse_args()


def _cores() -> int:
    return len(os.sched_getaffinity(0))


def _measure(side: int, seconds: float) -> Iterator[dict[str, Any]]:
    images = _images(side)
    for strength, policy, has_cutout in CASES:
        cutout = min(16, side // 2) if has_cutout else 0
        batches = _batches(images, strength, policy, cutout)
        one_by_one = pillow_images(images, strength, policy, cutout)
        turns = [
            # The loop's own thread is timed, for the pipeline's threads may still finish a batch beside it.
            (
                _rates(batches, seconds / TURNS, time.process_time),
                _rates(one_by_one, seconds / TURNS, time.thread_time),
            )
            for _ in range(TURNS)
        ]
        ours, theirs = (np.max(rates, axis=0) for rates in zip(*turns, strict=True))
        yield {
            "side": side,
            "augmentation": f"auto ({policy})" if strength == "auto" else strength,
            "images_per_second": round(BATCH * ours[0]),
            "images_per_core_second": round(BATCH * ours[1]),
            "pillow_images_per_second": round(theirs[0]),
            "pillow_images_per_core_second": round(theirs[1]),
            "ratio_per_core": round(BATCH * ours[1] / theirs[1], 2),
        }


def _images(side: int) -> np.ndarray:
    """Photographs from scikit-learn, cut at random and resized: one batch."""
    from sklearn.datasets import load_sample_images

    rng = np.random.default_rng(side)
    photographs = [Image.fromarray(photograph) for photograph in load_sample_images().images]
    return np.stack([_cut(photographs[number % 2], side, rng) for number in range(BATCH)])


def _cut(photograph: Picture, side: int, rng: np.random.Generator) -> np.ndarray:
    reach = int(rng.integers(64, 420))
    left, top = int(rng.integers(0, 640 - reach)), int(rng.integers(0, 427 - reach))
    return np.asarray(photograph.resize((side, side), box=(left, top, left + reach, top + reach)))


def _rates(items: Iterator[Any], seconds: float, core_clock: Callable[[], float]) -> tuple[float, float]:
    """Items a second and items a second of processor time, after two that warm up."""
    for _ in range(2):
        next(items)
    start, core_start, count = time.perf_counter(), core_clock(), 0
    while time.perf_counter() - start < seconds:
        next(items)
        count += 1
    return count / (time.perf_counter() - start), count / (core_clock() - core_start)


def _batches(images: np.ndarray, strength: Any, policy: Any, cutout: int) -> Iterator[Any]:
    import tensorflow as tf

    from tf_dlth.data.augmentation import augment_batch

    def augmented(step: tf.Tensor, batch: tf.Tensor) -> tf.Tensor:
        example = tf.cast(step, tf.int32) * BATCH + tf.range(BATCH)
        seeds = tf.stack([example, tf.ones_like(example)], axis=1)
        return augment_batch(batch, seeds, strength, policy, cutout)

    steps = tf.data.Dataset.range(2**20)
    source = tf.data.Dataset.from_tensors(images).cache().repeat()
    return iter(tf.data.Dataset.zip(steps, source).map(augmented, num_parallel_calls=_cores()))


def _table(rows: list[dict[str, Any]]) -> str:
    columns = ("batches", "per core", "Pillow", "per core")
    head = f"{'px':>4}  {'augmentation':<18}" + "".join(f"{name:>10}" for name in columns) + f"{'ratio':>8}"
    keys = (
        "images_per_second",
        "images_per_core_second",
        "pillow_images_per_second",
        "pillow_images_per_core_second",
    )
    lines = [
        f"{row['side']:>4}  {row['augmentation']:<18}"
        + "".join(f"{row[key]:>10}" for key in keys)
        + f"{row['ratio_per_core']:>7.2f}x"
        for row in rows
    ]
    return "\n".join(["images per second", head, *lines])


if __name__ == "__main__":
    main()
