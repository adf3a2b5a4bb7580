"""What may be drawn: AutoAugment's published sub-policies, its level tables, and the RandAugment variant's ranges."""

from __future__ import annotations

from typing import Final, Literal

from tf_dlth.data.augmentation.operation import Operation

Strength = Literal["none", "basic", "contrast", "auto", "rand"]
Library = Literal["randaugment", "augmix", "mixup", "cutmix"]
LIBRARY: Final = ("randaugment", "augmix", "mixup", "cutmix")
"""The augmentations that are Keras-CV's layers."""
Policy = Literal["cifar10", "imagenet"]

LEVELS: Final = 10

SubPolicy = tuple[tuple[str, float, int], tuple[str, float, int]]

# Cubuk et al., "AutoAugment: Learning Augmentation Policies from Data", CVPR 2019: the policy found on CIFAR-10.
# Each line is one sub-policy: (operation, probability, level), twice.
CIFAR10: Final[tuple[SubPolicy, ...]] = (
    (("invert", 0.1, 7), ("contrast", 0.2, 6)),
    (("rotate", 0.7, 2), ("translate_x", 0.3, 9)),
    (("sharpness", 0.8, 1), ("sharpness", 0.9, 3)),
    (("shear_y", 0.5, 8), ("translate_y", 0.7, 9)),
    (("autocontrast", 0.5, 8), ("equalize", 0.9, 2)),
    (("shear_y", 0.2, 7), ("posterize", 0.3, 7)),
    (("color", 0.4, 3), ("brightness", 0.6, 7)),
    (("sharpness", 0.3, 9), ("brightness", 0.7, 9)),
    (("equalize", 0.6, 5), ("equalize", 0.5, 1)),
    (("contrast", 0.6, 7), ("sharpness", 0.6, 5)),
    (("color", 0.7, 7), ("translate_x", 0.5, 8)),
    (("equalize", 0.3, 7), ("autocontrast", 0.4, 8)),
    (("translate_y", 0.4, 3), ("sharpness", 0.2, 6)),
    (("brightness", 0.9, 6), ("color", 0.2, 8)),
    (("solarize", 0.5, 2), ("invert", 0.0, 3)),
    (("equalize", 0.2, 0), ("autocontrast", 0.6, 0)),
    (("equalize", 0.2, 8), ("equalize", 0.6, 4)),
    (("color", 0.9, 9), ("equalize", 0.6, 6)),
    (("autocontrast", 0.8, 4), ("solarize", 0.2, 8)),
    (("brightness", 0.1, 3), ("color", 0.7, 0)),
    (("solarize", 0.4, 5), ("autocontrast", 0.9, 3)),
    (("translate_y", 0.9, 9), ("translate_y", 0.7, 9)),
    (("autocontrast", 0.9, 2), ("solarize", 0.8, 3)),
    (("equalize", 0.8, 8), ("invert", 0.1, 3)),
    (("translate_y", 0.7, 9), ("autocontrast", 0.9, 1)),
)

# The same paper's policy found on ImageNet.
IMAGENET: Final[tuple[SubPolicy, ...]] = (
    (("posterize", 0.4, 8), ("rotate", 0.6, 9)),
    (("solarize", 0.6, 5), ("autocontrast", 0.6, 5)),
    (("equalize", 0.8, 8), ("equalize", 0.6, 3)),
    (("posterize", 0.6, 7), ("posterize", 0.6, 6)),
    (("equalize", 0.4, 7), ("solarize", 0.2, 4)),
    (("equalize", 0.4, 4), ("rotate", 0.8, 8)),
    (("solarize", 0.6, 3), ("equalize", 0.6, 7)),
    (("posterize", 0.8, 5), ("equalize", 1.0, 2)),
    (("rotate", 0.2, 3), ("solarize", 0.6, 8)),
    (("equalize", 0.6, 8), ("posterize", 0.4, 6)),
    (("rotate", 0.8, 8), ("color", 0.4, 0)),
    (("rotate", 0.4, 9), ("equalize", 0.6, 2)),
    (("equalize", 0.0, 7), ("equalize", 0.8, 8)),
    (("invert", 0.6, 4), ("equalize", 1.0, 8)),
    (("color", 0.6, 4), ("contrast", 1.0, 8)),
    (("rotate", 0.8, 8), ("color", 1.0, 2)),
    (("color", 0.8, 8), ("solarize", 0.8, 7)),
    (("sharpness", 0.4, 7), ("invert", 0.6, 8)),
    (("shear_x", 0.6, 5), ("equalize", 1.0, 9)),
    (("color", 0.4, 0), ("equalize", 0.6, 3)),
    (("equalize", 0.4, 7), ("solarize", 0.2, 4)),
    (("solarize", 0.6, 5), ("autocontrast", 0.6, 5)),
    (("invert", 0.6, 4), ("equalize", 1.0, 8)),
    (("color", 0.6, 4), ("contrast", 1.0, 8)),
    (("equalize", 0.8, 8), ("equalize", 0.6, 3)),
)

