"""Weather: fog, frost, snow, brightness, spatter."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

import cv2
import numpy as np
from numpy.typing import NDArray
from skimage.color import hsv2rgb, rgb2hsv

from tf_dlth.corruptions.filters import (
    Image,
    clipped_zoom,
    gaussian,
    motion_blur,
    to_single_unit,
    to_uint8,
    to_unit,
)
from tf_dlth.corruptions.plasma import plasma
from tf_dlth.corruptions.severities import Level

WATER: Final = (175, 238, 238)
MUD: Final = (63, 42, 20)
LUMINANCE: Final = (0.299, 0.587, 0.114)


def fog(image: Image, level: Level, rng: np.random.Generator) -> Image:
    """uint8 [H, W, C]: adds plasma and keeps the image's brightest value."""
    amount, decay = level
    unit = to_unit(image)
    brightest = unit.max()
    foggy = unit + amount * plasma(image.shape[0], decay, rng)[..., None]
    return to_uint8(foggy * brightest / (brightest + amount))


def frost(image: Image, level: Level, rng: np.random.Generator, textures: Sequence[Image]) -> Image:
    """uint8 [H, W, C]: adds a random crop of one of the ``textures``, uint8 [H, W, 3] each larger than the image."""
    image_weight, frost_weight = level
    texture = textures[int(rng.integers(len(textures)))]
    side = image.shape[0]
    top, left = (int(rng.integers(0, length - side)) for length in texture.shape[:2])
    crop = _in_channels(texture[top : top + side, left : left + side], image.shape[-1])
    return np.clip(image_weight * image + frost_weight * crop, 0, 255).astype(np.uint8)


def snow(image: Image, level: Level, rng: np.random.Generator) -> Image:
    """uint8 [H, W, C]: whitens the image and lets flakes fall over it, twice, the second time turned by 180 degrees."""
    *flakes, weight = level
    unit = to_single_unit(image)
    falling = to_unit(_snowfall(image.shape[:2], flakes, rng))
    whitened = np.maximum(unit, _gray(unit) * 1.5 + 0.5)
    return to_uint8(weight * unit + (1 - weight) * whitened + falling + np.rot90(falling, k=2))


def _snowfall(shape: tuple[int, ...], flakes: Sequence[float], rng: np.random.Generator) -> Image:
    """Bright specks [H, W, 1] drawn out steeply downwards."""
    mean, deviation, zoom, threshold, radius, sigma = flakes
    layer = clipped_zoom(rng.normal(mean, deviation, (*shape, 1)), zoom)
    specks = to_uint8(np.where(layer < threshold, 0, layer))
    return motion_blur(specks, radius, sigma, angle=rng.uniform(-135, -45))


def brightness(image: Image, level: Level, rng: np.random.Generator) -> Image:
    """uint8 [H, W, C]: raises the HSV value; one channel is its own value."""
    (rise,) = level
    unit = to_unit(image)
    if image.shape[-1] == 1:
        return to_uint8(unit + rise)
    hsv = rgb2hsv(unit)
    hsv[..., 2] = np.clip(hsv[..., 2] + rise, 0, 1)
    return to_uint8(hsv2rgb(hsv))


def spatter(image: Image, level: Level, rng: np.random.Generator) -> Image:
    """uint8 [H, W, C]: splashes water (translucent, lit from one side) or mud (opaque)."""
    mean, deviation, blur, threshold, strength, mud = level
    liquid = gaussian(rng.normal(mean, deviation, image.shape[:2]), blur)
    liquid[liquid < threshold] = 0
    unit = to_single_unit(image)
    if mud:
        cover = _mud_cover(liquid > threshold, strength)
        return to_uint8(unit * (1 - cover) + _colour(MUD, unit) * cover)
    return to_uint8(unit + _colour(WATER, unit) * (_water_shine(liquid) * np.float32(strength)))


def _mud_cover(wet: NDArray[np.bool_], edge_blur: float) -> NDArray[np.float32]:
    """Opacity [H, W, 1] of mud: full inside, gone where the blurred edge falls below .8."""
    cover = gaussian(wet.astype(np.float32), edge_blur)
    return np.where(cover < 0.8, 0, cover).astype(np.float32)[..., None]


def _water_shine(liquid: NDArray[np.float64]) -> NDArray[np.float32]:
    """Brightness [H, W, 1] of drops in 0..1: embossed distance from their edges times their height."""
    height = (liquid * 255).astype(np.uint8)
    shine = height * cv2.blur(_embossed(_edge_distance(height)), (3, 3)).astype(np.float32)
    # paper: where no drop is above the threshold the published set divides 0 by 0, which blackens the image;
    # here: such an image stays clean, because a dry image is not a black one.
    return (shine / max(float(shine.max()), 1.0))[..., None]


def _edge_distance(height: Image) -> Image:
    """Distance to the nearest edge of a drop, up to 20 px, its histogram equalised."""
    no_edge = 255 - cv2.Canny(height, 50, 150)
    distance = np.minimum(cv2.distanceTransform(no_edge, cv2.DIST_L2, 5), 20)
    return cv2.equalizeHist(cv2.blur(distance, (3, 3)).astype(np.uint8)).astype(np.uint8)


def _embossed(distance: Image) -> Image:
    slope = np.array([[-2, -1, 0], [-1, 1, 1], [0, 1, 2]], np.float32)
    return cv2.filter2D(distance, cv2.CV_8U, slope).astype(np.uint8)


def _colour(rgb: Sequence[int], like: NDArray[np.float32]) -> NDArray[np.float32]:
    """``rgb`` in 0..1 as [1, 1, C] for the channels of ``like``."""
    single = np.array(rgb, np.float32).reshape(1, 1, 3) / np.float32(255)
    return single if like.shape[-1] == 3 else _gray(single)


def _in_channels(rgb: Image, channels: int) -> NDArray[np.floating] | Image:
    return rgb if channels == 3 else _gray(rgb.astype(np.float32))


def _gray(values: NDArray[np.float32]) -> NDArray[np.float32]:
    """The luminance [H, W, 1] of RGB; one channel is its own."""
    if values.shape[-1] == 1:
        return values
    return (values @ np.array(LUMINANCE, np.float32))[..., None]
