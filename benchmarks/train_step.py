"""What masks, wrappers, data and logging cost: training throughput as ratios to a bare step, in one process.

    python benchmarks/train_step.py --out train_step.json [--widths 16 64] [--rounds 3]

Three ways to train the same ResNet-18 on 32x32 images in batches of 100 take turns, round by round:

    bare      a tf.function step on the plain model: gradient, momentum, coupled decay, nothing else
    masked    ours: wrapped layers, masks in the optimizer, a distribution strategy
    complete  ours with the input pipeline (basic), metrics, terminal and TensorBoard, without evaluation

The table gives the median over rounds of each one's time over bare's in the same round. Evaluation is its own line.
"""

from __future__ import annotations

import argparse
import json
import statistics
import tempfile
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

from tf_dlth import provenance
from tf_dlth.startup import start_tensorflow

start_tensorflow()

import numpy as np  # noqa: E402
import tensorflow as tf  # noqa: E402
import tf_keras  # noqa: E402

from tf_dlth.config import DataConfig, Normalisation, TrainingConfig  # noqa: E402
from tf_dlth.data.examples import ArrayExamples  # noqa: E402
from tf_dlth.data.pipeline import training_batches  # noqa: E402
from tf_dlth.evaluation.accuracy import predict  # noqa: E402
from tf_dlth.lottery import wrapping  # noqa: E402
from tf_dlth.lottery.masks import Masks, prune_global  # noqa: E402
from tf_dlth.models import variables  # noqa: E402
from tf_dlth.models.build import build  # noqa: E402
from tf_dlth.models.inference import BATCH, predictor  # noqa: E402
from tf_dlth.models.prunable import prunable_names  # noqa: E402
from tf_dlth.models.spec import ModelSpec  # noqa: E402
from tf_dlth.reporting.observer import RunObserver  # noqa: E402
from tf_dlth.runs.checkpoint import Checkpoint  # noqa: E402
from tf_dlth.training.devices import intra_op_threads, strategy_for  # noqa: E402
from tf_dlth.training.losses import per_example_loss  # noqa: E402
from tf_dlth.training.network import Network  # noqa: E402
from tf_dlth.training.objectives import Classification  # noqa: E402
from tf_dlth.training.optimizer import MaskedSGD  # noqa: E402
from tf_dlth.training.schedule import Position, Schedule  # noqa: E402
from tf_dlth.training.signals import StopRequest  # noqa: E402
from tf_dlth.training.trainer import Trainer  # noqa: E402

BATCH_SIZE, STEPS_AN_EPOCH = 100, 5
NORMALISATION = Normalisation(mean=(0.5, 0.5, 0.5), std=(0.2, 0.2, 0.2))
DATA = DataConfig(dataset="cifar10", flip="horizontal", crop_padding=4, cutout=0)
Run = Callable[[int], None]
"""Trains a number of epochs."""


def examples(n: int) -> ArrayExamples:
    """Noise: throughput does not depend on what the images show."""
    rng = np.random.default_rng(0)
    images = rng.integers(0, 256, (n, 32, 32, 3), np.uint8)
    return ArrayExamples(images, rng.integers(0, 10, n).astype(np.int32), map(str, range(n)))


def one_batch() -> tf.data.Dataset:
    batch = examples(BATCH_SIZE)
    return tf.data.Dataset.from_tensors((batch.images, batch.labels)).repeat()


def plain(width: int) -> tf_keras.Model:
    return build(
        ModelSpec(
            architecture="resnet18", width=width, stem="small", head="linear", classes=10, input_shape=(32, 32, 3)
        ),
        NORMALISATION,
    )


def bare(width: int) -> Run:
    model = plain(width)
    optimizer = MaskedSGD(TrainingConfig())
    optimizer.track(model.trainable_variables, [None] * len(model.trainable_variables))
    batches = iter(one_batch())

    @tf.function
    def steps(batches: Iterator[Any], n: tf.Tensor) -> None:
        for _ in tf.range(n):
            images, labels = next(batches)
            with tf.GradientTape() as tape:
                logits = model(images, training=True)
                loss = tf.reduce_mean(tf.nn.sparse_softmax_cross_entropy_with_logits(labels, logits))
            watched = model.trainable_variables
            optimizer.apply_gradients(zip(tape.gradient(loss, watched), watched, strict=True))

    return lambda epochs: steps(batches, tf.constant(epochs * STEPS_AN_EPOCH))


def masked(width: int) -> Run:
    network = half_pruned_network(width)
    batches = network.batches(one_batch())

    def run(epochs: int) -> None:
        network.run(batches, epochs * STEPS_AN_EPOCH)

    return run


