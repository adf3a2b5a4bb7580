"""Whether arrays that are compared layer by layer belong to one network."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np

from tf_dlth.errors import UserError

Weights = Mapping[str, np.ndarray]
"""Variable name -> float32 array; may hold other variables than the prunable ones."""
Masks = Mapping[str, np.ndarray]
"""Name of a prunable variable -> boolean array of its shape: True remains."""


def require_layers(masks: Masks, others: Mapping[str, np.ndarray]) -> None:
    """Raises UserError naming the first layer of ``masks`` that ``others`` lacks or has in another shape."""
    for name, mask in masks.items():
        if name not in others:
            raise UserError(f"{name} is in one network and not in the other; compare networks of one architecture")
        if others[name].shape != mask.shape:
            raise UserError(
                f"{name} has shape {mask.shape} in one network and {others[name].shape} in the other; "
                "compare networks of one architecture and width"
            )
