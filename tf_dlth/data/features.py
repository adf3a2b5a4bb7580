"""Simple features of images, as classifiers used them before networks: colours, and directions of edges."""

from __future__ import annotations

import numpy as np

CELLS, LEVELS, DIRECTIONS = 4, 16, 9
"""Cells a side of the picture; bins of a colour's histogram, and of an edge's direction (0 to 180 degrees)."""
FAINT = 1e-3
"""Edges whose sum in a cell is about this count for little: what has no edges has no direction."""
SIDE = 64
"""Pixels: larger pictures are reduced to between this and twice this, which keeps their cost small."""


def colour_and_edges(images: np.ndarray) -> np.ndarray:
    """float32 [N, D] of uint8 ``images`` [N, H, W, C]: what is in each picture, and about where."""
    images = _reduced(images)
    cells = _cells(*images.shape[1:3])
    channels = [images[..., channel] for channel in range(images.shape[-1])]
    colours = [part for channel in channels for part in (_histogram(channel), *_moments(channel, cells))]
    return np.concatenate([*colours, _edges(images.mean(-1) / 255, cells)], axis=1).astype(np.float32)


def _reduced(images: np.ndarray) -> np.ndarray:
    """The means of squares of pixels, uint8, where the shorter side has at least 2 ``SIDE``."""
    count, height, width, channels = images.shape
    if (size := min(height, width) // SIDE) < 2:
        return images
    rows, columns = height // size, width // size
    squares = images[:, : rows * size, : columns * size].reshape(count, rows, size, columns, size, channels)
    return np.rint(squares.mean((2, 4))).astype(np.uint8)


def _cells(height: int, width: int) -> np.ndarray:
    """int [H, W]: the number of the cell that each pixel is in, from 0 without gaps."""
    rows, columns = (np.arange(side) * min(CELLS, side) // side for side in (height, width))
    return rows[:, None] * min(CELLS, width) + columns


def _histogram(channel: np.ndarray) -> np.ndarray:
    """[N, LEVELS]: the share of pixels at each level of ``channel`` [N, H, W]."""
    return _sums(channel // (256 // LEVELS), LEVELS) / channel[0].size


def _moments(channel: np.ndarray, cells: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Mean and standard deviation of ``channel`` in each cell, both [N, cells], of values in 0..1."""
    counts, values = np.bincount(cells.ravel()), channel / 255
    bins = np.broadcast_to(cells, channel.shape)
    mean, square = (_sums(bins, len(counts), weights) / counts for weights in (values, values**2))
    return mean, np.sqrt(np.maximum(square - mean**2, 0))


def _edges(grey: np.ndarray, cells: np.ndarray) -> np.ndarray:
    """[N, cells * DIRECTIONS]: how strong the edges of each direction are in each cell, of unit length a cell."""
    padded = np.pad(grey, ((0, 0), (1, 1), (1, 1)), mode="edge")
    down, right = padded[:, 2:, 1:-1] - padded[:, :-2, 1:-1], padded[:, 1:-1, 2:] - padded[:, 1:-1, :-2]
    direction = (np.arctan2(down, right) / np.pi % 1 * DIRECTIONS).astype(int) % DIRECTIONS
    sums = _sums(cells * DIRECTIONS + direction, (cells.max() + 1) * DIRECTIONS, np.hypot(down, right))
    by_cell = sums.reshape(len(grey), -1, DIRECTIONS)
    return (by_cell / (np.linalg.norm(by_cell, axis=-1, keepdims=True) + FAINT)).reshape(len(grey), -1)


def _sums(bins: np.ndarray, count: int, weights: np.ndarray | None = None) -> np.ndarray:
    """[N, count]: the sum of ``weights``, or the number, of the pixels of each image in each of ``bins`` [N, H, W]."""
    images = len(bins)
    numbers = np.arange(images)[:, None, None] * count + bins
    flat = None if weights is None else weights.ravel()
    return np.bincount(numbers.ravel(), flat, images * count).reshape(images, count)
