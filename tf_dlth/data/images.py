"""One picture from its encoded bytes to the uint8 array a network sees."""

from __future__ import annotations

import io
import math
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Annotated, Any, Literal, Self

import numpy as np
from PIL import Image, ImageOps
from pydantic import Field, SerializerFunctionWrapHandler, model_serializer, model_validator

from tf_dlth.config.base import Fit, Section
from tf_dlth.data.faults import image_fault
from tf_dlth.errors import UserError

EXTENSIONS = (".jpg", ".jpeg", ".png", ".tif", ".tiff", ".bmp", ".webp")
"""Files that count as images, in lower case."""

GRAY_MODES = ("1", "L", "LA", "I;16", "I;16B", "I;16L", "I;16N")
SIXTEEN_BITS = ("I;16", "I;16B", "I;16L", "I;16N")


Side = Annotated[int, Field(ge=1, le=2**14)]
Sides = Annotated[tuple[Side, Side], Field(strict=False)]  # JSON has no tuples


class Preprocessing(Section):
    """What is done to a picture before the network: channels, then resizing, then ``fit``.

    ``crop`` is the result's (height, width). Under ``fit: crop``, ``resize`` is the shorter side in pixels, or both
    sides (height, width), and the centre is kept; under ``fit: pad`` it is the longer side, and black fills the square.
    """

    channels: Annotated[int, Field(ge=1, le=4)]
    resize: Side | Sides
    crop: Sides
    interpolation: Literal["bilinear"] = "bilinear"
    antialias: Literal[True] = True
    fit: Fit = "crop"

    @model_validator(mode="after")
    def _pads_to_a_square(self) -> Self:
        if self.fit == "pad" and self.crop != (self.resize, self.resize):
            raise ValueError(f"fit: pad makes squares of the longer side, not {list(self.crop)} of {self.resize}")
        return self

    @model_serializer(mode="wrap")
    def _as_it_was_read(self, fields: SerializerFunctionWrapHandler) -> dict[str, Any]:
        # A ticket.json from before there was a choice says nothing of it, and its digest covers what it says.
        return {key: value for key, value in fields(self).items() if key != "fit" or key in self.model_fields_set}

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
        resize = height if height == width else (height, width)
        return cls(channels=channels, resize=resize, crop=(height, width), fit="crop")

    def leaves(self, shape: tuple[int, int, int]) -> bool:
        """Whether a picture of (H, W, C) stays as it is."""
        return shape == self.image_shape and self.resized(shape[:2]) == self.crop

    def resized(self, size: tuple[int, int]) -> tuple[int, int]:
        """(height, width) of a picture of ``size`` after resizing.

        Proportions are kept where one side is given: of the other, ``crop`` rounds down, ``pad`` to the nearest.
        """
        if not isinstance(self.resize, int):
            return self.resize
        if self.fit == "crop":
            short = min(size)
            return self.resize * size[0] // short, self.resize * size[1] // short
        longer = max(size)
        return max(1, round(size[0] / longer * self.resize)), max(1, round(size[1] / longer * self.resize))

    def lost(self, size: tuple[int, int]) -> float:
        """The share of a picture of (height, width) that is cropped away."""
        height, width = self.resized(size)
        return 1 - min(height, self.crop[0]) * min(width, self.crop[1]) / (height * width)


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
    """uint8 [H, W, C] of ``preprocessing.image_shape``: channels, resizing, then the centre or a black frame."""
    image = to_channels(image, preprocessing.channels, name)
    size = preprocessing.resized((image.height, image.width))
    if size != (image.height, image.width):
        image = image.resize((size[1], size[0]), Image.Resampling.BILINEAR)
    return to_array(_centred(image, preprocessing.crop))


def _centred(image: Image.Image, size: tuple[int, int]) -> Image.Image:
    """The centre of (height, width); what lies outside of the picture is black."""
    (height, width), (own_height, own_width) = size, (image.height, image.width)
    if (height, width) == (own_height, own_width):
        return image
    top, left = round((own_height - height) / 2), round((own_width - width) / 2)
    return image.crop((left, top, left + width, top + height))


def random_resized_crop(
    image: Image.Image, shape: tuple[int, int, int], seed: tuple[int, int], name: str, fit: Fit = "crop"
) -> np.ndarray:
    """uint8 of ``shape``: a crop of 8-100 % of the area and a ratio of 3/4-4/3, resized (bilinear).

    Under ``fit: pad`` it is cut from the square that the network sees at test time, at the picture's own resolution.
    """
    image = to_channels(image, shape[2], name)
    if fit == "pad":
        image = _centred(image, (max(image.size), max(image.size)))
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
