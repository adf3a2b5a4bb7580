"""What a run is going to do, in about ten lines: what is said before it starts."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from statistics import fmean
from typing import TYPE_CHECKING

from rich import box
from rich.console import Console, Group
from rich.table import Table

from tf_dlth.data.images import Preprocessing
from tf_dlth.errors import printable
from tf_dlth.pacing.durations import shown
from tf_dlth.reporting.layout import titled

if TYPE_CHECKING:
    from tf_dlth.preparation import Plan

MOST_CLASSES, MOST_SIZES = 12, 3
LONG = 3600.0
"""Seconds of a run from which on a shorter one is pointed to."""
PARTS = {"train": "train", "heldout": "held-out", "test": "test"}
Counts = Mapping[str, Mapping[str, int]]


def plan_lines(plan: Plan) -> list[str]:
    """From the network to the time, if it is known."""
    lines = [
        summary_line(plan),
        classes_line(plan.images_per_class),
        pictures_line(plan.sizes, plan.preprocessing),
        *([skipped_line(plan.skipped)] if plan.skipped else []),
        *plan.notes,
        *weights_lines(plan),
        *(f"layer {layer} has weights that cannot be pruned; it stays dense" for layer in plan.unprunable_layers),
        f"{plan.steps:,} training steps; up to {plan.bytes / 2**20:,.0f} MiB on disk",
    ]
    return lines if plan.seconds is None else [*lines, time_line(plan.seconds)]


def print_details(console: Console, plan: Plan) -> None:
    """Every key with its value, and the images of every class."""
    console.print(plan.config.to_yaml(), highlight=False, markup=False, soft_wrap=True)
    console.print(images_table(plan))


def images_table(plan: Plan) -> Group:
    """Images a class, training, held-out and test."""
    table = Table(box=box.SIMPLE_HEAD)
    table.add_column("class", overflow="fold")
    for part in plan.images_per_class:
        table.add_column(PARTS[part], justify="right")
    for name in plan.images_per_class["train"]:
        table.add_row(printable(name, 60), *(f"{counts[name]:,}" for counts in plan.images_per_class.values()))
    return titled("images a class", table)


def summary_line(plan: Plan) -> str:
    """What is trained on what."""
    model, counts = plan.config.model, {k: sum(v.values()) for k, v in plan.images_per_class.items()}
    images = ", ".join(f"{n:,} {PARTS[part]}" for part, n in counts.items())
    return (
        f"{plan.config.name}: {model.architecture} width {model.width}, {plan.parameters:,} parameters, "
        f"{plan.prunable:,} prunable; {plan.config.data.dataset} images: {images}; "
        f"{_lengths(plan)}"
    )


def _lengths(plan: Plan) -> str:
    """How often and how long is trained."""
    prunings, epochs = plan.config.pruning.iterations, plan.schedule.epochs
    if prunings == 0:
        begin = plan.schedule.first_epoch(0)
        return f"one training, epochs {begin} to {epochs}" if begin > 1 else f"one training of {epochs} epochs"
    return f"{prunings + 1} iterations of {epochs} epochs, all but the first from epoch {plan.schedule.first_epoch(1)}"


def weights_lines(plan: Plan) -> list[str]:
    """Which first weights of an own model its function gave, and which it froze."""
    if "given" not in (found := plan.initialisation):
        return []
    given, frozen = (f"{len(names):,} variables{_examples(names)}" for names in (found["given"], found["frozen"]))
    return [f"{plan.config.model.architecture}: {given} begin as its function gave them, {frozen} are frozen"]


def _examples(names: Sequence[str]) -> str:
    return f" ({', '.join(names[:2])}{', ...' if len(names) > 2 else ''})" if names else ""


def classes_line(counts: Counts) -> str:
    """Images of each class in every part; of many classes those with the fewest and the most training images."""
    names = sorted(counts["train"], key=lambda name: counts["train"][name])
    of_each = {name: "/".join(f"{part[name]:,}" for part in counts.values()) for name in counts["train"]}
    heads = "/".join(PARTS[part] for part in counts)
    if len(set(of_each.values())) == 1:
        return f"images a class ({heads}): {of_each[names[0]]} in each of {len(names)} classes"
    if len(names) <= MOST_CLASSES:
        told = ", ".join(f"{printable(name, 60)}: {images}" for name, images in of_each.items())
        return f"images a class ({heads}): {told}"
    few, many = (f"{of_each[name]} in {printable(name, 60)}" for name in (names[0], names[-1]))
    return f"images a class ({heads}): from {few} to {many}, {len(names)} classes"


def pictures_line(sizes: Mapping[tuple[int, int], int], preprocessing: Preprocessing) -> str:
    """The pictures' own sizes, where files have some, and how they become the network's input."""
    height, width, channels = preprocessing.image_shape
    wanted = f"input: {width} x {height} pixels, {channels} {'channel' if channels == 1 else 'channels'}"
    if all(preprocessing.resized(size) == size == (height, width) for size in sizes):
        return f"{wanted}, the pictures' own" if sizes else wanted
    return f"pictures: {_sizes(sizes)}; {wanted}: {_how(preprocessing)}{_cost(sizes, preprocessing)}"


def _sizes(sizes: Mapping[tuple[int, int], int]) -> str:
    often = sorted(sizes, key=lambda size: (-sizes[size], size))
    named = often if len(often) == MOST_SIZES + 1 else often[:MOST_SIZES]
    told = [f"{width} x {height} ({sizes[height, width]:,})" for height, width in named]
    return ", ".join([*told, f"{len(often) - len(named):,} other sizes"] if len(often) > len(named) else told)


def _how(preprocessing: Preprocessing) -> str:
    if not isinstance(preprocessing.resize, int):
        return "resized"
    if preprocessing.fit == "pad":
        return f"longer side to {preprocessing.resize}, black around it"
    return f"shorter side to {preprocessing.resize}, its centre kept"


def _cost(sizes: Mapping[tuple[int, int], int], preprocessing: Preprocessing) -> str:
    """What of the pictures is lost, and how many have fewer pixels than the input."""
    lost = {size: preprocessing.lost(size) for size in sizes}
    mean = fmean(lost.values(), weights=[sizes[size] for size in lost])
    smaller = sum(count for size, count in sizes.items() if max(size) < max(preprocessing.resized(size)))
    told = f"; {smaller:,} {'is' if smaller == 1 else 'are'} enlarged" if smaller else ""
    if mean < 0.005:
        return told
    differ = max(lost.values()) - mean > 0.01
    most = f" on average, up to {max(lost.values()):.0%}" if differ else ""
    return f"; {mean:.0%} of a picture is cropped away{most} (data.fit=pad keeps it){told}"


def skipped_line(skipped: Mapping[str, int]) -> str:
    """Files that are not used, by reason."""
    return f"not used: {', '.join(_counted(count, reason) for reason, count in skipped.items())}"


def _counted(count: int, reason: str) -> str:
    """``2 .gif files``, ``1 image in val/``."""
    return f"{count:,} {reason}" if count > 1 else "1 " + re.sub(r"(file|image|link)s", r"\1", reason, count=1)


def time_line(seconds: float) -> str:
    """An estimate, and the way to a shorter run."""
    shorter = "; --budget 30m chooses a run that fits into 30 minutes" if seconds > LONG else ""
    return f"time: about {shown(seconds)} on this machine, by its first steps{shorter}"
