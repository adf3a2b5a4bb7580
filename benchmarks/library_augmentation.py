"""Images per second of processor time of Keras-CV's augmentations as they replay here, beside its layers as they are.

    python benchmarks/library_augmentation.py [--side 32] [--seconds 4] [--json FILE]

Both sides map the same batch of 100 in a tf.data pipeline of one process, in turns, and the best turn of each counts.
"""

from __future__ import annotations

import argparse
import json
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import numpy as np

from tf_dlth.data.augmentation.policies import LIBRARY
from tf_dlth.startup import hushed, start_tensorflow

BATCH, CLASSES, TURNS = 100, 10, 4


def main() -> None:
    """Prints one table and writes one JSON if asked to."""
    parser = argparse.ArgumentParser(description="Keras-CV's augmentations with replay and without.")
    parser.add_argument("--side", type=int, default=32)
    parser.add_argument("--seconds", type=float, default=4.0, help="per kind, for each of the two sides")
    parser.add_argument("--json", type=Path, metavar="FILE")
    arguments = parser.parse_args()
    start_tensorflow()
    rows = list(_measure(arguments.side, arguments.seconds / TURNS))
    print("| augmentation | replaying, images a core-second | as it is | ratio | seconds to trace |")
    print("|---|---|---|---|---|")
    for row in rows:
        cells = f"{row['replaying']:,} | {row['as_it_is']:,} | {row['ratio']} | {row['seconds_to_trace']}"
        print(f"| {row['augmentation']} | {cells} |")
    if arguments.json:
        arguments.json.write_text(json.dumps({"side": arguments.side, "batch": BATCH, "rows": rows}, indent=2) + "\n")


def _measure(side: int, seconds: float) -> Iterator[dict[str, Any]]:
    import tensorflow as tf

    with hushed():
        import keras_cv

        from tf_dlth.data.augmentation.library import augment_by_library
    tf.random.set_seed(1)
    tf.random.set_global_generator(tf.random.Generator.from_seed(1))
    random = np.random.default_rng(0)
    images = tf.constant(random.integers(0, 256, (BATCH, side, side, 3)), tf.uint8)
    labels = tf.range(BATCH) % CLASSES
    layers = {
        "randaugment": keras_cv.layers.RandAugment(value_range=(0, 255), magnitude_stddev=0.0),
        "augmix": keras_cv.layers.AugMix(value_range=(0, 255)),
        "mixup": keras_cv.layers.MixUp(),
        "cutmix": keras_cv.layers.CutMix(),
    }

    def replaying(step: tf.Tensor, kind: Any) -> Any:
        seeds = tf.stack([tf.range(BATCH), tf.fill([BATCH], tf.cast(step, tf.int32))], axis=1)
        return augment_by_library(images, labels, seeds, kind, CLASSES)

    def as_it_is(step: tf.Tensor, kind: Any) -> Any:
        return layers[kind]({"images": tf.cast(images, tf.float32), "labels": tf.one_hot(labels, CLASSES)})

    for kind in LIBRARY:
        begin = time.perf_counter()
        ours = _batches(replaying, kind)
        traced = time.perf_counter() - begin
        theirs = _batches(as_it_is, kind)
        rates = np.max([(_rate(ours, seconds), _rate(theirs, seconds)) for _ in range(TURNS)], axis=0)
        yield {
            "augmentation": kind,
            "replaying": round(BATCH * rates[0]),
            "as_it_is": round(BATCH * rates[1]),
            "ratio": round(rates[0] / rates[1], 2),
            "seconds_to_trace": round(traced, 1),
        }


def _batches(function: Callable[[Any, Any], Any], kind: str) -> Iterator[Any]:
    import tensorflow as tf

    return iter(tf.data.Dataset.range(2**20).map(lambda step: function(step, kind), num_parallel_calls=2))


def _rate(batches: Iterator[Any], seconds: float) -> float:
    """Batches a second of processor time, after one that warms up."""
    next(batches)
    start, core_start, count = time.perf_counter(), time.process_time(), 0
    while time.perf_counter() - start < seconds:
        next(batches)
        count += 1
    return count / (time.process_time() - core_start)


if __name__ == "__main__":
    main()
