"""What a set of corrupted images is made of, checked before anything is written."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import PIL
import scipy
import skimage
from numpy.typing import NDArray

from tf_dlth.corruptions.filters import Image
from tf_dlth.corruptions.frost import drawn_crystals, photographs
from tf_dlth.corruptions.severities import SIDE, ascending, published_order
from tf_dlth.errors import UserError

Labels = NDArray[np.integer[Any]]


@dataclass(frozen=True)
class Recipe:
    """Images uint8 [N, 32, 32, 1 or 3], labels [N], ascending severities, kinds in the published order.

    ``textures`` are laid over the images as frost, and none if that is not among the kinds; ``drawn`` says
    that they are no photographs.
    """

    images: Image
    labels: Labels
    source: str
    kinds: tuple[str, ...]
    severities: tuple[int, ...]
    seed: int
    textures: tuple[Image, ...]
    drawn: bool

    @property
    def total(self) -> int:
        """Corrupted images of one kind."""
        return len(self.severities) * len(self.images)

    def identity(self) -> dict[str, Any]:
        """All that a kind's file depends on, as JSON values; ``frost`` only if that is made."""
        common = {
            "source": self.source,
            "source_sha256": _digest(self.images, self.labels.astype(np.int64)),
            "images": len(self.images),
            "shape": list(self.images.shape[1:]),
            "seed": self.seed,
            "severities": list(self.severities),
            "versions": _versions(),
        }
        if not self.textures:
            return common
        textures = "drawn crystals" if self.drawn else "photographs"
        return {**common, "frost": {"textures": textures, "sha256": _digest(*self.textures)}}


def recipe(
    images: Image,
    labels: Labels,
    source: str,
    kinds: Sequence[str],
    severities: Sequence[int],
    seed: int,
    frost: Path | None,
) -> Recipe:
    """The checked recipe of images uint8 [N, H, W, C] and labels int [N]; raises UserError for what cannot be made."""
    require_size(images.shape[1:], source)
    ordered = published_order(kinds)
    return Recipe(
        images=images,
        labels=_one_each(labels, images),
        source=source,
        kinds=ordered,
        severities=ascending(severities),
        seed=_not_negative(seed),
        textures=_textures(ordered, frost),
        drawn=frost is None,
    )


def require_size(shape: tuple[int, ...], source: str) -> None:
    """Raises UserError unless (H, W, C) is one that the corruptions are defined for."""
    if shape not in ((SIDE, SIDE, 1), (SIDE, SIDE, 3)):
        raise UserError(
            f"the images of {source} are {' x '.join(map(str, shape))}, but the corruptions are defined for "
            f"{SIDE} x {SIDE} px with 1 or 3 channels; choose another data set"
        )


def _textures(kinds: Sequence[str], frost: Path | None) -> tuple[Image, ...]:
    if "frost" not in kinds:
        if frost:
            raise UserError(f"--frost: {frost} is given, but frost is not among the kinds to make")
        return ()
    return tuple(photographs(frost) if frost else drawn_crystals())


def _one_each(labels: Labels, images: Image) -> Labels:
    if labels.shape != images.shape[:1]:
        raise ValueError(f"{len(images)} images have labels of shape {labels.shape}")
    return labels


def _not_negative(seed: int) -> int:
    if seed < 0:
        raise UserError(f"seed: a whole number from 0 on, not {seed}")
    return seed


def _digest(*arrays: NDArray[Any]) -> str:
    digest = hashlib.sha256()
    for array in arrays:
        digest.update(np.ascontiguousarray(array).data)
    return digest.hexdigest()


def _versions() -> dict[str, str]:
    modules = (np, scipy, skimage, cv2, PIL)
    return {module.__name__: str(module.__version__) for module in modules}
