"""How numbers, axes and places of a study are written."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence

from tf_dlth.analysis.significance import Interval
from tf_dlth.config.study import StudyConfig
from tf_dlth.reporting.study_models import Place, place_axes

NOT_RUN, ABSENT = "not run", "not run: data absent"
NOTHING = "-"
TITLES: Mapping[str, str] = {
    "data.fraction": "share of the training images",
    "data.per_class": "images per class",
    "data.imbalance": "long-tail factor",
    "data.augment": "augmentation",
}
MEASURES: Mapping[str, str] = {
    "ece": "calibration error (ECE, %)",
    "fgsm": "accuracy under FGSM (%)",
    "pgd": "accuracy under PGD (%)",
    "cifar10_c": "accuracy on CIFAR-10-C (%)",
    "cifar10_2": "accuracy on CIFAR-10.2 (%)",
}
"""Columns of networks.csv, as an axis or a header names them."""
MODELS: Mapping[str, str] = {
    "matched": "dense, chosen as often",
    "equal": "dense, equal compute",
    "random": "random mask",
    "layerwise": "random mask, same layers",
    "small": "small dense",
    "fresh": "ticket's mask, new weights",
    "base_then_aug": "WT(Base)+Aug*",
    "long": "ticket, trained longer",
    "rate": "ticket, learning-rate rewinding",
    "mixup": "ticket under mixup",
    "cutmix": "ticket under cutmix",
    "augmix": "ticket under augmix",
}


def model_title(model: str) -> str:
    """An arm's name in words; names of one's own stay as they are."""
    arm, dense, _ = model.partition(", dense")
    if dense:
        return f"dense under {arm}" if MODELS.get(arm) == f"ticket under {arm}" else f"dense, arm {arm}"
    return MODELS.get(arm, arm.replace("_", " "))


def axis_title(axis: str) -> str:
    """A header: the known titles, else the last part of the key."""
    return TITLES.get(axis, axis.rpartition(".")[2].replace("_", " "))


def value_title(axis: str, value: str) -> str:
    """``0.01`` of data.fraction is ``1 %``."""
    return f"{100 * float(value):g} %" if axis == "data.fraction" and value != "None" else value


def place_title(study: StudyConfig, place: Place) -> str:
    """The values of a place in one line; ``all`` for a study without axes."""
    titles = [
        value_title(axis, value) if axis not in TITLES or axis == "data.fraction" else f"{axis_title(axis)} {value}"
        for axis, value in zip(place_axes(study), place, strict=True)
    ]
    return ", ".join(titles) or "all"


def places_title(study: StudyConfig) -> str:
    """What a figure's axis of places is called."""
    return ", ".join(axis_title(axis) for axis in place_axes(study)) or "setting"


def cell(found: Interval, scale: float = 100, digits: int = 1, missing: str = NOT_RUN) -> str:
    """``55.3 ± 1.2 (3)``: mean, reach of the 95 % interval where there are 2 pairs or more, number of pairs."""
    if not found.n:
        return missing
    reach = "" if math.isnan(found.low) else f" ± {scale * (found.high - found.mean):.{digits}f}"
    return f"{scale * found.mean:.{digits}f}{reach} ({found.n})"


def gain(found: Interval, scale: float = 100, digits: int = 1, missing: str = NOTHING) -> str:
    """As :func:`cell`, with the sign of the mean."""
    text = cell(found, scale, digits, missing)
    return f"+{text}" if found.n and found.mean >= 0 else text


def limits(low: float, high: float, digits: int = 1) -> str:
    """``[a, b]``, nothing without limits."""
    return NOTHING if math.isnan(low) or math.isnan(high) else f"[{low:+.{digits}f}, {high:+.{digits}f}]"


def percent(value: float | None, digits: int = 2) -> str:
    """A fraction in per cent; a dash for what does not exist."""
    return NOTHING if value is None or math.isnan(value) else f"{100 * value:.{digits}f}"


def listed(words: Sequence[str]) -> str:
    """``a, b and c``."""
    return " and ".join(filter(None, (", ".join(words[:-1]), words[-1]))) if words else ""
