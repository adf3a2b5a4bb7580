"""Images of several kinds and sizes, and the Pillow code that the operations are compared with."""

from __future__ import annotations

import os
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from PIL import Image, ImageEnhance, ImageOps
from sklearn.datasets import load_sample_images

from tf_dlth.data.augmentation.operation import Operation

PillowOperation = Callable[[np.ndarray, Operation, float, int], np.ndarray]

_ENHANCERS = {
    Operation.BRIGHTNESS: ImageEnhance.Brightness,
    Operation.CONTRAST: ImageEnhance.Contrast,
    Operation.COLOR: ImageEnhance.Color,
    Operation.SHARPNESS: ImageEnhance.Sharpness,
}
_BICUBIC = (Operation.SHEAR_X_BICUBIC, Operation.SHEAR_Y_BICUBIC)


def _warp(picture: Image.Image, operation: Operation, value: float, fill: int) -> Image.Image:
    width, height = picture.size
    matrix = {
        Operation.SHEAR_X: (1, value, 0, 0, 1, 0),
        Operation.SHEAR_X_BICUBIC: (1, value, 0, 0, 1, 0),
        Operation.SHEAR_Y: (1, 0, 0, value, 1, 0),
        Operation.SHEAR_Y_BICUBIC: (1, 0, 0, value, 1, 0),
        Operation.TRANSLATE_X: (1, 0, value * width, 0, 1, 0),
        Operation.TRANSLATE_Y: (1, 0, 0, 0, 1, value * height),
    }[operation]
    resample = Image.Resampling.BICUBIC if operation in _BICUBIC else Image.Resampling.NEAREST
    colour = (fill,) * len(picture.getbands())
    return picture.transform(picture.size, Image.Transform.AFFINE, matrix, resample=resample, fillcolor=colour)


def _hue(picture: Image.Image, shift: float) -> Image.Image:
    """torchvision's ``adjust_hue`` on a Pillow image, as documented: HSV, a wrapping 8-bit addition, RGB."""
    if picture.mode == "L":
        return picture
    hue, saturation, value = picture.convert("HSV").split()
    turned = (np.asarray(hue).astype(np.int64) + int(shift * 255)) % 256
    return Image.merge("HSV", (Image.fromarray(turned.astype(np.uint8)), saturation, value)).convert("RGB")


def _changed(picture: Image.Image, operation: Operation, value: float, fill: int) -> Image.Image:
    simple = {
        Operation.IDENTITY: lambda: picture,
        Operation.INVERT: lambda: ImageOps.invert(picture),
        Operation.SOLARIZE: lambda: ImageOps.solarize(picture, value),  # type: ignore[arg-type]
        Operation.POSTERIZE: lambda: ImageOps.posterize(picture, int(value)),
        Operation.AUTOCONTRAST: lambda: ImageOps.autocontrast(picture),
        Operation.EQUALIZE: lambda: ImageOps.equalize(picture),
        Operation.ROTATE: lambda: picture.rotate(value, fillcolor=(fill,) * len(picture.getbands())),
        Operation.HUE: lambda: _hue(picture, value),
    }
    if operation in _ENHANCERS:
        return _ENHANCERS[operation](picture).enhance(value)
    return simple[operation]() if operation in simple else _warp(picture, operation, value, fill)


def pillow_operation(image: np.ndarray, operation: Operation, value: float, fill: int) -> np.ndarray:
    """One operation on one uint8 image [H, W, C] by Pillow."""
    picture = Image.fromarray(image[..., 0] if image.shape[-1] == 1 else image)
    return np.asarray(_changed(picture, operation, value, fill)).reshape(image.shape)


@pytest.fixture
def pillow() -> PillowOperation:
    return pillow_operation


def _noise(*shape: int) -> np.ndarray:
    return np.random.default_rng(shape).integers(0, 256, shape, dtype=np.uint8)


def _natural(side: int, count: int) -> np.ndarray:
    """Cut-outs of scikit-learn's two photographs at several scales."""
    rng = np.random.default_rng(side)
    cuts = []
    for number in range(count):
        photograph = Image.fromarray(load_sample_images().images[number % 2])
        reach = int(rng.integers(side, 400))
        left, top = int(rng.integers(0, 640 - reach)), int(rng.integers(0, 427 - reach))
        cuts.append(np.asarray(photograph.resize((side, side), box=(left, top, left + reach, top + reach))))
    return np.stack(cuts)


def _flat_and_sparse() -> np.ndarray:
    """Images with one, two and few levels, where histogram operations have their special cases."""
    rng = np.random.default_rng(5)
    levels = [[0], [255], [77], [0, 255], [10, 11], [100, 103, 250], [0, 1, 2, 3], [254, 255]]
    return np.stack([rng.choice(np.array(chosen, np.uint8), (32, 32, 3)) for chosen in levels])


def _cifar10() -> np.ndarray | None:
    root = os.environ.get("TF_DLTH_DATA")
    if root is None or not (Path(root) / "cifar10").is_dir():
        return None
    import tensorflow_datasets as tfds

    split = tfds.load("cifar10", split="train[:32]", data_dir=root, download=False)
    return np.stack([example["image"] for example in tfds.as_numpy(split)])


IMAGE_SETS: dict[str, Callable[[], np.ndarray | None]] = {
    "noise 32": lambda: _noise(16, 32, 32, 3),
    "noise 33 x 19": lambda: _noise(8, 33, 19, 3),
    "noise 5 x 7": lambda: _noise(8, 5, 7, 3),
    "noise 2 x 2": lambda: _noise(8, 2, 2, 3),
    "gray noise 32": lambda: _noise(8, 32, 32, 1),
    "dark noise 32": lambda: _noise(8, 32, 32, 3) // 5 + 40,
    "natural 32": lambda: _natural(32, 16),
    "natural 64": lambda: _natural(64, 6),
    "flat and sparse": _flat_and_sparse,
    "CIFAR-10": _cifar10,
}


@pytest.fixture(params=list(IMAGE_SETS))
def images(request: pytest.FixtureRequest) -> np.ndarray:
    """Uint8 [N, H, W, C]."""
    made = IMAGE_SETS[request.param]()
    if made is None:
        pytest.skip("TF_DLTH_DATA names no folder with cifar10")
    return made


@pytest.fixture
def noise() -> np.ndarray:
    """Uint8 [24, 32, 32, 3]."""
    return _noise(24, 32, 32, 3)
