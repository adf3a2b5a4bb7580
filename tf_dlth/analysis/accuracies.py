"""How sure an accuracy is that was measured on a number of images."""

from __future__ import annotations

import math


def standard_error(accuracy: float, images: int) -> float:
    """Of a fraction that was counted on so many images, as a fraction."""
    return math.sqrt(accuracy * (1 - accuracy) / images)


def error_of_difference(first: float, second: float, images: int) -> float:
    """The standard error of the difference of two accuracies on the same images, at most, as a fraction.

    Classifiers that err on the same images make it smaller.
    """
    return math.hypot(standard_error(first, images), standard_error(second, images))
