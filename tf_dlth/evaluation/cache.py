"""What was measured before, by what was measured on what: nothing is measured twice."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np

from tf_dlth import files
from tf_dlth.data import Examples
from tf_dlth.errors import UserError

SIGNATURE = "sha256"
BATCH = 1000


class Cache:
    """Results in a folder, one file each; a damaged one counts as none. Without a folder nothing is kept."""

    def __init__(self, folder: Path | None) -> None:
        self._folder = folder

    def get(self, key: Mapping[str, Any]) -> dict[str, Any] | None:
        """The result that was kept under the key, if there is one."""
        if self._folder is None or not self._path(key).is_file():
            return None
        try:
            return files.read_signed(self._path(key), SIGNATURE)["result"]
        except (UserError, KeyError):
            return None

    def put(self, key: Mapping[str, Any], result: Mapping[str, Any]) -> None:
        """Keeps a result; JSON values."""
        if self._folder is not None:
            files.write_signed(self._path(key), {"key": key, "result": result}, SIGNATURE)

    def _path(self, key: Mapping[str, Any]) -> Path:
        assert self._folder is not None
        return self._folder / f"{files.digest_of(key)}.json"


def examples_sha256(examples: Examples) -> str:
    """Of the images as the network sees them, with their labels."""
    total = hashlib.sha256(f"{len(examples)} {examples.image_shape}".encode())
    total.update(examples.labels.astype("<i4").tobytes())
    for first in range(0, len(examples), BATCH):
        images = examples.read(np.arange(first, min(first + BATCH, len(examples))))
        total.update(np.ascontiguousarray(images).tobytes())
    return total.hexdigest()
