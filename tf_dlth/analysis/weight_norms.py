"""Size of a ticket's weights against the dense network's (paper table 6, whose norm is not defined)."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass, fields

import numpy as np

from tf_dlth.analysis.layers import Masks, Weights, require_layers


@dataclass(frozen=True)
class NormRatios:
    """Ticket over dense, in three readings of the table.

    ``masked``: L2 norms of the weights that the mask keeps, in both. ``magnitude``: mean absolute values of these.
    ``whole``: L2 norm of the ticket's over that of the whole dense layer, never above ``masked``.
    """

    masked: float
    magnitude: float
    whole: float


@dataclass(frozen=True)
class WeightNorms:
    """By layer, in the order of the masks, and the mean over layers.

    A layer without remaining weights has no ``masked`` and no ``magnitude``: NaN, and left out of those means.
    """

    layers: dict[str, NormRatios]
    mean: NormRatios


def weight_norms(ticket: Weights, dense: Weights, masks: Masks) -> WeightNorms:
    """Compares trained weights of a ticket with those of a dense network, under the ticket's ``masks``.

    Raises UserError where either lacks a layer of ``masks`` or has it in another shape.
    """
    require_layers(masks, ticket)
    require_layers(masks, dense)
    layers = {name: _ratios(ticket[name][mask], dense[name], mask) for name, mask in masks.items()}
    return WeightNorms(layers, _mean(list(layers.values())))


def _ratios(kept: np.ndarray, dense: np.ndarray, mask: np.ndarray) -> NormRatios:
    """kept: float [remaining]; dense and mask: the layer's shape."""
    masked = dense[mask]
    return NormRatios(
        masked=_quotient(_l2(kept), _l2(masked)),
        magnitude=_quotient(_l1(kept), _l1(masked)),  # of equally many weights, so their number cancels
        whole=_quotient(_l2(kept), _l2(dense)),
    )


def _mean(layers: Sequence[NormRatios]) -> NormRatios:
    return NormRatios(
        **{field.name: _mean_of([getattr(x, field.name) for x in layers]) for field in fields(NormRatios)}
    )


def _mean_of(values: Sequence[float]) -> float:
    defined = [value for value in values if not math.isnan(value)]
    return math.fsum(defined) / len(defined) if defined else math.nan


def _l1(x: np.ndarray) -> float:
    return float(np.abs(x).sum(dtype=np.float64))


def _l2(x: np.ndarray) -> float:
    return math.sqrt(np.square(x, dtype=np.float64).sum())


def _quotient(x: float, y: float) -> float:
    if y == 0:
        return math.nan if x == 0 else math.inf
    return x / y
