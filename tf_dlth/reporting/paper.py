"""The paper's own numbers, by the path of keys in paper_results.yaml."""

from __future__ import annotations

import difflib
import re
from collections.abc import Mapping
from functools import cache
from importlib.resources import files
from typing import Any

import yaml

from tf_dlth.errors import UserError, printable

NOT_PUBLISHED = ("meta", "derived_not_published")
"""Sections of the file that no look-up reads."""
PER_CENT = ("top-1 accuracy, %", "percentage points")
"""How the units of a section begin whose numbers are given as fractions here."""


def published(path: str) -> float | None:
    """The number at ``table1/rows/cifar10/1%/random_init_r18/wt``: .5966, a fraction, or a ratio where it is one.

    None where the paper prints a dash; raises UserError with the nearest keys for a path that leads to no number.
    """
    keys = path.split("/")
    node: Any = _document()
    for depth, key in enumerate(keys):
        if not isinstance(node, Mapping):
            raise UserError(f"{_shown(keys[:depth])} has nothing below it, so there is no {_shown(keys)}")
        if key not in node:
            raise UserError(f"paper_results.yaml has no {_shown(keys[: depth + 1])}; {_nearest(key, list(node))}")
        node = node[key]
    if node is None:
        return None
    if isinstance(node, Mapping):
        raise UserError(f"{_shown(keys)} is no number; go on to one of {', '.join(node)}")
    if isinstance(node, bool) or not isinstance(node, int | float):
        raise UserError(f"{_shown(keys)} is no number but {printable(str(node))}")
    return node / 100 if _in_per_cent(keys) else float(node)


def doubts(path: str) -> tuple[str, ...]:
    """What makes the paper's number at ``path`` doubtful, a remark each."""
    section, *keys = path.split("/")
    remarks = _document().get(section, {}).get("doubtful", [])
    return tuple(remark["why"] for remark in remarks if _applies(remark["path"], keys))


@cache
def _document() -> Mapping[str, Any]:
    tree = yaml.safe_load(files("tf_dlth.reporting").joinpath("paper_results.yaml").read_text(encoding="utf-8"))
    return {section: content for section, content in tree.items() if section not in NOT_PUBLISHED}


def _in_per_cent(keys: list[str]) -> bool:
    units = _document()[keys[0]].get("units", "")
    return units.startswith(PER_CENT) or keys[-1].endswith("_pct")


def _applies(places: str, keys: list[str]) -> bool:
    """Whether one of ``rows.a.*.b and rows.'1%'`` is ``keys`` or stands above them."""
    for place in places.split(" and "):
        parts = [part.strip("'") for part in re.findall(r"'[^']*'|[^.]+", place)]
        if len(parts) <= len(keys) and all(part in ("*", key) for part, key in zip(parts, keys, strict=False)):
            return True
    return False


def _nearest(key: str, known: list[str]) -> str:
    close = difflib.get_close_matches(key, known, n=3)
    return f"did you mean {' or '.join(close)}?" if close else f"there are {', '.join(known)}"


def _shown(keys: list[str]) -> str:
    return printable("/".join(keys))
