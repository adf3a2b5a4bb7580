"""How long the paper's tables and figures would take on a GPU: an estimate from counted operations, nothing is run.

    python benchmarks/paper_hours.py --gpu "NVIDIA A100, float32" --teraflops 19.5 --share 0.3

A training image costs three forward passes (forward, gradients by inputs and by weights), an evaluated one a single
pass, each of twice the multiply-accumulates of the network; ``--share`` of the GPU's peak is what such small batches
are taken to reach, an assumption. Studies share runs, so the hours of several do not add up.
"""

from __future__ import annotations

import argparse
import json
import math
from collections.abc import Sequence
from functools import cache
from pathlib import Path

from tf_dlth.analysis.longtail import class_counts
from tf_dlth.config import Config, Normalisation
from tf_dlth.config.schema import BASELINES
from tf_dlth.config.study import load_study
from tf_dlth.startup import start_tensorflow
from tf_dlth.studies.grid import Grid

PAPER = Path(__file__).parents[1] / "configs" / "paper"
SETS = {
    "cifar10": (10, 50_000, 10_000, 32, 3),
    "cifar100": (100, 50_000, 10_000, 32, 3),
    "eurosat": (10, 500, 19_500, 64, 3),
    "isic2018": (7, 560, 1_944, 224, 3),
    "clamm": (12, 600, 1_000, 224, 1),
    "imagenet2012": (1000, 1_281_167, 50_000, 224, 3),
}
"""Classes, training images, test images, side, channels."""
TRAIN_WITHOUT_VAL = {"eurosat": 300, "isic2018": 350, "clamm": 360}
WIDEST = 64
"""Taken for a width that matches a ticket: at most the dense network's."""
LIKE_TRAINING = 50
"""CIFAR subsets hold out as many images a class as they train on, at most so many."""


def cost(config: Config) -> tuple[int, float]:
    """Training steps of a run, and its floating-point operations."""
    training, data = config.training, config.data
    classes, _, test, _, _ = SETS[data.dataset]
    images, epochs = training_images(config), _epochs(config)
    held = classes * min(LIKE_TRAINING, images // classes) if data.fraction or data.per_class else 0
    held = held if data.heldout_per_class is None else classes * data.heldout_per_class
    evaluations = math.ceil(epochs / training.evaluate_every)
    passes = 3 * epochs * images + evaluations * (test + (held if data.dataset.startswith("cifar") else 0))
    return epochs * math.ceil(images / training.batch_size), 2 * passes * _macs(*_network(config))


def training_images(config: Config) -> int:
    data = config.data
    classes, train, _, _, _ = SETS[data.dataset]
    if data.imbalance is not None:
        return int(class_counts(data.imbalance).sum())
    if data.per_class is not None:
        return classes * data.per_class
    if data.train_part == "train":
        return TRAIN_WITHOUT_VAL[data.dataset]
    held = classes * (data.heldout_per_class or 0) if data.heldout_from == "train" else 0
    return round(train * (data.fraction or 1)) - held


def _epochs(config: Config) -> int:
    """All that a run trains."""
    whole, pruning = config.training.epochs, config.pruning
    assert isinstance(whole, int), "the paper's runs state their epochs"
    rest = whole - pruning.rewind_epochs
    return rest if pruning.method in BASELINES else whole + pruning.iterations * rest


def _network(config: Config) -> tuple[str, int, str, int, int, int]:
    model, (classes, _, _, side, channels) = config.model, SETS[config.data.dataset]
    width = model.width if isinstance(model.width, int) else WIDEST
    stem = model.stem or ("small" if side <= 64 else "full")
    return model.architecture, width, stem, classes, side, channels


@cache
def _macs(architecture: str, width: int, stem: str, classes: int, side: int, channels: int) -> int:
    from tf_dlth.models.build import build
    from tf_dlth.models.macs import macs
    from tf_dlth.models.spec import ModelSpec

    spec = {"architecture": architecture, "width": width, "stem": stem, "head": "linear", "classes": classes}
    half = (0.5,) * channels
    model = build(
        ModelSpec.model_validate({**spec, "input_shape": (side, side, channels)}), Normalisation(mean=half, std=half)
    )
    return macs(model)


def row(path: Path, flops_a_second: float) -> dict[str, str | int | float]:
    """Runs, steps and hours of one study, every run counted once."""
    grid = Grid(load_study(str(path)), str(path), {})
    runs = {config.sha256("train"): config for config in (grid.config(grid.candidates(c)[0]) for c in grid.cells)}
    costs = [cost(config) for config in runs.values()]
    hours = sum(operations for _, operations in costs) / flops_a_second / 3600
    return {"study": path.stem, "runs": len(runs), "steps": sum(steps for steps, _ in costs), "hours": round(hours, 2)}


def main(arguments: Sequence[str] | None = None) -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--gpu", default="NVIDIA A100, float32")
    parser.add_argument("--teraflops", type=float, default=19.5, help="its peak")
    parser.add_argument("--share", type=float, default=0.3, help="of the peak that is reached")
    parser.add_argument("--studies", nargs="+", type=Path, metavar="FILE", help="default: all of configs/paper")
    parser.add_argument("--json", type=Path, metavar="FILE")
    options = parser.parse_args(arguments)
    start_tensorflow()
    studies = options.studies or sorted(p for p in PAPER.glob("*.yaml") if "\nbase:" in p.read_text(encoding="utf-8"))
    rows = [row(path, options.teraflops * 1e12 * options.share) for path in studies]
    print(f"estimate for {options.gpu}: {options.teraflops:g} TFLOP/s at their peak, {options.share:.0%} of it\n")
    print("| study | runs | steps | hours |\n|---|---|---|---|")
    for each in rows:
        print(f"| {each['study']} | {each['runs']:,} | {each['steps']:,} | {each['hours']:,.0f} |")
    if options.json:
        options.json.write_text(json.dumps(rows, indent=2) + "\n")


if __name__ == "__main__":
    main()
