"""The names of the operations that a plan may hold."""

from __future__ import annotations

import enum


class Operation(enum.IntEnum):
    """What a slot of a plan does to one image, and the unit of its value.

    The semantics are Pillow's on uint8 images; ``HUE`` is torchvision's on Pillow images.
    """

    IDENTITY = 0
    INVERT = 1
    SOLARIZE = 2  # threshold in 0..256: levels from it on are inverted
    POSTERIZE = 3  # bits kept, 1..8
    AUTOCONTRAST = 4
    EQUALIZE = 5
    BRIGHTNESS = 6  # factor; 1 is the image itself
    CONTRAST = 7  # factor
    COLOR = 8  # factor; 0 is gray
    SHARPNESS = 9  # factor
    HUE = 10  # share of the full circle, -0.5..0.5
    ROTATE = 11  # degrees counter-clockwise about the centre, nearest pixel
    SHEAR_X = 12  # pixels along x per pixel along y, about the top left corner, nearest pixel
    SHEAR_Y = 13
    TRANSLATE_X = 14  # share of the side, nearest pixel
    TRANSLATE_Y = 15
    SHEAR_X_BICUBIC = 16
    SHEAR_Y_BICUBIC = 17
