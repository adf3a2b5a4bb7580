"""The 19 corruptions of CIFAR-10-C, their groups and their five severities.

Hendrycks and Dietterich, "Benchmarking Neural Network Robustness to Common Corruptions and Perturbations"
(ICLR 2019); the numbers are those of the 32 px set, which are milder than ImageNet-C's.
"""

from __future__ import annotations

import difflib
from collections.abc import Iterable, Sequence
from typing import Final

from tf_dlth.errors import UserError

Level = tuple[float, ...]

SIDE: Final = 32
"""Side in pixels of the images for which every radius, displacement and crop below is stated."""

SEVERITIES: Final = (1, 2, 3, 4, 5)

GROUPS: Final[dict[str, tuple[str, ...]]] = {
    "noise": ("gaussian_noise", "shot_noise", "impulse_noise"),
    "blur": ("defocus_blur", "glass_blur", "motion_blur", "zoom_blur"),
    "weather": ("snow", "frost", "fog", "brightness"),
    "digital": ("contrast", "elastic_transform", "pixelate", "jpeg_compression"),
    "extra": ("speckle_noise", "gaussian_blur", "spatter", "saturate"),
}

KINDS: Final = tuple(kind for kinds in GROUPS.values() for kind in kinds)

LEVELS: Final[dict[str, tuple[Level, Level, Level, Level, Level]]] = {
    # standard deviation
    "gaussian_noise": ((0.04,), (0.06,), (0.08,), (0.09,), (0.10,)),
    # Poisson events of a white pixel
    "shot_noise": ((500,), (250,), (100,), (75,), (50,)),
    # share of values set to black or white
    "impulse_noise": ((0.01,), (0.02,), (0.03,), (0.05,), (0.07,)),
    # standard deviation as a share of the value
    "speckle_noise": ((0.06,), (0.1,), (0.12,), (0.16,), (0.2,)),
    # standard deviation in pixels
    "gaussian_blur": ((0.4,), (0.6,), (0.7,), (0.8,), (1.0,)),
    # standard deviation in pixels of the blur before and after, rounds of moving
    "glass_blur": ((0.05, 1), (0.25, 1), (0.4, 1), (0.25, 2), (0.4, 2)),
    # radius in pixels, standard deviation that softens the disk's edge
    "defocus_blur": ((0.3, 0.4), (0.4, 0.5), (0.5, 0.6), (1.0, 0.2), (1.5, 0.1)),
    # radius and standard deviation in pixels
    "motion_blur": ((6, 1.0), (6, 1.5), (6, 2.0), (8, 2.0), (9, 2.5)),
    # end of the range of zooms, in steps of .01 from 1
    "zoom_blur": ((1.06,), (1.11,), (1.16,), (1.21,), (1.26,)),
    # amount, decay of the plasma's roughness
    "fog": ((0.2, 3), (0.5, 3), (0.75, 2.5), (1.0, 2), (1.5, 1.75)),
    # weight of the image, weight of the frost
    "frost": ((1.0, 0.2), (1.0, 0.3), (0.9, 0.4), (0.85, 0.4), (0.75, 0.45)),
    # mean, deviation and zoom of the flakes, threshold, radius and deviation of their motion, image weight
    "snow": (
        (0.1, 0.2, 1.0, 0.6, 8, 3, 0.95),
        (0.1, 0.2, 1.0, 0.5, 10, 4, 0.9),
        (0.15, 0.3, 1.75, 0.55, 10, 4, 0.9),
        (0.25, 0.3, 2.25, 0.6, 12, 6, 0.85),
        (0.3, 0.3, 1.25, 0.65, 14, 12, 0.8),
    ),
    # added to the HSV value
    "brightness": ((0.05,), (0.1,), (0.15,), (0.2,), (0.3,)),
    # mean, deviation and blur of the liquid, threshold, strength (water) or edge blur (mud), 1 for mud
    "spatter": (
        (0.62, 0.1, 0.7, 0.7, 0.5, 0),
        (0.65, 0.1, 0.8, 0.7, 0.5, 0),
        (0.65, 0.3, 1.0, 0.69, 0.5, 0),
        (0.65, 0.1, 0.7, 0.69, 0.6, 1),
        (0.65, 0.1, 0.5, 0.68, 0.6, 1),
    ),
    # factor about the channel's mean
    "contrast": ((0.75,), (0.5,), (0.4,), (0.3,), (0.15,)),
    # factor and offset of the HSV saturation
    "saturate": ((0.3, 0.0), (0.1, 0.0), (1.5, 0.0), (2.0, 0.1), (2.5, 0.2)),
    # JPEG quality
    "jpeg_compression": ((80,), (65,), (58,), (50,), (40,)),
    # side of the small image as a share
    "pixelate": ((0.95,), (0.9,), (0.85,), (0.75,), (0.65,)),
    # displacement, its smoothing and the affine jitter, each as a share of the side
    "elastic_transform": (
        (0.0, 0.0, 0.08),
        (0.05, 0.2, 0.07),
        (0.08, 0.06, 0.06),
        (0.1, 0.04, 0.05),
        (0.1, 0.03, 0.03),
    ),
}


def published_order(kinds: Sequence[str]) -> tuple[str, ...]:
    """The kinds in the order of ``KINDS``; raises UserError for an unknown one."""
    for kind in kinds:
        if kind not in KINDS:
            near = difflib.get_close_matches(kind, KINDS, n=1)
            hint = f"did you mean {near[0]}?" if near else f"known are {', '.join(KINDS)}"
            raise UserError(f"kinds: there is no corruption {kind!r}; {hint}")
    return tuple(kind for kind in KINDS if kind in kinds)


def ascending(severities: Iterable[int]) -> tuple[int, ...]:
    """The severities in order, each once; raises UserError for none or one outside 1..5."""
    ordered = tuple(sorted(set(severities)))
    if not ordered or not set(ordered) <= set(SEVERITIES):
        raise UserError(f"severities: whole numbers from 1 to 5, such as 1,3,5, not {list(ordered)}")
    return ordered
