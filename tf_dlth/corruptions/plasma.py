"""Plasma: the diamond-square fractal that fog is made of."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

Heights = NDArray[np.float64]


def plasma(side: int, decay: float, rng: np.random.Generator) -> Heights:
    """A height map [side, side] in 0..1 on a torus; ``side`` is a power of two.

    Each halving of the grid divides the noise's scale by ``decay``.
    """
    heights = np.zeros((side, side))
    step, scale = side, 100.0
    while step >= 2:
        _fill_squares(heights, step, scale, rng)
        _fill_diamonds(heights, step, scale, rng)
        step //= 2
        scale /= decay
    heights -= heights.min()
    return heights / heights.max()


def _fill_squares(heights: Heights, step: int, scale: float, rng: np.random.Generator) -> None:
    """Sets the centre of each square to the mean of its four corners, noisy."""
    corners = heights[::step, ::step]
    below = np.roll(corners, -1, axis=0)
    total = corners + below + np.roll(corners + below, -1, axis=1)
    heights[step // 2 :: step, step // 2 :: step] = _noisy_mean(total, scale, rng)


def _fill_diamonds(heights: Heights, step: int, scale: float, rng: np.random.Generator) -> None:
    """Sets the middle of each edge to the mean of its two corners and the two centres beside it, noisy."""
    corners = heights[::step, ::step]
    centres = heights[step // 2 :: step, step // 2 :: step]
    horizontal = corners + np.roll(corners, -1, axis=1) + centres + np.roll(centres, 1, axis=0)
    vertical = corners + np.roll(corners, -1, axis=0) + centres + np.roll(centres, 1, axis=1)
    heights[::step, step // 2 :: step] = _noisy_mean(horizontal, scale, rng)
    heights[step // 2 :: step, ::step] = _noisy_mean(vertical, scale, rng)


def _noisy_mean(total_of_four: Heights, scale: float, rng: np.random.Generator) -> Heights:
    # The scale enters twice, as in the published set: the noise falls with the square of the decay.
    return total_of_four / 4 + scale * rng.uniform(-scale, scale, total_of_four.shape)
