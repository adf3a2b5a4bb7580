from __future__ import annotations

import io
import json
import math
from collections.abc import Callable

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from PIL import Image, ImageOps
from pydantic import ValidationError

from tf_dlth.config.base import Fit
from tf_dlth.data import images
from tf_dlth.data.images import Preprocessing
from tf_dlth.errors import UserError

UPRIGHT: dict[int, Callable[[np.ndarray], np.ndarray]] = {
    1: lambda a: a,
    2: lambda a: a[:, ::-1],
    3: lambda a: a[::-1, ::-1],
    4: lambda a: a[::-1],
    5: lambda a: a.swapaxes(0, 1),
    6: lambda a: np.rot90(a, -1),
    7: lambda a: np.rot90(a, 2).swapaxes(0, 1),
    8: lambda a: np.rot90(a, 1),
}
"""What each EXIF orientation does to the stored rows, [H, W, C]."""


def noise(height: int, width: int, channels: int = 3) -> np.ndarray:
    return np.random.RandomState(height * width).randint(0, 256, (height, width, channels), np.uint8)


def encoded(image: Image.Image, form: str = "PNG", **save: object) -> bytes:
    buffer = io.BytesIO()
    image.save(buffer, form, **save)
    return buffer.getvalue()


@pytest.mark.parametrize("orientation", range(1, 9))
def test_exif_orientation_is_applied(orientation: int) -> None:
    pixels = noise(4, 6)
    exif = Image.Exif()
    exif[0x0112] = orientation
    opened = images.open_image(encoded(Image.fromarray(pixels), exif=exif), "x.png")
    assert (np.asarray(opened) == UPRIGHT[orientation](pixels)).all()


@pytest.mark.parametrize("mode", ["1", "L"])
def test_gray_is_repeated(mode: str) -> None:
    gray = Image.fromarray(noise(5, 4)).convert(mode)
    rgb = images.to_array(images.to_channels(gray, 3, "x"))
    assert rgb.shape == (5, 4, 3)
    assert (rgb == np.asarray(gray.convert("L"))[:, :, None]).all()


def test_sixteen_bits_keep_the_high_byte() -> None:
    values = np.array([[0, 255, 256], [32768, 65279, 65535]], np.uint16)
    opened = images.open_image(encoded(Image.fromarray(values)), "x.png")
    gray = images.to_array(images.to_channels(opened, 1, "x.png"))
    assert gray[:, :, 0].tolist() == [[0, 0, 1], [128, 254, 255]]
    assert images.is_gray(opened.mode)


def test_transparency_is_laid_over_white() -> None:
    rgba = np.array([[[10, 20, 30, 255], [10, 20, 30, 0], [0, 0, 0, 51]]], np.uint8)
    opened = images.open_image(encoded(Image.fromarray(rgba)), "x.png")
    rgb = images.to_array(images.to_channels(opened, 3, "x.png"))
    assert rgb[0].tolist() == [[10, 20, 30], [255, 255, 255], [204, 204, 204]]


def test_gray_with_transparency_counts_as_gray() -> None:
    pixels = np.array([[[100, 255], [100, 0]]], np.uint8)
    opened = images.open_image(encoded(Image.fromarray(pixels, "LA")), "x.png")
    assert images.is_gray(opened.mode)
    assert images.to_array(images.to_channels(opened, 1, "x"))[0, :, 0].tolist() == [100, 255]


def test_a_palette_becomes_its_colours() -> None:
    image = Image.new("P", (2, 1))
    image.putpalette([200, 10, 0, 0, 60, 90])
    image.putdata([0, 1])
    opened = images.open_image(encoded(image), "x.png")
    assert images.to_array(images.to_channels(opened, 3, "x"))[0].tolist() == [[200, 10, 0], [0, 60, 90]]


def test_cmyk_becomes_rgb() -> None:
    opened = images.open_image(encoded(Image.fromarray(noise(8, 8)).convert("CMYK"), "JPEG"), "x.jpg")
    assert images.to_array(images.to_channels(opened, 3, "x")).shape == (8, 8, 3)


