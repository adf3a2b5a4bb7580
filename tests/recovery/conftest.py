"""What a run that was broken off and taken up again must have in common with one that was not."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import pandas as pd
import pytest

from tf_dlth.lottery.rows import TIMINGS

UNEQUAL = ("seconds", "manifests", "manifest_sha256", "run_sha256")
"""Keys that hold a clock's time, or digests over it or over a SavedModel."""


@pytest.fixture(scope="session")
def result() -> Callable[[Path], dict[str, Any]]:
    """Reads what must be equal of a finished run's folder, by file name."""
    return _result


@pytest.fixture(scope="session")
def scalars() -> Callable[[Path], Counter[tuple[str, int]]]:
    """Counts how often each (run and tag, step) stands in a run's TensorBoard events."""
    return _scalars


def _result(run: Path) -> dict[str, Any]:
    found = {p.relative_to(run).as_posix(): p for p in run.rglob("*") if p.is_file()}
    return {name: _content(name, path) for name, path in found.items() if not name.startswith("tensorboard/")}


def _content(name: str, path: Path) -> Any:
    if "/saved_model/" in name:
        return None  # TensorFlow numbers and stamps these files; that they serve the weights is tested elsewhere
    if name == "config.yaml":
        return [line for line in path.read_text().splitlines() if not line.strip().startswith("directory:")]
    if name == "iterations.csv":
        return pd.read_csv(path, dtype=str).drop(columns=list(TIMINGS)).to_dict("list")
    if name.endswith(".json"):
        return _equal_part(json.loads(path.read_text()))
    return path.read_bytes()


def _equal_part(tree: Mapping[str, Any]) -> dict[str, Any]:
    files = {name: None if _is_timed(name) else digest for name, digest in tree.get("files", {}).items()}
    return {key: value for key, value in tree.items() if key not in UNEQUAL} | {"files": files}


def _is_timed(name: str) -> bool:
    return "saved_model/" in name or name == "iterations.csv"


def _scalars(run: Path) -> Counter[tuple[str, int]]:
    from tensorboard.backend.event_processing.event_file_loader import EventFileLoader

    root, found = run / "tensorboard", Counter()
    for file in (path for path in root.rglob("*") if path.is_file()):
        run_name = file.parent.relative_to(root).as_posix()
        for event in EventFileLoader(str(file)).Load():
            found.update((f"{run_name} {value.tag}", event.step) for value in event.summary.value)
    return found
