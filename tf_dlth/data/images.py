"""One picture from its encoded bytes to the uint8 array a network sees."""

from __future__ import annotations

import io
import math
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Annotated, Any, Literal, Self

import numpy as np
from PIL import Image, ImageOps
from pydantic import Field

from tf_dlth.config.base import Section
from tf_dlth.data.faults import image_fault
from tf_dlth.errors import UserError

EXTENSIONS = (".jpg", ".jpeg", ".png", ".tif", ".tiff", ".bmp", ".webp")
"""Files that count as images, in lower case."""

GRAY_MODES = ("1", "L", "LA", "I;16", "I;16B", "I;16L", "I;16N")
SIXTEEN_BITS = ("I;16", "I;16B", "I;16L", "I;16N")


Side = Annotated[int, Field(ge=1, le=2**14)]
Sides = Annotated[tuple[Side, Side], Field(strict=False)]  # JSON has no tuples


class Preprocessing(Section):
    """What is done to a picture before the network: channels, then resizing, then a centre crop.

    ``resize`` is the shorter side in pixels, or both sides (height, width); ``crop`` is (height, width).
    """

    channels: Annotated[int, Field(ge=1, le=4)]
    resize: Side | Sides
    crop: Sides
    interpolation: Literal["bilinear"] = "bilinear"
    antialias: Literal[True] = True

    @property
    def image_shape(self) -> tuple[int, int, int]:
        """(H, W, C) of the result."""
        return (*self.crop, self.channels)

    def as_json(self) -> dict[str, Any]:
        """The fields as JSON values, in the order of ``ticket.json``."""
        return self.model_dump(mode="json")

    @classmethod
    def of_shape(cls, shape: tuple[int, int, int]) -> Self:
        """Resizes to the shape itself: the identity for a picture that has it."""
        height, width, channels = shape
        return cls(channels=channels, resize=height if height == width else (height, width), crop=(height, width))


def open_image(encoded: bytes, name: str) -> Image.Image:
    """The first frame, turned as its EXIF orientation says; raises UserError naming the image."""
    with opened(encoded, name) as image:
        image.load()
        return ImageOps.exif_transpose(image)


def check_image(encoded: bytes, name: str, channels: int) -> None:
    """Raises UserError unless the whole image can be decoded and converted; JPEGs at an eighth of their size."""
    with opened(encoded, name) as image:
        image.draft(image.mode, (max(1, image.width // 8), max(1, image.height // 8)))
        image.load()
        ImageOps.exif_transpose(image, in_place=True)
        to_channels(image.crop((0, 0, 1, 1)), channels, name)


@contextmanager
def opened(encoded: bytes, name: str) -> Iterator[Image.Image]:
    """The image before its pixels are decoded; whatever is wrong with it becomes a UserError naming it."""
    try:
        with Image.open(io.BytesIO(encoded)) as image:
            yield image
    except UserError:
        raise
    except Exception as error:  # Pillow's plugins raise whatever the damage leads them to
        unknown = isinstance(error, Image.UnidentifiedImageError)
        reason = "no image format that can be read" if unknown else str(error) or type(error).__name__
        raise image_fault(name, f"cannot be read ({reason})") from None


def is_gray(mode: str) -> bool:
    """Whether a Pillow mode has a single channel besides transparency; a palette counts as colour."""
    return mode in GRAY_MODES


def to_channels(image: Image.Image, channels: int, name: str) -> Image.Image:
    """The picture with 1 or 3 channels of 8 bits.

    16-bit gray keeps its high byte, transparency is laid over white, gray is repeated, colour becomes
    luma (ITU-R 601). 32-bit and floating-point pixels have no agreed range and raise UserError, and so does a colour
    space that Pillow cannot convert.
    """
    if image.mode in SIXTEEN_BITS:
        image = Image.fromarray((np.asarray(image).astype(np.uint16) >> 8).astype(np.uint8))
    if image.mode in ("I", "F"):
        raise image_fault(name, "has 32-bit pixels", "convert it to 8 or 16 bits a channel")
    try:
        if image.has_transparency_data:
            picture = image.convert("RGBA")
            image = Image.alpha_composite(Image.new("RGBA", picture.size, "white"), picture).convert("RGB")
        return image.convert("L" if channels == 1 else "RGB")
    except ValueError as error:
        raise image_fault(name, f"has pixels that cannot be converted ({error})", "save it as RGB") from None


def to_array(image: Image.Image) -> np.ndarray:
    """uint8 [H, W, C] of a gray or RGB picture."""
    pixels = np.asarray(image, np.uint8)
    return pixels[:, :, None] if pixels.ndim == 2 else pixels


def from_array(pixels: np.ndarray) -> Image.Image:
    """The picture of uint8 [H, W, 1 or 3]."""
    return Image.fromarray(pixels[:, :, 0] if pixels.shape[2] == 1 else pixels)


def prepare(image: Image.Image, preprocessing: Preprocessing, name: str) -> np.ndarray:
    """uint8 [H, W, C] of ``preprocessing.image_shape``: channels, resizing, centre crop."""
    image = to_channels(image, preprocessing.channels, name)
    size = resized_size((image.height, image.width), preprocessing.resize)
    if size != (image.height, image.width):
        image = image.resize((size[1], size[0]), Image.Resampling.BILINEAR)
    height, width = preprocessing.crop
    top, left = round((size[0] - height) / 2), round((size[1] - width) / 2)
    if (height, width) != size:
        image = image.crop((left, top, left + width, top + height))
    return to_array(image)


def resized_size(size: tuple[int, int], resize: int | tuple[int, int]) -> tuple[int, int]:
    """(height, width) after resizing; a shorter side keeps the proportions, the longer side rounded down."""
    if not isinstance(resize, int):
        return resize
    height, width = size
    short = min(height, width)
    return resize * height // short, resize * width // short


def random_resized_crop(
    image: Image.Image, shape: tuple[int, int, int], seed: tuple[int, int], name: str
) -> np.ndarray:
    """uint8 of ``shape``: a crop of 8-100 % of the area and a ratio of 3/4-4/3, resized (bilinear)."""
    image = to_channels(image, shape[2], name)
    left, top, width, height = crop_box(image.width, image.height, seed)
    crop = image.crop((left, top, left + width, top + height))
    return to_array(crop.resize((shape[1], shape[0]), Image.Resampling.BILINEAR))


def crop_box(width: int, height: int, seed: tuple[int, int]) -> tuple[int, int, int, int]:
    """(left, top, width, height), a pure function of the seed: ten tries, then the largest central crop."""
    draws = _uniform(seed, 22)
    for area_draw, ratio_draw in draws[:20].reshape(10, 2):
        area = width * height * (0.08 + 0.92 * area_draw)
        ratio = math.exp((2 * ratio_draw - 1) * math.log(4 / 3))
        w, h = round(math.sqrt(area * ratio)), round(math.sqrt(area / ratio))
        if 0 < w <= width and 0 < h <= height:
            return int(draws[20] * (width - w + 1)), int(draws[21] * (height - h + 1)), w, h
    w, h = min(width, round(height * 4 / 3)), min(height, round(width * 4 / 3))
    return (width - w) // 2, (height - h) // 2, w, h


def _uniform(seed: tuple[int, int], count: int) -> np.ndarray:
    """float64 in [0, 1) from the raw bits of Philox, whose stream NumPy guarantees."""
    key = (np.uint64(seed[0] & 0xFFFFFFFF) << np.uint64(32)) | np.uint64(seed[1] & 0xFFFFFFFF)
    return (np.random.Philox(key=key).random_raw(count) >> np.uint64(11)) * 2.0**-53
