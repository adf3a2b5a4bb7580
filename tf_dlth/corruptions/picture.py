"""A page that shows one image under every corruption and severity."""

from __future__ import annotations

import io
from collections.abc import Sequence
from typing import Final

import numpy as np
from PIL import Image as Picture
from PIL import ImageDraw, ImageFont

from tf_dlth.corruptions.corruption import corrupt, generator
from tf_dlth.corruptions.filters import Image

TILE: Final = 96
GAP: Final = 4
MARGIN: Final = 170
HEADER: Final = 30
TEXT_SIZE: Final = 15


def page_png(
    image: Image, *, kinds: Sequence[str], severities: Sequence[int], seed: int, frost: Sequence[Image]
) -> bytes:
    """A PNG with a row for each kind: the clean image first, then a column for each severity.

    ``image`` is uint8 [H, W, C]. The draws are those of index 0, so the page shows what the arrays hold of their first
    image.
    """
    width = MARGIN + (TILE + GAP) * (1 + len(severities))
    page = Picture.new("RGB", (width, HEADER + (TILE + GAP) * len(kinds)), "white")
    titles = ["clean", *(f"severity {severity}" for severity in severities)]
    for column, title in enumerate(titles):
        _write(page, title, (MARGIN + column * (TILE + GAP), HEADER // 4))
    for row, kind in enumerate(kinds):
        top = HEADER + row * (TILE + GAP)
        _write(page, kind, (GAP, top + TILE // 2 - TEXT_SIZE // 2))
        versions = [corrupt(image, kind, one, generator(seed, kind, one, 0), frost) for one in severities]
        for column, version in enumerate([image, *versions]):
            page.paste(_tile(version), (MARGIN + column * (TILE + GAP), top))
    stream = io.BytesIO()
    page.save(stream, "PNG")
    return stream.getvalue()


def _tile(image: Image) -> Picture.Image:
    rgb = np.broadcast_to(image, (*image.shape[:2], 3))
    return Picture.fromarray(np.ascontiguousarray(rgb)).resize((TILE, TILE), Picture.Resampling.NEAREST)


def _write(page: Picture.Image, text: str, place: tuple[int, int]) -> None:
    ImageDraw.Draw(page).text(place, text, fill="black", font=ImageFont.load_default(TEXT_SIZE))
