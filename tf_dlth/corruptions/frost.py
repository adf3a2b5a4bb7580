"""Frost: photographs from a folder, or crystals drawn in their place."""

from __future__ import annotations

import math
from collections.abc import Iterator
from pathlib import Path
from typing import Final, NamedTuple

import cv2
import numpy as np
from numpy.typing import NDArray

from tf_dlth.corruptions.filters import Image
from tf_dlth.corruptions.plasma import plasma
from tf_dlth.corruptions.severities import SIDE
from tf_dlth.data.examples import read_file
from tf_dlth.data.images import open_image
from tf_dlth.errors import UserError

USED: Final = 5
"""The published set has six photographs and, by an index that stops early, draws from the first five."""

SCALE: Final = 0.2
SUFFIXES: Final = (".png", ".jpg", ".jpeg")

PANE: Final = 1024
"""Side in pixels of a drawn picture before it is made smaller."""
FEATHERS: Final = 9
"""Feathers along each side of the pane."""
DRAWING: Final = 2019
"""Seed of the drawn pictures, which are the same whatever the set's seed is."""
TINT: Final = np.array([0.86, 0.94, 1.0])
BRANCH_ANGLE: Final = math.radians(60)


def photographs(folder: Path) -> list[Image]:
    """The first five images of ``folder`` by name, made smaller by .2, uint8 [H, W, 3].

    Raises UserError when the folder has no image, or one that cannot be read or is too small.
    """
    if not folder.is_dir():
        raise UserError(f"--frost: there is no folder {folder}")
    files = sorted(path for path in folder.iterdir() if path.suffix.lower() in SUFFIXES)[:USED]
    if not files:
        raise UserError(f"--frost: {folder} holds no .png or .jpg photograph of frost")
    return [_photograph(file) for file in files]


def _photograph(file: Path) -> Image:
    # Without its transparency, if it has any: so OpenCV read the photographs of the published set.
    picture = open_image(read_file(file), str(file)).convert("RGB")
    small = smaller(np.asarray(picture, np.uint8))
    if min(small.shape[:2]) <= SIDE:
        least = math.ceil((SIDE + 1) / SCALE)
        raise UserError(f"--frost: {file} is too small; each side must have at least {least} px")
    return small


def smaller(picture: Image) -> Image:
    """uint8 [H, W, 3] at the scale at which frost is laid over the images."""
    return cv2.resize(picture, (0, 0), fx=SCALE, fy=SCALE).astype(np.uint8)


def drawn_crystals() -> list[Image]:
    """Five drawn textures of frost, always the same, uint8 [H, W, 3].

    Bright bluish feathers of ice, branching at 60 degrees, over a thin uneven film on a dark pane.
    """
    return [smaller(_pane(np.random.default_rng([DRAWING, number]))) for number in range(USED)]


def _pane(rng: np.random.Generator) -> Image:
    lines = np.zeros((PANE, PANE), np.uint8)
    for stroke in _feathers(rng):
        cv2.line(lines, stroke.start, stroke.end, stroke.light, stroke.width, cv2.LINE_AA)
    ice = cv2.GaussianBlur(lines / np.float32(255), (0, 0), 1.5)
    halo = cv2.GaussianBlur(ice, (0, 0), 20)
    film = plasma(PANE, 1.5, rng)
    light = np.clip(0.75 * ice * (0.5 + film) + 0.35 * halo + 0.35 * film, 0, 1)
    return (255 * light[..., None] * TINT).astype(np.uint8)


class Stroke(NamedTuple):
    """A line of ice: two points (column, row), width in pixels, grey level."""

    start: tuple[int, int]
    end: tuple[int, int]
    width: int
    light: int


def _feathers(rng: np.random.Generator) -> Iterator[Stroke]:
    """Feathers of ice from the jittered points of a grid, in random directions."""
    for column, row in np.ndindex(FEATHERS, FEATHERS):
        root = (np.array([column, row]) + rng.uniform(0, 1, 2)) * PANE / FEATHERS
        yield from _feather(root, rng.uniform(0, 2 * math.pi), rng.uniform(150, 330), 9, rng)


def _feather(
    root: NDArray[np.float64], angle: float, length: float, width: int, rng: np.random.Generator
) -> Iterator[Stroke]:
    """A spine with branches on both sides that grow shorter towards its tip, down to bare needles."""
    along = length * np.array([math.cos(angle), math.sin(angle)])
    yield Stroke(_point(root), _point(root + along), width, int(rng.integers(90, 256)))
    if width <= 3:
        return
    for share in np.arange(0.1, 1, max(0.09, 32 / length)):
        for side in (-1, 1):
            reach = length * (1 - share) * rng.uniform(0.25, 0.55)
            turn = side * BRANCH_ANGLE + rng.normal(0, 0.08)
            yield from _feather(root + share * along, angle + turn, reach, width - 3, rng)


def _point(place: NDArray[np.float64]) -> tuple[int, int]:
    return round(float(place[0])), round(float(place[1]))