def test_colour_becomes_luma_where_one_channel_is_wanted() -> None:
    gray = images.to_channels(Image.new("RGB", (1, 1), (255, 0, 0)), 1, "x")
    assert np.asarray(gray).item() == round(0.299 * 255)


def opened_and_converted(encoded: bytes, name: str, channels: int = 3) -> Image.Image:
    return images.to_channels(images.open_image(encoded, name), channels, name)


def checked(encoded: bytes, name: str) -> None:
    for channels in (1, 3):
        images.check_image(encoded, name, channels)


CHECKS = [opened_and_converted, checked]


@pytest.mark.parametrize("mode", ["I", "F"])
def test_32_bit_pixels_are_an_error(mode: str) -> None:
    for check in CHECKS:
        with pytest.raises(UserError, match=r"image x.tif has 32-bit pixels; convert"):
            check(encoded(Image.new(mode, (2, 2)), "TIFF"), "x.tif")


@pytest.mark.parametrize("check", [opened_and_converted, images.check_image])
def test_a_colour_space_that_cannot_be_converted_is_an_error(check: Callable[[bytes, str, int], object]) -> None:
    lab = encoded(Image.new("LAB", (2, 2)), "TIFF")
    check(lab, "x.tif", 3)
    with pytest.raises(UserError, match=r"image x.tif has pixels that cannot be converted \(.*\); save it as RGB"):
        check(lab, "x.tif", 1)


@pytest.mark.parametrize("form", ["JPEG", "PNG", "TIFF", "BMP", "WEBP"])
@pytest.mark.parametrize("size", [(1, 1), (7, 7), (3, 500), (500, 3), (8, 9)])
def test_small_images_are_whole(form: str, size: tuple[int, int]) -> None:
    for check in CHECKS:
        check(encoded(Image.new("RGB", size), form), "x")


def oddities() -> dict[str, bytes]:
    """Images of every kind that is taken."""
    palette = Image.fromarray(noise(9, 9)).convert("P")
    exif = Image.Exif()
    exif[0x0112] = 6
    clear = Image.new("RGBA", (9, 9), (1, 2, 3, 0))
    return {
        "palette": encoded(palette),
        "palette with a transparent colour": encoded(palette, transparency=3),
        "palette with transparency in bytes": encoded(palette, transparency=bytes(range(200))),
        "gray with a transparent value": encoded(Image.fromarray(noise(9, 9, 1)[..., 0]), transparency=7),
        "RGB with a transparent colour": encoded(Image.fromarray(noise(9, 9)), transparency=(1, 2, 3)),
        "all transparent": encoded(clear),
        "gray with transparency": encoded(clear.convert("LA")),
        "one bit": encoded(Image.new("1", (9, 9))),
        "16 bits": encoded(Image.fromarray(np.full((9, 9), 40_000, np.uint16))),
        "16 bits big-endian": encoded(Image.fromarray(np.full((9, 9), 40_000, ">u2")), "TIFF"),
        "CMYK": encoded(Image.new("CMYK", (9, 9)), "JPEG"),
        "turned": encoded(Image.fromarray(noise(9, 5)), "JPEG", exif=exif),
    }


@pytest.mark.parametrize(("kind", "content"), oddities().items(), ids=oddities())
def test_what_can_be_read_is_what_the_check_admits(kind: str, content: bytes) -> None:
    checked(content, kind)
    for channels in (1, 3):
        assert opened_and_converted(content, kind, channels).mode == ("L" if channels == 1 else "RGB")


@pytest.mark.parametrize("form", ["JPEG", "PNG", "TIFF", "BMP", "WEBP"])
@pytest.mark.filterwarnings("ignore")
def test_any_damage_is_one_line(form: str) -> None:
    """Flipped bits: an image can be read, or is refused by name, and the check refuses what reading does."""
    exif = Image.Exif()
    exif[0x0112], exif[0x010E] = 5, "a picture"
    whole, random = encoded(Image.fromarray(noise(24, 16)), form, exif=exif), np.random.RandomState(0)
    refused: list[str] = []
    for _ in range(150):
        damaged = bytearray(whole)
        for place in random.randint(0, min(len(whole), 400), 3):
            damaged[place] ^= 1 << random.randint(8)
        try:
            opened_and_converted(bytes(damaged), "x")
        except UserError as error:
            refused.append(str(error))
            if form != "JPEG":  # an eighth of a JPEG leaves out what only its details need
                with pytest.raises(UserError):
                    images.check_image(bytes(damaged), "x", 3)
    assert refused
    assert all(line.startswith("image x ") and line.isprintable() for line in refused)