AUTO_FILL: Final = 128
RAND_FILL: Final = 0
RAND_OPERATIONS: Final = 4

_AUTO_OPERATIONS: Final = {
    "shear_x": Operation.SHEAR_X_BICUBIC,
    "shear_y": Operation.SHEAR_Y_BICUBIC,
    "translate_x": Operation.TRANSLATE_X,
    "translate_y": Operation.TRANSLATE_Y,
    "rotate": Operation.ROTATE,
    "color": Operation.COLOR,
    "contrast": Operation.CONTRAST,
    "brightness": Operation.BRIGHTNESS,
    "sharpness": Operation.SHARPNESS,
    "posterize": Operation.POSTERIZE,
    "solarize": Operation.SOLARIZE,
    "autocontrast": Operation.AUTOCONTRAST,
    "equalize": Operation.EQUALIZE,
    "invert": Operation.INVERT,
}

_ENHANCERS: Final = ("color", "contrast", "brightness", "sharpness")
_TOP_LEVEL: Final = {
    "shear_x": 0.3,
    "shear_y": 0.3,
    "translate_x": 150 / 331,
    "translate_y": 150 / 331,
    "rotate": 30.0,
}

# One of these, each as likely, four times with replacement: the operation and the range its value is drawn from.
# paper: RandAugment with four operations; here: the ranges of the paper's code, each operation with a value of its own.
RAND: Final[tuple[tuple[Operation, float, float], ...]] = (
    (Operation.IDENTITY, 0.0, 0.0),
    (Operation.AUTOCONTRAST, 0.0, 0.0),
    (Operation.EQUALIZE, 0.0, 0.0),
    (Operation.ROTATE, -30.0, 30.0),
    (Operation.SOLARIZE, 0.0, 256.0),
    (Operation.COLOR, 0.05, 0.95),
    (Operation.CONTRAST, 0.05, 0.95),
    (Operation.BRIGHTNESS, 0.05, 0.95),
    (Operation.SHARPNESS, 0.05, 0.95),
    (Operation.SHEAR_X, -0.1, 0.1),
    (Operation.SHEAR_Y, -0.1, 0.1),
    (Operation.TRANSLATE_X, -0.1, 0.1),
    (Operation.TRANSLATE_Y, -0.1, 0.1),
    (Operation.POSTERIZE, 4.0, 8.0),  # cut to whole bits: 4..7
)

# The jitter of SimCLR (Chen et al. 2020) at strength .5: all four in random order, then gray.
JITTER: Final[tuple[tuple[Operation, float, float], ...]] = (
    (Operation.BRIGHTNESS, 0.6, 1.4),
    (Operation.CONTRAST, 0.6, 1.4),
    (Operation.COLOR, 0.6, 1.4),
    (Operation.HUE, -0.1, 0.1),
)
JITTER_PROBABILITY: Final = 0.8
GRAY_PROBABILITY: Final = 0.2


def auto_operation(name: str) -> Operation:
    """The operation that AutoAugment's name stands for; its shears are bicubic."""
    return _AUTO_OPERATIONS[name]


def auto_value(name: str, level: int) -> tuple[float, float]:
    """(centre, deviation) of an operation's value at a level 0..9: the value is centre ± deviation.

    A deviation of 0 says that the operation has no sign.
    """
    share = level / (LEVELS - 1)
    if name in _TOP_LEVEL:
        return 0.0, _TOP_LEVEL[name] * share
    if name in _ENHANCERS:
        return 1.0, 0.9 * share
    if name == "posterize":
        return float(round(8 - 4 * share)), 0.0
    return (256.0 * (1 - share), 0.0) if name == "solarize" else (0.0, 0.0)
