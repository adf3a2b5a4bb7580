"""A whole ticket search, ours and PyTorch's two ways: seconds, what they go to, memory.

    python benchmarks/imp_run.py [--width 16] [--epochs 10] [--prunings 3] [--rounds 5] [--json FILE] ...

Every search is a process of its own, on the same images: 500 of CIFAR-10 under Rand, from the folder that the variable
TF_DLTH_DATA names. In each round all of them run, one after another; the table gives medians over the rounds, and a
ratio is the median of the ratios within each round. *As run*: the authors' way evaluates after every epoch, ours as its
default says, one in ten; *tuned* runs beside ours at both.
Ours reads CIFAR-10 as a user's run does, and writes tickets, SavedModels and TensorBoard; PyTorch reads one array file.
"""

from __future__ import annotations

import argparse
import json
import os
import platform
import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

BATCH, PER_CLASS, FIRST_REWOUND = 100, 50, 3
WAYS = (("authors", 1), ("tuned", 1), ("tuned", 10), ("ours", 1), ("ours", 10))
"""Each with the epochs between two evaluations."""
Measured = dict[str, float]


def main() -> None:
    """Prints one table and writes one JSON if asked to."""
    arguments = parsed()
    with tempfile.TemporaryDirectory() as folder:
        images = arrays(Path(folder) / "images.npz", arguments.test_images)
        rounds = []
        for _ in range(arguments.rounds):
            rounds.append({way: run(*way, images, arguments, Path(folder)) for way in WAYS})
            print(f"round {len(rounds)} of {arguments.rounds} done", file=sys.stderr, flush=True)
    rows = [row(way, rounds, trained_images(arguments)) for way in WAYS]
    print(table(rows))
    if arguments.json:
        facts = {"cores": len(os.sched_getaffinity(0)), "machine": platform.processor() or platform.machine()}
        settings = {key: value for key, value in vars(arguments).items() if key != "json"}
        arguments.json.write_text(json.dumps({**facts, **settings, "rows": rows}, indent=2) + "\n")


def arrays(path: Path, tests: int) -> Path:
    """The run's images as one file, the first ``tests`` of the test set."""
    from tf_dlth.startup import start_tensorflow

    start_tensorflow()
    from tf_dlth.config import DataConfig
    from tf_dlth.data import load_data

    data = load_data(DataConfig(dataset="cifar10", data_dir=os.environ["TF_DLTH_DATA"], per_class=PER_CLASS))
    train, test = data.train, data.test.take(np.arange(tests))
    parts = {"train": train, "test": test}
    found: dict[str, Any] = {f"x_{name}": part.read(np.arange(len(part))) for name, part in parts.items()}
    np.savez(path, allow_pickle=False, **found, **{f"y_{name}": part.labels for name, part in parts.items()})
    return path


def run(way: str, every: int, images: Path, arguments: Any, folder: Path) -> Measured:
    """Seconds of one search in a process of its own, and its peak memory in MiB."""
    return ours(every, images, arguments, folder) if way == "ours" else reference(way, every, images, arguments)


def reference(way: str, every: int, images: Path, arguments: Any) -> Measured:
    script = Path(__file__).with_name("reference_torch.py")
    words = {"way": way, "images": images, "width": arguments.width, "epochs": arguments.epochs}
    words |= {"prunings": arguments.prunings, "evaluate-every": every}
    command = [sys.executable, str(script), *(f"--{key}={value}" for key, value in words.items())]
    begin = time.perf_counter()
    done = subprocess.run(command, capture_output=True, text=True, check=True)
    return {**json.loads(done.stdout.splitlines()[-1]), "whole": time.perf_counter() - begin}


def ours(every: int, images: Path, arguments: Any, folder: Path) -> Measured:
    """Through the command; what training and evaluating took stands in iterations.csv."""
    whole = arguments.test_images == 10_000
    settings = {
        "name": f"every{every}",
        "data.dataset": "cifar10" if whole else "npz",
        "data.data_dir": os.environ["TF_DLTH_DATA"] if whole else images,
        "data.per_class": PER_CLASS,
        "data.heldout_per_class": 0,
        "data.augment": "rand",
        "data.flip": "horizontal",
        "model.width": arguments.width,
        "training.epochs": arguments.epochs,
        "training.evaluate_every": every,
        "pruning.iterations": arguments.prunings,
        "output.directory": folder,
    }
    config = folder / "empty.yaml"
    config.write_text("name: x\n")
    command = [sys.executable, "-m", "tf_dlth.train", "--config", str(config), "--overwrite"]
    begin = time.perf_counter()
    process = subprocess.Popen(
        [*command, *(f"{key}={value}" for key, value in settings.items())], stdout=subprocess.DEVNULL
    )
    _, status, usage = os.wait4(process.pid, 0)
    seconds = time.perf_counter() - begin
    assert status == 0, "the command's own line says why"
    rows = pd.read_csv(folder / settings["name"] / "iterations.csv")
    training = float((rows["epochs"] * PER_CLASS * 10 / rows["train_images_per_second"]).sum())
    evaluating = float(rows["seconds"].sum()) - training
    return {"whole": seconds, "training": training, "evaluating": evaluating, "peak_mebibytes": usage.ru_maxrss / 1024}


def trained_images(arguments: Any) -> int:
    return PER_CLASS * 10 * (arguments.epochs + arguments.prunings * (arguments.epochs - FIRST_REWOUND + 1))


def row(way: tuple[str, int], rounds: list[dict[tuple[str, int], Measured]], images: int) -> dict[str, Any]:
    """Medians of one way, and its ratios to ours at the same cadence and to ours as it is run."""
    found = {key: statistics.median(r[way][key] for r in rounds) for key in rounds[0][way]}
    return {
        "way": way[0],
        "evaluated_every": way[1],
        **{key: round(value, 1) for key, value in found.items()},
        "milliseconds_an_image": round(1000 * found["training"] / images, 2),
        "evaluating_share": round(found["evaluating"] / found["whole"], 2),
        "equal_cadence": round(statistics.median(r[way]["whole"] / r[("ours", way[1])]["whole"] for r in rounds), 2),
        "as_run": round(statistics.median(r[way]["whole"] / r[("ours", 10)]["whole"] for r in rounds), 2),
    }


def table(rows: list[dict[str, Any]]) -> str:
    return pd.DataFrame(rows).to_string(index=False)


def parsed() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description="A whole ticket search, ours and PyTorch's two ways.")
    parser.add_argument("--width", type=int, default=16)
    parser.add_argument("--epochs", type=int, default=10)
    parser.add_argument("--prunings", type=int, default=3)
    parser.add_argument("--test-images", type=int, default=10_000)
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--json", type=Path, metavar="FILE", help="write the rows and the machine's facts")
    return parser.parse_args()


if __name__ == "__main__":
    main()
