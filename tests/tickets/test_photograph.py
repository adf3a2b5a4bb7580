"""Bit for bit what Pillow gives, whatever the format, the size and the preprocessing."""

from __future__ import annotations

import io
from typing import Any

import numpy as np
import pytest
import tensorflow as tf
from PIL import Image

from tf_dlth.data.images import Preprocessing, open_image, prepare
from tf_dlth.tickets.photograph import photograph

WAYS = {
    "photo": Preprocessing(channels=3, resize=73, crop=(64, 64)),
    "padded": Preprocessing(channels=3, resize=24, crop=(24, 24), fit="pad"),
    "gray": Preprocessing(channels=1, resize=8, crop=(8, 8)),
    "oblong": Preprocessing(channels=3, resize=(20, 30), crop=(20, 30)),
    "framed": Preprocessing(channels=3, resize=32, crop=(40, 40)),
}
SIZES = ((64, 64), (73, 73), (24, 24), (100, 80), (640, 200), (80, 300), (31, 200), (7, 5), (513, 2), (1, 1))
"""(width, height); of some Pillow resizes the height first."""
FORMATS = {
    "PNG": ("RGB", "L", "RGBA", "LA", "P", "1", "I;16"),
    "JPEG": ("RGB", "L", "CMYK"),
    "BMP": ("RGB", "L", "RGBA", "P"),
    "GIF": ("P", "L"),
}


def picture(size: tuple[int, int], mode: str) -> Image.Image:
    """Noise in squares of four pixels, so that it survives a JPEG."""
    width, height = size
    drawn = np.random.RandomState(width).randint(0, 256, (-(-height // 4), -(-width // 4), 4), np.uint8)
    pixels = np.kron(drawn, np.ones((4, 4, 1), np.uint8))[:height, :width]
    if mode == "I;16":
        return Image.fromarray(pixels[..., 0].astype(np.uint16) * 256 + pixels[..., 1])
    return Image.fromarray(pixels, "RGBA").convert(mode)


def encoded(image: Image.Image, form: str, **more: Any) -> bytes:
    out = io.BytesIO()
    image.save(out, form, **more)
    return out.getvalue()


@pytest.fixture(scope="module", params=WAYS)
def way(request: pytest.FixtureRequest) -> tuple[Any, Preprocessing]:
    preprocessing = WAYS[request.param]
    spec = tf.TensorSpec([], tf.string)
    graph = tf.function(lambda one: photograph(one, preprocessing), input_signature=[spec], autograph=False)
    return graph, preprocessing


def require_equal(way: tuple[Any, Preprocessing], content: bytes) -> None:
    graph, preprocessing = way
    expected = prepare(open_image(content, "picture"), preprocessing, "picture")
    np.testing.assert_array_equal(graph(tf.constant(content)).numpy(), expected)


@pytest.mark.parametrize(("form", "mode"), [(form, mode) for form, modes in FORMATS.items() for mode in modes])
def test_every_format_and_size_is_bit_equal(way: tuple[Any, Preprocessing], form: str, mode: str) -> None:
    for size in SIZES:
        require_equal(way, encoded(picture(size, mode), form))


@pytest.mark.parametrize("orientation", range(10))
def test_pictures_are_turned_as_the_camera_notes(way: tuple[Any, Preprocessing], orientation: int) -> None:
    exif = Image.Exif()
    exif[0x0112], exif[0x010F] = orientation, "maker"
    for form in ("JPEG", "PNG"):
        require_equal(way, encoded(picture((90, 40), "RGB"), form, exif=exif))


def test_of_an_animation_the_first_frame(way: tuple[Any, Preprocessing]) -> None:
    frames = [picture((60, 40), "P"), picture((60, 40), "L").rotate(180).convert("P")]
    require_equal(way, encoded(frames[0], "GIF", save_all=True, append_images=frames[1:]))


def test_no_picture_is_an_error(way: tuple[Any, Preprocessing]) -> None:
    whole = encoded(picture((60, 40), "RGB"), "PNG")
    for content in (b"", b"no picture", whole[:30], whole[: len(whole) // 2]):
        with pytest.raises(tf.errors.InvalidArgumentError):
            way[0](tf.constant(content))
