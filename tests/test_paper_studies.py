"""The studies of the paper's tables and figures: settings as the paper has them, comments whose numbers are their own.

What a study trains is worked out here once more from its file: which runs, how many steps, and which of them are one.
"""

from __future__ import annotations

import math
import re
from collections import Counter
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from functools import cache
from importlib.resources import files
from pathlib import Path
from typing import Any, get_args

import pytest
import yaml

from tf_dlth.analysis.longtail import class_counts
from tf_dlth.config import Config, build_config, load_config
from tf_dlth.config.keys import flat
from tf_dlth.config.schema import BASELINES
from tf_dlth.config.study import FILE, Analysis, Arm, Measure, StudyConfig, load_study

ROOT = Path(__file__).parents[1]
PAPER, SCALED = ROOT / "configs" / "paper", ROOT / "configs" / "scaled"
RESULTS = yaml.safe_load(files("tf_dlth.reporting").joinpath("paper_results.yaml").read_text(encoding="utf-8"))
FIGURES = [f"fig{n}" for n in range(1, 11)]
TABLES = [f"table{n}" for n in range(1, 7)]
BESIDE = ["sec4_3", "sec4_4", "table1_lr0.1", "table3_auto"]
STUDIES = {name: PAPER / f"{name}.yaml" for name in [*FIGURES, *TABLES, *BESIDE]}
SMALL = {name: SCALED / f"{name}.yaml" for name in (
    "digits", "cifar10_1pct_rand", "cifar10_1pct_basic", "cifar10_2pct_auto", "eurosat"
)}  # fmt: skip
EVERY = STUDIES | SMALL
SHOWN = ("size", "density", "robustness", "bars", "layers", "cka", "branch-norms", "norms", "longtail", "fit", "table")
TRAINING_IMAGES = {"clamm": (600, 360), "isic2018": (560, 350), "eurosat": (500, 300)}
"""By DEIC's lists: of trainval, of train."""


@dataclass(frozen=True)
class Planned:
    """A run of a study as its file has it: a TICKET is not looked up."""

    setting: str
    arm: str
    pair: tuple[int, int]
    mask_seed: int
    config: Config


@cache
def study(name: str) -> StudyConfig:
    return load_study(EVERY[name])


@cache
def comment(name: str) -> str:
    """The comment that opens the file, without its line breaks."""
    lines = EVERY[name].read_text(encoding="utf-8").split("\nname:")[0].splitlines()
    return " ".join(line.removeprefix("#").strip() for line in lines)


@cache
def planned(name: str) -> tuple[Planned, ...]:
    of = study(name)
    return tuple(
        Planned(label, arm, pair, mask_seed, config(of, setting, of.arms[arm], pair, mask_seed))
        for arm in of.arms
        for label, setting in places(of, of.arms[arm])
        for pair in of.seeds
        for mask_seed in of.arms[arm].mask_seeds
    )


def places(of: StudyConfig, arm: Arm) -> Iterator[tuple[str, Mapping[str, Any]]]:
    """Where an arm runs; a starred one runs at one of the augmentations, here the first."""
    seen = set()
    for setting in of.settings():
        label = of.label(setting, starred=arm.starred)
        if label not in seen and all(setting[axis] in values for axis, values in arm.at.items()):
            seen.add(label)
            yield label, setting


def config(
    of: StudyConfig, setting: Mapping[str, Any], arm: Arm, pair: tuple[int, int], mask_seed: int
) -> Config:  # fmt: skip
    keys = of.overrides(setting) | arm.set
    base = ROOT / keys.pop(FILE, of.base)
    keys |= {"seed": pair[0], "data.subset_seed": pair[1]} | ({"pruning.mask_seed": mask_seed} if mask_seed else {})
    tree = load_config(base).model_dump(mode="json")
    for key, value in keys.items():
        *path, last = key.split(".")
        section = tree
        for part in path:
            section = section[part]
        section[last] = value
    return build_config(tree)


def training_images(config: Config) -> int:
    data = config.data
    if data.dataset in TRAINING_IMAGES and data.per_class is None:
        return TRAINING_IMAGES[data.dataset][data.train_part == "train"]
    if data.dataset == "digits":
        return 500
    classes = {"cifar10": 10, "eurosat": 10, "cifar100": 100, "imagenet2012": 1000}[data.dataset]
    if data.per_class is not None:
        return classes * data.per_class
    if data.imbalance is not None:
        return int(class_counts(data.imbalance).sum())
    held = classes * (data.heldout_per_class or 0) if data.heldout_from == "train" else 0
    return round(50000 * (data.fraction or 1)) - held


def epochs(config: Config) -> int:
    """All that a run trains; 0 where another run decides."""
    whole, pruning = config.training.epochs, config.pruning
    if not isinstance(whole, int):
        return 0
    rest = whole - pruning.rewind_epochs
    return rest if pruning.method in BASELINES else whole + pruning.iterations * rest


def steps(name: str) -> dict[int, int]:
    """By batch size."""
    found: Counter[int] = Counter()
    for run in planned(name):
        batch = run.config.training.batch_size
        found[batch] += epochs(run.config) * math.ceil(training_images(run.config) / batch)
    return dict(sorted(found.items(), reverse=True))


def cost(name: str) -> str:
    counts = " and ".join(f"{count:,} steps of {batch} images" for batch, count in steps(name).items())
    return f"Cost: {counts} in {len(planned(name))} runs"
