"""The augmentations one image at a time in Pillow, as the authors' PyTorch code makes them in a loader worker."""

from __future__ import annotations

import random
from collections.abc import Callable, Iterator
from typing import Any

import numpy as np
from PIL import Image, ImageEnhance, ImageOps

Picture = Image.Image
Change = Callable[[Picture], Picture]


def pillow_images(images: np.ndarray, strength: str, policy: str, cutout: int) -> Iterator[np.ndarray]:
    """What a PyTorch dataset does for one image after crop and flip: array to picture, operations, back."""
    draw = draws(strength, policy)
    while True:
        for image in images:
            picture = Image.fromarray(image)
            for change in draw():
                picture = change(picture)
            yield cut_out(np.array(picture), cutout) if cutout else np.array(picture)


def draws(strength: str, policy: str) -> Callable[[], list[Change]]:
    """A function that draws one image's operations."""
    if strength == "contrast":
        return _contrast_changes
    if strength == "auto":
        return _auto_draws(policy)
    return _rand_changes if strength == "rand" else list


def _contrast_changes() -> list[Change]:
    changes = [
        _enhance(ImageEnhance.Brightness, random.uniform(0.6, 1.4)),
        _enhance(ImageEnhance.Contrast, random.uniform(0.6, 1.4)),
        _enhance(ImageEnhance.Color, random.uniform(0.6, 1.4)),
        _turn_hue(random.uniform(-0.1, 0.1)),
    ]
    random.shuffle(changes)
    gray: list[Change] = [lambda picture: picture.convert("L").convert("RGB")]
    return (changes if random.random() < 0.8 else []) + (gray if random.random() < 0.2 else [])


def _auto_draws(policy: str) -> Callable[[], list[Change]]:
    from tf_dlth.data.augmentation import policies

    table = policies.IMAGENET if policy == "imagenet" else policies.CIFAR10

    def drawn() -> list[Change]:
        pair = random.choice(table)
        return [_auto_change(name, level) for name, chance, level in pair if random.random() < chance]

    return drawn


def _auto_change(name: str, level: int) -> Change:
    sign = random.choice((-1, 1))
    shear, shift = level / 30 * sign, level * 150 / 331 / 9 * sign
    bicubic = Image.Resampling.BICUBIC
    changes: dict[str, Callable[[], Change]] = {
        "shear_x": lambda: _warp((1, shear, 0, 0, 1, 0), 128, bicubic),
        "shear_y": lambda: _warp((1, 0, 0, shear, 1, 0), 128, bicubic),
        "translate_x": lambda: _move(shift, 0, 128),
        "translate_y": lambda: _move(0, shift, 128),
        "rotate": lambda: lambda picture: picture.rotate(level * 10 / 3 * sign, fillcolor=(128,) * 3),
        "posterize": lambda: lambda picture: ImageOps.posterize(picture, round(8 - level * 4 / 9)),
        "solarize": lambda: lambda picture: ImageOps.solarize(picture, 256 - level * 256 / 9),  # type: ignore[arg-type]
        "autocontrast": lambda: ImageOps.autocontrast,
        "equalize": lambda: ImageOps.equalize,
        "invert": lambda: ImageOps.invert,
    }
    if name in changes:
        return changes[name]()
    return _enhance(getattr(ImageEnhance, name.capitalize()), 1 + level / 10 * sign)


def _rand_changes() -> list[Change]:
    return [draw() for draw in random.choices(_RAND_DRAWS, k=4)]


def _solarize(threshold: float) -> Change:
    return lambda picture: ImageOps.solarize(picture, threshold)  # type: ignore[arg-type]


def _posterize(bits: int) -> Change:
    return lambda picture: ImageOps.posterize(picture, bits)


def _rotate(degrees: float) -> Change:
    return lambda picture: picture.rotate(degrees)


def _enhance(enhancer: Callable[[Picture], Any], factor: float) -> Change:
    return lambda picture: enhancer(picture).enhance(factor)


def _warp(matrix: tuple[float, ...], fill: int, resample: Image.Resampling = Image.Resampling.NEAREST) -> Change:
    affine, colour = Image.Transform.AFFINE, (fill,) * 3
    return lambda picture: picture.transform(picture.size, affine, matrix, resample=resample, fillcolor=colour)


def _move(share_x: float, share_y: float, fill: int) -> Change:
    def move(picture: Picture) -> Picture:
        width, height = picture.size
        return _warp((1, 0, share_x * width, 0, 1, share_y * height), fill)(picture)

    return move


def _turn_hue(shift: float) -> Change:
    def turn(picture: Picture) -> Picture:
        hue, saturation, value = picture.convert("HSV").split()
        turned = np.array(hue, dtype=np.uint8) + np.array(int(shift * 255)).astype(np.uint8)
        return Image.merge("HSV", (Image.fromarray(turned), saturation, value)).convert("RGB")

    return turn


def cut_out(image: np.ndarray, side: int) -> np.ndarray:
    height, width = image.shape[:2]
    top, left = random.randrange(-side // 2, height - side), random.randrange(-side // 2, width - side)
    level = image.mean()
    image[max(top, 0) : top + side, max(left, 0) : left + side] = level
    return image


_RAND_DRAWS: tuple[Callable[[], Change], ...] = (
    lambda: lambda picture: picture,
    lambda: ImageOps.autocontrast,
    lambda: ImageOps.equalize,
    lambda: _rotate(random.uniform(-30, 30)),
    lambda: _solarize(random.uniform(0, 256)),
    lambda: _enhance(ImageEnhance.Color, random.uniform(0.05, 0.95)),
    lambda: _enhance(ImageEnhance.Contrast, random.uniform(0.05, 0.95)),
    lambda: _enhance(ImageEnhance.Brightness, random.uniform(0.05, 0.95)),
    lambda: _enhance(ImageEnhance.Sharpness, random.uniform(0.05, 0.95)),
    lambda: _warp((1, random.uniform(-0.1, 0.1), 0, 0, 1, 0), 0),
    lambda: _warp((1, 0, 0, random.uniform(-0.1, 0.1), 1, 0), 0),
    lambda: _move(random.uniform(-0.1, 0.1), 0, 0),
    lambda: _move(0, random.uniform(-0.1, 0.1), 0),
    lambda: _posterize(int(random.uniform(4, 8))),
)
