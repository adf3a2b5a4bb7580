"""What a set of corrupted images is made of, checked before anything is written."""

from __future__ import annotations

import difflib
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

from tf_dlth.data.corruptions.filters import Image
from tf_dlth.data.corruptions.frost import drawn_crystals, photographs
from tf_dlth.data.corruptions.severities import KINDS, SEVERITIES, SIDE
from tf_dlth.errors import UserError

Labels = NDArray[np.integer[Any]]


@dataclass(frozen=True)
class Recipe:
    """Images uint8 [N, 32, 32, 1 or 3], labels [N], ascending severities, kinds in the published order.

    ``textures`` are laid over the images as frost; ``drawn`` says that they are no photographs.
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
        """All that the files depend on, as JSON values; the kinds are not among it, as each has its own file."""
        return {
            "source": self.source,
            "source_sha256": _digest(self.images, self.labels.astype(np.int64)),
            "images": len(self.images),
            "shape": list(self.images.shape[1:]),
            "seed": self.seed,
            "severities": list(self.severities),
            "frost": {
                "textures": "drawn crystals" if self.drawn else "photographs",
                "sha256": _digest(*self.textures),
            },
            "versions": _versions(),
        }


def recipe(
    images: Image,
    labels: Labels,
    source: str,
    kinds: Sequence[str],
    severities: Sequence[int],
    seed: int,
    frost: Path | None,
) -> Recipe:
    """The checked recipe; raises UserError for what cannot be made."""
    return Recipe(
        images=_of_the_right_size(images, source),
        labels=_one_each(labels, images),
        source=source,
        kinds=_in_published_order(kinds),
        severities=_ascending(severities),
        seed=_not_negative(seed),
        textures=tuple(photographs(frost) if frost else drawn_crystals()),
        drawn=frost is None,
    )


def _of_the_right_size(images: Image, source: str) -> Image:
    if images.ndim != 4 or images.shape[1:3] != (SIDE, SIDE) or images.shape[3] not in (1, 3):
        size = " x ".join(str(length) for length in images.shape[1:])
        raise UserError(
            f"the images of {source} are {size}, but the corruptions are defined for {SIDE} x {SIDE} px "
            "with 1 or 3 channels; choose another data set"
        )
    return images


def _one_each(labels: Labels, images: Image) -> Labels:
    if labels.shape != images.shape[:1]:
        raise ValueError(f"{len(images)} images have labels of shape {labels.shape}")
    return labels


def _in_published_order(kinds: Sequence[str]) -> tuple[str, ...]:
    for kind in kinds:
        if kind not in KINDS:
            near = difflib.get_close_matches(kind, KINDS, n=1)
            hint = f"did you mean {near[0]}?" if near else f"known are {', '.join(KINDS)}"
            raise UserError(f"kinds: there is no corruption {kind!r}; {hint}")
    return tuple(kind for kind in KINDS if kind in kinds)


def _ascending(severities: Sequence[int]) -> tuple[int, ...]:
    if not severities or not set(severities) <= set(SEVERITIES):
        raise UserError(f"severities: whole numbers from 1 to 5, such as 1,3,5, not {list(severities)}")
    return tuple(sorted(set(severities)))


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
