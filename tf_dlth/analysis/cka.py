"""Similarity of two networks' layers: linear CKA over mini-batches (paper figure 7).

Nguyen, Raghu and Kornblith 2021 with the unbiased HSIC_1 of Song et al. 2012.
"""

from __future__ import annotations

from collections.abc import Iterable

import numpy as np


class MinibatchCKA:
    """Accumulates HSIC terms batch by batch; they are averaged before the quotient is taken.

    Every batch counts the same, a last, smaller one too.
    """

    def __init__(self) -> None:
        self._cross, self._first, self._second = np.zeros(()), np.zeros(()), np.zeros(())

    def add(self, first: Iterable[np.ndarray], second: Iterable[np.ndarray] | None = None) -> None:
        """One batch of at least 4 images: the taps [N, ...] of both networks, floating point of any width.

        Without ``second`` the first network is compared with itself. The taps are read once, one at a time.
        """
        a = _centred_grams(first)
        b = a if second is None else _centred_grams(second)
        self._cross = self._cross + a @ b.T
        self._first = self._first + np.square(a).sum(1)
        self._second = self._second + np.square(b).sum(1)

    def matrix(self) -> np.ndarray:
        """CKA [taps of the first, taps of the second], float64; NaN for a tap that is the same for all images.

        Being unbiased, it may lie slightly below 0 and, between networks, slightly above 1.
        """
        with np.errstate(invalid="ignore", divide="ignore"):
            return self._cross / np.sqrt(np.multiply.outer(self._first, self._second))


def first_half_mean(cka: np.ndarray) -> float:
    """Mean of a CKA matrix, float [A, B], among the first half of the layers, rounded down; the diagonal takes part."""
    rows, columns = (max(1, size // 2) for size in cka.shape)
    return float(cka[:rows, :columns].mean())


def largest_block(cka: np.ndarray, above: float = 0.8) -> int:
    """Layers of the largest block on the diagonal of ``cka``, float [A, A], whose entries all exceed ``above``."""
    if cka.ndim != 2 or cka.shape[0] != cka.shape[1]:
        raise ValueError(f"blocks on the diagonal need as many layers in both networks, not {cka.shape}")
    similar, start, largest = cka > above, 0, 0
    for end in range(1, len(cka) + 1):
        # A block within a similar block is similar: the start never has to go back.
        while start < end and not similar[start:end, start:end].all():
            start += 1
        largest = max(largest, end - start)
    return largest


def _centred_grams(taps: Iterable[np.ndarray]) -> np.ndarray:
    """[taps, N * N], float64, such that rows' inner products are HSIC_1.

    Song's three terms are one inner product of matrices centred as Szekely and Rizzo (2014) do it.
    """
    return np.stack([_u_centred(_gram(tap)).ravel() for tap in taps])


def _gram(tap: np.ndarray) -> np.ndarray:
    """Inner products of images [N, N], float64, of features [N, ...] less their mean."""
    features = tap.reshape(len(tap), -1).astype(np.result_type(tap.dtype, np.float32))
    # The mean changes no HSIC_1, but without it products of float32 would lose digits.
    features -= features.mean(0)
    return (features @ features.T).astype(np.float64)


def _u_centred(gram: np.ndarray) -> np.ndarray:
    """U-centred Gram matrix [N, N] over sqrt(N (N - 3)): without diagonal, every row sums to zero."""
    n = len(gram)
    if n < 4:
        raise ValueError(f"unbiased HSIC needs batches of at least 4 images, not {n}")
    np.fill_diagonal(gram, 0)
    rows = gram.sum(0) / (n - 2)
    centred = gram - rows - rows[:, None] + gram.sum() / ((n - 1) * (n - 2))
    np.fill_diagonal(centred, 0)
    return centred / np.sqrt(n * (n - 3))
