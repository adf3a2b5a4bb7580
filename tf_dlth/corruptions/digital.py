"""Digital: contrast, saturation, JPEG, pixels, elastic transform."""

from __future__ import annotations

import io

import cv2
import numpy as np
import PIL.Image
from numpy.typing import NDArray
from scipy import ndimage
from skimage.color import hsv2rgb, rgb2hsv

from tf_dlth.corruptions.filters import Image, Unit, gaussian, to_single_unit, to_uint8, to_unit
from tf_dlth.corruptions.severities import SIDE, Level


def contrast(image: Image, level: Level, rng: np.random.Generator) -> Image:
    """uint8 [H, W, C]: draws the values towards each channel's mean."""
    (factor,) = level
    unit = to_unit(image)
    means = unit.mean(axis=(0, 1), keepdims=True)
    return to_uint8((unit - means) * factor + means)


def saturate(image: Image, level: Level, rng: np.random.Generator) -> Image:
    """uint8 [H, W, C]: scales and shifts the HSV saturation; one channel has none and stays as it is."""
    factor, offset = level
    if image.shape[-1] == 1:
        return image.copy()
    hsv = rgb2hsv(to_unit(image))
    hsv[..., 1] = np.clip(hsv[..., 1] * factor + offset, 0, 1)
    return to_uint8(hsv2rgb(hsv))


def jpeg_compression(image: Image, level: Level, rng: np.random.Generator) -> Image:
    """uint8 [H, W, C]: writes and reads a JPEG."""
    (quality,) = level
    stream = io.BytesIO()
    _picture(image).save(stream, "JPEG", quality=int(quality))
    return _array(PIL.Image.open(stream), image.shape)


def pixelate(image: Image, level: Level, rng: np.random.Generator) -> Image:
    """uint8 [H, W, C]: makes the image smaller and large again, with box filters."""
    (share,) = level
    height, width = image.shape[:2]
    small = _picture(image).resize((int(width * share), int(height * share)), PIL.Image.Resampling.BOX)
    return _array(small.resize((width, height), PIL.Image.Resampling.BOX), image.shape)


def _picture(image: Image) -> PIL.Image.Image:
    return PIL.Image.fromarray(image.squeeze(axis=-1) if image.shape[-1] == 1 else image)


def _array(picture: PIL.Image.Image, shape: tuple[int, ...]) -> Image:
    return np.asarray(picture).reshape(shape)


def elastic_transform(image: Image, level: Level, rng: np.random.Generator) -> Image:
    """uint8 [H, W, C]: jitters three points affinely, then displaces each pixel by a smooth random field."""
    displacement, smoothing, jitter = (SIDE * share for share in level)
    sheared = _random_affine(to_single_unit(image), jitter, rng)
    columns = _displacement(image.shape[:2], displacement, smoothing, rng)
    rows = _displacement(image.shape[:2], displacement, smoothing, rng)
    return to_uint8(_displaced(sheared, rows, columns))


def _random_affine(unit: NDArray[np.float32], jitter: float, rng: np.random.Generator) -> NDArray[np.float32]:
    """Moves three corners of the central square by up to ``jitter`` pixels, and the image with them."""
    side = unit.shape[0]
    low, high = side // 2 - side // 3, side // 2 + side // 3
    corners = np.array([[high, high], [high, low], [low, low]], np.float32)
    moved = corners + rng.uniform(-jitter, jitter, corners.shape).astype(np.float32)
    matrix = cv2.getAffineTransform(corners, moved)
    warped = cv2.warpAffine(unit, matrix, (side, side), borderMode=cv2.BORDER_REFLECT_101)
    return warped.reshape(unit.shape).astype(np.float32, copy=False)


def _displacement(
    shape: tuple[int, ...], displacement: float, smoothing: float, rng: np.random.Generator
) -> NDArray[np.float32]:
    noise = rng.uniform(-1, 1, shape)
    return (gaussian(noise, smoothing, edge="reflect", truncate=3.0) * displacement).astype(np.float32)


def _displaced(unit: Unit, rows: NDArray[np.float32], columns: NDArray[np.float32]) -> Unit:
    """Reads each channel linearly at its own pixels plus (rows, columns)."""
    grid = np.indices(rows.shape)
    places = np.stack([grid[0] + rows, grid[1] + columns])
    channels = [
        ndimage.map_coordinates(unit[..., channel], places, order=1, mode="reflect")
        for channel in range(unit.shape[-1])
    ]
    return np.stack(channels, axis=-1)
