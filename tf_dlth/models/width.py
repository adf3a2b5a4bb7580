"""Dense networks as small as a ticket."""

from __future__ import annotations

import math
from collections.abc import Callable
from functools import cache

from tf_dlth.config import Normalisation
from tf_dlth.errors import UserError
from tf_dlth.models.build import build
from tf_dlth.models.prunable import prunable_names
from tf_dlth.models.spec import MAX_WIDTH, ModelSpec
from tf_dlth.models.variables import named_variables

PROBE_WIDTH = 16


def prunable_count(spec: ModelSpec) -> int:
    """How many weights of the dense network can be pruned."""
    channels = spec.input_shape[2]
    model = build(spec, Normalisation(mean=(0.0,) * channels, std=(1.0,) * channels))
    variables = named_variables(model)
    return sum(variables[name].shape.num_elements() for name in prunable_names(model))


def matching_width(spec: ModelSpec, count: int) -> int:
    """The width at which ``spec`` has as nearly as possible ``count`` prunable weights; the smaller of two.

    ``spec.width`` is not looked at. Raises UserError when no width up to 4096 has as many.
    """

    @cache
    def count_at(width: int) -> int:
        return prunable_count(spec.model_copy(update={"width": width}))

    # Nearly quadratic in the width, so that one small network tells where to look.
    guess = round(PROBE_WIDTH * math.sqrt(count / max(1, count_at(PROBE_WIDTH))))
    above = _first_at_least(count_at, count, min(max(1, guess), MAX_WIDTH))
    return min((w for w in (above - 1, above) if w > 0), key=lambda w: abs(count_at(w) - count))


def _first_at_least(count_at: Callable[[int], int], count: int, width: int) -> int:
    """The smallest width with at least ``count``, searched stepwise from a good guess."""
    while width > 1 and count_at(width - 1) >= count:
        width -= 1
    while count_at(width) < count:
        if width == MAX_WIDTH:
            raise UserError(f"model.width: no width up to {MAX_WIDTH} has {count} prunable weights")
        width += 1
    return width
