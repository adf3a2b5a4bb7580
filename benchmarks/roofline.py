"""How near a training step and an evaluation come to the peak of matrix products, and what the rest of a step is.

    python benchmarks/roofline.py [--widths 16,64] [--turns 5] [--json FILE]

ResNet-18 on 32x32 images: a step on 100, an evaluation of 250. The peak is the best turn of a float32 product of two
2048 x 2048 matrices; the share is the network's own multiplications and additions a second over it, median over turns
that alternate. Below, one step's time by kind of operation, which sums over threads and so can exceed the step's.
`evaluate` is what Keras' model.evaluate takes for the same images with the network that trains, over ours; *folded*
the time with BatchNorm folded into the convolutions over that without.
"""

from __future__ import annotations

import argparse
import json
import os
import platform
import statistics
import tempfile
import time
from collections import Counter
from collections.abc import Callable
from pathlib import Path
from typing import Any

from tf_dlth.startup import start_tensorflow

start_tensorflow()

import numpy as np  # noqa: E402
import tensorflow as tf  # noqa: E402
import tf_keras  # noqa: E402
from tensorflow.tsl.profiler.protobuf import xplane_pb2  # noqa: E402
from train_step import examples, half_pruned_network, one_batch, plain  # noqa: E402

from tf_dlth.evaluation.accuracy import predict  # noqa: E402
from tf_dlth.exporting.folding import folded  # noqa: E402
from tf_dlth.exporting.keras_model import keras_model  # noqa: E402
from tf_dlth.exporting.reading import read_graph  # noqa: E402
from tf_dlth.models.inference import BATCH, predictor  # noqa: E402
from tf_dlth.models.macs import macs  # noqa: E402

SIDE, STEP_BATCH, BACKWARD = 2048, 100, 3
"""A step costs three forward passes: the gradients by inputs and by weights are one each."""


def main() -> None:
    """Prints two tables a width and writes one JSON if asked to."""
    arguments = parsed()
    rows = [measured(width, arguments.turns) for width in arguments.widths]
    for row in rows:
        print({key: value for key, value in row.items() if key != "operations"})
        print("\n".join(f"    {kind:<40}{share:6.1%}" for kind, share in row["operations"].items()))
    if arguments.json:
        facts = {"cores": len(os.sched_getaffinity(0)), "machine": platform.processor() or platform.machine()}
        arguments.json.write_text(json.dumps({**facts, "rows": rows}, indent=2) + "\n")


def measured(width: int, turns: int) -> dict[str, Any]:
    network, model, images = half_pruned_network(width), plain(width), examples(4 * BATCH)
    batches, compute = network.batches(one_batch()), predictor(model)
    without_batch_norm = predictor(keras_model(folded(read_graph(model)), "folded"))
    matrix = tf.constant(np.random.default_rng(0).normal(size=(SIDE, SIDE)), tf.float32)
    product = tf.function(lambda: matrix @ matrix)
    network.model.compile(loss=tf_keras.losses.SparseCategoricalCrossentropy(from_logits=True), metrics=["accuracy"])
    pixels = images.images.astype(np.float32)
    ways: dict[str, Callable[[], Any]] = {
        "product": lambda: product().numpy(),
        "step": lambda: network.run(batches, 2),
        "evaluation": lambda: predict(compute, images),
        "folded": lambda: predict(without_batch_norm, images),
        "keras": lambda: network.model.evaluate(pixels, images.labels, verbose="0"),
    }
    for way in ways.values():
        way()
    times = [{name: seconds(way) for name, way in ways.items()} for _ in range(turns)]
    peak = 2 * SIDE**3 / min(t["product"] for t in times)
    forward = 2 * macs(model)
    step = BACKWARD * forward * STEP_BATCH * 2 / statistics.median(t["step"] for t in times)
    evaluation = forward * len(images) / statistics.median(t["evaluation"] for t in times)
    return {
        "width": width,
        "step_share": round(step / peak, 2),
        "evaluation_share": round(evaluation / peak, 2),
        "keras_over_ours": round(statistics.median(t["keras"] / t["evaluation"] for t in times), 2),
        "folded_over_ours": round(statistics.median(t["folded"] / t["evaluation"] for t in times), 2),
        "operations": operations(lambda: network.run(batches, 1)),
    }


def operations(step: Callable[[], Any]) -> dict[str, float]:
    """Shares of the time of one step by kind of operation, largest first, the ten largest."""
    with tempfile.TemporaryDirectory() as folder:
        tf.profiler.experimental.start(folder)
        step()
        tf.profiler.experimental.stop()
        (file,) = Path(folder).rglob("*.xplane.pb")
        space = xplane_pb2.XSpace.FromString(file.read_bytes())
    spent: Counter[str] = Counter()
    for plane in space.planes:
        for event in (event for line in plane.lines for event in line.events):
            name, _, kind = plane.event_metadata[event.metadata_id].name.partition(":")
            if name.startswith("while/"):  # what the loop over steps holds; the rest are the calls around it
                spent[kind.removeprefix("_MklNative")] += event.duration_ps
    whole = sum(spent.values())
    return {kind: duration / whole for kind, duration in spent.most_common(10)}


def seconds(action: Callable[[], Any]) -> float:
    begin = time.perf_counter()
    action()
    return time.perf_counter() - begin


def parsed() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description="A step and an evaluation beside the machine's peak.")
    parser.add_argument("--widths", type=lambda text: [int(part) for part in text.split(",")], default=[16, 64])
    parser.add_argument("--turns", type=int, default=5)
    parser.add_argument("--json", type=Path, metavar="FILE", help="write the rows and the machine's facts")
    return parser.parse_args()


if __name__ == "__main__":
    main()
