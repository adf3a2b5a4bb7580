"""What is known of each dataset: the values that stand behind every null of the ``data`` section.

The schema's defaults live in :mod:`tf_dlth.config`; where the default is "the dataset's own", this is it.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from tf_dlth.config import Dataset, Normalisation

Flip = Literal["none", "horizontal", "both"]
HeldOutFrom = Literal["unused", "train"]
DefaultHeldOut = Literal["none", "like_training", "fifth"]
Crop = Literal["pad", "resized", "by_size"]
Policy = Literal["cifar10", "imagenet"]

LARGEST_SMALL_SIDE = 64
"""Own image files up to this side are padded and cropped; larger ones get random resized crops."""


@dataclass(frozen=True)
class Facts:
    """One dataset.

    ``source`` is the module of :mod:`tf_dlth.data.sources` that reads it. ``side`` and ``channels`` are None
    where the images decide. ``crop`` is the Basic augmentation's: "pad" (and crop the old size), "resized"
    (random resized crop; at test time the shorter side becomes 8/7 of the side, 256 for 224, before the
    central crop), or one of the two by the images' size. ``heldout``:
    "like_training" is, for subsets, as many as are trained on, at most 50 a class; "fifth" is 20 % of the
    training images; a part that the source itself sets aside comes before both.
    """

    source: str
    side: int | None
    channels: int | None
    normalisation: Normalisation | None
    flip: Flip
    crop: Crop = "pad"
    policy: Policy = "cifar10"
    heldout: DefaultHeldOut = "none"
    heldout_from: HeldOutFrom = "train"
    own_files: bool = False

    def cropped_and_resized(self, side: int) -> bool:
        """Whether images of this side get random resized crops."""
        return self.crop == "resized" or (self.crop == "by_size" and side > LARGEST_SMALL_SIDE)


CIFAR10 = Normalisation(mean=(0.4914, 0.4822, 0.4465), std=(0.2023, 0.1994, 0.2010))
CIFAR100 = Normalisation(mean=(0.5071, 0.4867, 0.4408), std=(0.2675, 0.2565, 0.2761))
IMAGENET = Normalisation(mean=(0.485, 0.456, 0.406), std=(0.229, 0.224, 0.225))
HALF = Normalisation(mean=(0.5,), std=(0.5,))

FACTS: dict[Dataset, Facts] = {
    "digits": Facts("digits", 8, 1, None, "none", heldout_from="unused"),
    "cifar10": Facts("cifar", 32, 3, CIFAR10, "horizontal", heldout="like_training", heldout_from="unused"),
    "cifar100": Facts("cifar", 32, 3, CIFAR100, "horizontal", heldout="like_training", heldout_from="unused"),
    "cifar10_2": Facts("cifar10_2", 32, 3, CIFAR10, "horizontal"),
    "cifar10_c": Facts("cifar10_c", 32, 3, CIFAR10, "horizontal"),
    "eurosat": Facts("eurosat", 64, 3, IMAGENET, "both"),
    "isic2018": Facts("deic", 224, 3, IMAGENET, "both", crop="resized"),
    "clamm": Facts("deic", 224, 1, HALF, "horizontal", crop="resized"),
    "imagenet2012": Facts("imagenet", 224, 3, IMAGENET, "horizontal", crop="resized", policy="imagenet"),
    "folder": Facts("folder", None, None, None, "horizontal", crop="by_size", heldout="fifth", own_files=True),
    "npz": Facts("npz", None, None, None, "horizontal", heldout="fifth", own_files=True),
}