@pytest.mark.parametrize("form", ["PNG", "JPEG"])
@pytest.mark.parametrize("check", CHECKS)
def test_a_truncated_image_is_named(check: Callable[[bytes, str], object], form: str) -> None:
    whole = encoded(Image.fromarray(noise(64, 64)), form)
    check(whole, "cat.png")
    with pytest.raises(UserError, match=r"image pets/cat.png cannot be read .*; replace or remove it"):
        check(whole[: len(whole) // 2], "pets/cat.png")


def test_text_is_no_image() -> None:
    with pytest.raises(UserError, match=r"image a.jpg cannot be read \(no image format"):
        images.open_image(b"hello", "a.jpg")


@pytest.mark.parametrize(
    ("size", "resize", "result"),
    [
        ((450, 600), 256, (256, 341)),
        ((600, 450), 256, (341, 256)),
        ((32, 32), 32, (32, 32)),
        ((10, 30), (5, 6), (5, 6)),
    ],
)
def test_the_shorter_side_is_resized(
    size: tuple[int, int], resize: int | tuple[int, int], result: tuple[int, int]
) -> None:
    assert Preprocessing(channels=3, resize=resize, crop=(5, 5)).resized(size) == result


def test_test_time_is_resize_and_centre_crop() -> None:
    picture = Image.fromarray(noise(45, 60))
    expected = np.asarray(picture.resize((34, 26), Image.Resampling.BILINEAR))[2:24, 6:28]
    assert (images.prepare(picture, Preprocessing(channels=3, resize=26, crop=(22, 22)), "x") == expected).all()


def test_an_image_of_the_right_shape_is_unchanged() -> None:
    for shape in ((8, 8, 3), (9, 7, 3), (5, 5, 1)):
        pixels = noise(*shape)
        picture = Image.fromarray(pixels if shape[2] == 3 else pixels[:, :, 0])
        assert (images.prepare(picture, Preprocessing.of_shape(shape), "x") == pixels).all()


@pytest.mark.parametrize(
    "preprocessing",
    [
        Preprocessing(channels=3, resize=256, crop=(224, 224), fit="crop"),
        Preprocessing(channels=3, resize=64, crop=(64, 64), fit="pad"),
        Preprocessing.of_shape((9, 7, 1)),
    ],
)
def test_preprocessing_survives_json(preprocessing: Preprocessing) -> None:
    fields = preprocessing.as_json()
    assert list(fields) == ["channels", "resize", "crop", "interpolation", "antialias", "fit"]
    assert Preprocessing.model_validate(json.loads(json.dumps(fields))) == preprocessing


def test_a_ticket_from_before_there_was_a_choice_crops_and_says_what_it_said() -> None:
    old = {"channels": 3, "resize": 73, "crop": [64, 64], "interpolation": "bilinear", "antialias": True}
    read = Preprocessing.model_validate(old)
    assert read.fit == "crop"
    assert read.as_json() == old


@pytest.mark.parametrize("size", [(64, 64), (45, 60), (60, 45), (100, 33), (3, 500), (500, 3), (10, 7), (7, 10)])
@pytest.mark.parametrize("channels", [1, 3])
def test_a_padded_picture_is_pillows(size: tuple[int, int], channels: int) -> None:
    """Of the same proportions, centre and rounding; the frame is black."""
    picture = images.from_array(noise(*size, channels))
    padded = images.prepare(picture, Preprocessing(channels=channels, resize=24, crop=(24, 24), fit="pad"), "x")
    if min(size) * 24 / max(size) < 0.5:  # Pillow leaves nothing of it; here a line of pixels stays
        assert padded.any()
        return
    expected = ImageOps.pad(picture, (24, 24), Image.Resampling.BILINEAR, color="black")
    assert (padded == images.to_array(expected)).all()


def test_a_padded_picture_is_whole_and_its_frame_black() -> None:
    white = Image.new("RGB", (40, 20), "white")
    padded = images.prepare(white, Preprocessing(channels=3, resize=20, crop=(20, 20), fit="pad"), "x")
    rows = np.repeat([0, 255, 0], [5, 10, 5])
    assert (padded == np.broadcast_to(rows[:, None, None], (20, 20, 3))).all()


@pytest.mark.parametrize(
    ("size", "fit", "lost"),
    [((64, 64), "crop", 0.0), ((64, 128), "crop", 0.5), ((480, 640), "crop", 1 - 64 / 85), ((480, 640), "pad", 0.0)],
)
def test_the_share_that_is_cropped_away(size: tuple[int, int], fit: Fit, lost: float) -> None:
    assert Preprocessing(channels=3, resize=64, crop=(64, 64), fit=fit).lost(size) == pytest.approx(lost)


def test_only_a_square_is_padded() -> None:
    with pytest.raises(ValidationError, match="fit: pad makes squares"):
        Preprocessing(channels=3, resize=73, crop=(64, 64), fit="pad")


def test_random_crops_of_a_padded_picture_are_of_the_square() -> None:
    """Black bars, as at test time, and no crop of pixels that a square crop would not have."""
    white = Image.new("RGB", (400, 100), "white")
    crops = [images.random_resized_crop(white, (8, 8, 3), (seed, 1), "x", "pad") for seed in range(40)]
    square = Image.new("RGB", (400, 400))
    square.paste(white, (0, 150))
    for seed, crop in enumerate(crops):
        assert (crop == images.random_resized_crop(square, (8, 8, 3), (seed, 1), "x")).all()
    assert 0 < np.mean(crops) < 255


pairs = st.tuples(st.integers(-(2**31), 2**31 - 1), st.integers(-(2**31), 2**31 - 1))


@settings(deadline=None)
@given(st.integers(1, 400), st.integers(1, 400), pairs)
def test_a_random_crop_lies_inside(width: int, height: int, seed: tuple[int, int]) -> None:
    left, top, w, h = images.crop_box(width, height, seed)
    assert 0 <= left <= left + w <= width
    assert 0 <= top <= top + h <= height
    assert w > 0
    assert h > 0


def test_random_crops_have_the_stated_areas_and_ratios() -> None:
    boxes = np.array([images.crop_box(1000, 1000, (seed, 0)) for seed in range(2000)])
    areas, ratios = boxes[:, 2] * boxes[:, 3] / 1e6, np.log(boxes[:, 2] / boxes[:, 3])
    assert 0.079 < areas.min() < 0.1
    assert 0.95 < areas.max() <= 1
    assert np.abs(ratios).max() <= math.log(4 / 3) + 0.01
    assert abs(ratios.mean()) < 0.02
    # uniform areas, thinned where a long crop does not fit: the mean lies a little below .54
    assert 0.45 < areas.mean() < 0.54


def test_a_narrow_image_is_cropped_centrally() -> None:
    assert images.crop_box(10, 1000, (1, 2)) == (0, 493, 10, 13)


def test_a_random_crop_is_pillows_crop_and_resize() -> None:
    picture, seed = Image.fromarray(noise(50, 40)), (3, -4)
    left, top, w, h = images.crop_box(40, 50, seed)
    crop = Image.fromarray(noise(50, 40)[top : top + h, left : left + w])
    expected = np.asarray(crop.resize((16, 12), Image.Resampling.BILINEAR))
    assert (images.random_resized_crop(picture, (12, 16, 3), seed, "x") == expected).all()


def test_both_halves_of_a_seed_matter() -> None:
    boxes = {images.crop_box(500, 500, seed) for seed in [(0, 0), (0, 1), (1, 0), (-1, 0), (0, -1)]}
    assert len(boxes) == 5
