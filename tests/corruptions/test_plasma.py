from __future__ import annotations

import numpy as np
import pytest

from tf_dlth.corruptions.plasma import plasma


def _slow_plasma(side: int, decay: float, rng: np.random.Generator) -> np.ndarray:
    """Diamond-square point by point on a torus: each new point is the mean of four plus noise."""
    heights: dict[tuple[int, int], float] = {(0, 0): 0.0}

    def at(row: int, column: int) -> float:
        return heights[row % side, column % side]

    step, scale = side, 100.0
    while step >= 2:
        half, cells = step // 2, side // step
        for offsets, around in (
            ((half, half), ((-half, -half), (-half, half), (half, -half), (half, half))),
            ((0, half), ((0, -half), (0, half), (-half, 0), (half, 0))),
            ((half, 0), ((0, -half), (0, half), (-half, 0), (half, 0))),
        ):
            noise = scale * rng.uniform(-scale, scale, (cells, cells))
            new = {}
            for i, j in np.ndindex(cells, cells):
                row, column = i * step + offsets[0], j * step + offsets[1]
                new[row, column] = sum(at(row + a, column + b) for a, b in around) / 4 + noise[i, j]
            heights.update(new)
        step, scale = half, scale / decay
    result = np.array([[heights[row, column] for column in range(side)] for row in range(side)])
    result -= result.min()
    return result / result.max()


@pytest.mark.parametrize("decay", [1.75, 3.0])
def test_plasma_is_diamond_square(decay: float) -> None:
    expected = _slow_plasma(16, decay, np.random.default_rng(5))
    np.testing.assert_allclose(plasma(16, decay, np.random.default_rng(5)), expected, atol=1e-12)


def test_plasma_spans_the_unit_range() -> None:
    heights = plasma(32, 2, np.random.default_rng(0))
    assert (heights.min(), heights.max()) == (0, 1)


def test_a_larger_decay_is_smoother() -> None:
    roughness = [
        np.mean([np.abs(np.diff(plasma(32, decay, np.random.default_rng(s)))).mean() for s in range(20)])
        for decay in (1.75, 2, 2.5, 3)
    ]
    assert roughness == sorted(roughness, reverse=True)