def half_pruned_network(width: int) -> Network:
    network = Network(
        plain(width), TrainingConfig(), strategy_for(), wrapping, Classification(per_example_loss("cross_entropy"))
    )
    load_half_pruned(network)
    return network


def load_half_pruned(network: Network) -> tuple[Any, Any]:
    weights = network.weights()
    masks = prune_global(weights, Masks.ones(weights, prunable_names(network.model)), 0.5)
    weights = masks.apply(weights)
    network.load(weights, masks)
    return weights, masks


class Log:
    """The run folder's part in a training: a line of metrics an epoch."""

    def __init__(self, folder: Path) -> None:
        self._metrics = folder / "metrics.jsonl"

    def append_metrics(self, line: Any) -> None:
        with self._metrics.open("a") as file:
            file.write(json.dumps(line) + "\n")
            file.flush()

    def save(self, checkpoint: Checkpoint) -> None:
        raise AssertionError("no checkpoint is due in a benchmark")


class Scalars(RunObserver):
    """What TensorBoard is told an epoch."""

    def __init__(self, folder: Path) -> None:
        self._writer = tf.summary.create_file_writer(str(folder))

    def epoch_ended(self, metrics: Any) -> None:
        with self._writer.as_default(step=metrics["epoch"]):
            for name, value in metrics.items():
                tf.summary.scalar(name, value or 0.0)
        self._writer.flush()


def complete(width: int, folder: Path) -> Run:
    network = half_pruned_network(width)
    weights, masks = load_half_pruned(network)
    data = examples(BATCH_SIZE * STEPS_AN_EPOCH)

    def run(epochs: int) -> None:
        made = training_batches(data, DATA, batch_size=BATCH_SIZE, seed=0, last_epoch=epochs)

        def batches(iteration: int, position: Position) -> tf.data.Dataset:
            return made(1, position.epoch, position.step)

        Trainer(
            network,
            Schedule.of(TrainingConfig(epochs=epochs, evaluate_every=1), len(data)),
            batches,
            lambda weights, between: [("test", 0.0)],
            Log(folder),
            Scalars(folder),
            StopRequest(),
            checkpoint_seconds=1e9,
        ).train(1, weights, masks, 1, {}, None)

    return run


def seconds(action: Callable[[], Any]) -> float:
    begin = time.perf_counter()
    action()
    return time.perf_counter() - begin


def measure(width: int, rounds: int, epochs: int) -> dict[str, Any]:
    """Median ratios over rounds in which all three ran one after another."""
    with tempfile.TemporaryDirectory() as folder:
        ways = {"bare": bare(width), "masked": masked(width), "complete": complete(width, Path(folder))}
        for run in ways.values():
            run(1)
        times = [{name: seconds(lambda run=run: run(epochs)) for name, run in ways.items()} for _ in range(rounds)]
    ratios = {name: statistics.median(t[name] / t["bare"] for t in times) for name in ways}
    return {"width": width, "ratios": ratios, "evaluation": evaluation_share(width, times, epochs)}


def evaluation_share(width: int, times: list[dict[str, float]], epochs: int) -> float:
    """Seconds to evaluate 10,000 images over those of ten epochs of training on 500."""
    model = plain(width)
    variables.assign(model, variables.read(model))
    score, images = predictor(model), examples(8 * BATCH)
    predict(score, images)
    evaluating = seconds(lambda: predict(score, images)) * 10_000 / len(images)
    return evaluating / (statistics.median(t["masked"] for t in times) * 10 / epochs)


def table(results: list[dict[str, Any]]) -> str:
    lines = [f"{'width':>5}  {'masked / bare':>14}  {'complete / bare':>16}  {'evaluation / 10 epochs':>23}"]
    for result in results:
        ratios = result["ratios"]
        lines.append(
            f"{result['width']:>5}  {ratios['masked']:>14.3f}  {ratios['complete']:>16.3f}  "
            f"{result['evaluation']:>23.2f}"
        )
    return "\n".join(lines)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--out", type=Path, required=True, help="JSON file for the result")
    parser.add_argument("--widths", type=int, nargs="+", default=[16, 64])
    parser.add_argument("--rounds", type=int, default=3)
    options = parser.parse_args()
    # About equally long rounds: a step of width 64 costs some ten of width 16.
    results = [measure(width, options.rounds, epochs=30 if width < 32 else 3) for width in options.widths]
    print(table(results))
    record = {
        "results": results,
        "rounds": options.rounds,
        "host": provenance.host(intra_op_threads()),
        **provenance.versions(),
    }
    options.out.write_text(json.dumps(record, indent=2) + "\n")


if __name__ == "__main__":
    main()
