"""Layer densities, and those that weight scale alone would give (paper figure 6)."""

from __future__ import annotations

import math
from collections.abc import Mapping

import numpy as np

from tf_dlth.analysis.layers import Masks, Weights, require_layers


def layer_densities(masks: Masks) -> dict[str, float]:
    """Remaining over all weights of each layer, in the order given."""
    return {name: float(np.count_nonzero(mask) / mask.size) for name, mask in masks.items()}


def null_masks(weights: Weights, masks: Masks) -> dict[str, np.ndarray]:
    """The null control: boolean masks that keep as many weights as ``masks``, the largest magnitudes of ``weights``.

    One threshold for all layers, applied once to the dense network; the count is exact, and of equal magnitudes
    those go first that come first by (variable name, position). Given the weights before training (theta_0 or
    theta_r), it shows how much of a ticket's layer densities the scale of the first weights explains.

    Raises UserError for other layers or shapes, ValueError for NaN or infinite weights.
    """
    require_layers(masks, weights)
    names = sorted(masks)
    magnitudes = np.concatenate([np.abs(weights[name]).ravel() for name in names])
    if not np.isfinite(magnitudes).all():
        raise ValueError("NaN or infinite weights cannot be ranked")
    keep = _largest(magnitudes, sum(int(np.count_nonzero(mask)) for mask in masks.values()))
    ends = np.cumsum([masks[name].size for name in names])[:-1]
    kept = dict(zip(names, np.split(keep, ends), strict=True))
    return {name: kept[name].reshape(mask.shape) for name, mask in masks.items()}


def uniform_bound(fan_in: int) -> float:
    """The bound of the first weights of ResNet and MobileNet, drawn from U(-1/sqrt(fan_in), 1/sqrt(fan_in))."""
    return 1 / math.sqrt(fan_in)


def expected_null_densities(sizes: Mapping[str, int], bounds: Mapping[str, float], density: float) -> dict[str, float]:
    """The null control's layer densities in expectation, for layers of ``sizes`` weights from U(-bound, bound).

    ``density`` is the whole network's, in [0, 1]. Solves sum(size * max(0, 1 - t / bound)) = density * sum(size)
    for the threshold t in closed form.
    """
    n = np.array([sizes[name] for name in sizes], float)
    bound = np.array([bounds[name] for name in sizes], float)
    threshold = _threshold(n, bound, density * n.sum())
    return dict(zip(sizes, np.maximum(0, 1 - threshold / bound).tolist(), strict=True))


def _threshold(n: np.ndarray, bound: np.ndarray, remaining: float) -> float:
    """n, bound: float64 [layers]."""
    order = np.argsort(bound)[::-1]
    # Dropping the layers that are all below the threshold makes the sum a line in it. The sum is the largest of
    # these lines, as each line but one keeps negative terms or drops positive ones; so its root is their largest.
    intercepts, slopes = np.cumsum(n[order]), np.cumsum((n / bound)[order])
    return float(np.max((intercepts - remaining) / slopes))


def _largest(values: np.ndarray, count: int) -> np.ndarray:
    """A boolean array that marks exactly the ``count`` largest values, of equal ones the last."""
    if count == 0:
        return np.zeros(values.shape, bool)
    threshold = np.partition(values, values.size - count)[values.size - count]
    chosen = values > threshold
    ties = np.flatnonzero(values == threshold)
    chosen[ties[ties.size - (count - np.count_nonzero(chosen)) :]] = True
    return chosen
