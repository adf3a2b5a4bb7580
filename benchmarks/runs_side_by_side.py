"""Two runs at the same time with one thread each, against one after the other with two threads: what a study gains.

    python benchmarks/runs_side_by_side.py [--width 8] [--images 50] [--epochs 12] [--turns 3] [--json FILE]

Both sides train the same two runs on digits in processes of their own, in turns, and the best turn of each counts. What
is compared is the training's own time as iterations.csv has it: starting Python and compiling are left out, for a
worker does both once. The ratio, time one after the other over time side by side, is within one run of this script;
above 1 the cores are better used by as many single-threaded runs.
"""

from __future__ import annotations

import argparse
import json
import os
import platform
import subprocess
import sys
import tempfile
from pathlib import Path
from typing import Any

import pandas as pd

CONFIG = Path(__file__).parents[1] / "configs" / "digits.yaml"
RUNS = 2


def main() -> None:
    """Prints one table and writes one JSON if asked to."""
    arguments = _arguments()
    turns = [_turn(arguments) for _ in range(arguments.turns)]
    after, beside = (min(turn[side] for turn in turns) for side in (0, 1))
    print(f"one after the other, {RUNS} threads: {after:.1f} s; side by side, 1 thread each: {beside:.1f} s")
    print(f"width {arguments.width}: ratio {after / beside:.2f}")
    if arguments.json:
        facts = {"cores": len(os.sched_getaffinity(0)), "machine": platform.processor() or platform.machine()}
        settings = {name: getattr(arguments, name) for name in ("width", "images", "epochs", "turns")}
        result = {"after_seconds": after, "beside_seconds": beside, "ratio": after / beside}
        arguments.json.write_text(json.dumps({**facts, **settings, **result}, indent=2) + "\n")


def _turn(arguments: Any) -> tuple[float, float]:
    """Seconds of training one after the other, and side by side, where the longer of the two counts."""
    with tempfile.TemporaryDirectory() as folder:
        after = []
        for seed in range(RUNS):
            _wait(_started(arguments, Path(folder) / "after", seed, threads=RUNS))
            after.append(_seconds(Path(folder) / "after" / f"run{seed}"))
        processes = [_started(arguments, Path(folder) / "beside", seed, threads=1) for seed in range(RUNS)]
        for process in processes:
            _wait(process)
        beside = [_seconds(Path(folder) / "beside" / f"run{seed}") for seed in range(RUNS)]
    return sum(after), max(beside)


def _started(arguments: Any, folder: Path, seed: int, threads: int) -> subprocess.Popen[bytes]:
    settings = {
        "name": f"run{seed}",
        "seed": seed,
        "output.directory": folder,
        "output.savedmodel": "winner",
        "output.tensorboard": "false",
        "data.per_class": arguments.images,
        "model.width": arguments.width,
        "training.epochs": arguments.epochs,
        "training.evaluate_every": arguments.epochs,
        "training.threads": threads,
        "pruning.iterations": 1,
    }
    words = [f"{key}={value}" for key, value in settings.items()]
    command = [sys.executable, "-m", "tf_dlth.train", "--config", str(CONFIG), *words]
    return subprocess.Popen(command, stdout=subprocess.DEVNULL)


def _wait(process: subprocess.Popen[bytes]) -> None:
    if process.wait():
        raise SystemExit("a run failed")


def _seconds(run: Path) -> float:
    """Images trained on over the rate, which compiling takes no part in."""
    rows = pd.read_csv(run / "iterations.csv")
    images = len(json.loads((run / "subset.json").read_text())["images"]["train"])
    return float((rows["epochs"] * images / rows["train_images_per_second"]).sum())


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description="Two single-threaded runs at a time, or two threads for one.")
    parser.add_argument("--width", type=int, default=8)
    parser.add_argument("--images", type=int, default=50, help="a class")
    parser.add_argument("--epochs", type=int, default=12)
    parser.add_argument("--turns", type=int, default=3)
    parser.add_argument("--json", type=Path, metavar="FILE", help="write the result and the machine's facts")
    return parser.parse_args()


if __name__ == "__main__":
    main()
