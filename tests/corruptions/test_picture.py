from __future__ import annotations

import io

import numpy as np
import PIL.Image
import pytest

from tf_dlth.corruptions.corruption import corrupt, generator
from tf_dlth.corruptions.picture import GAP, HEADER, MARGIN, TILE, page_png
from tf_dlth.corruptions.severities import KINDS, SEVERITIES


@pytest.mark.parametrize("channels", [1, 3])
def test_the_page_shows_the_first_image_of_every_array(
    channels: int, tiles: np.ndarray, crystals: tuple[np.ndarray, ...]
) -> None:
    image = tiles[3][..., :channels]
    png = page_png(image, kinds=KINDS, severities=SEVERITIES, seed=4, frost=crystals)
    page = np.array(PIL.Image.open(io.BytesIO(png)))
    step = TILE + GAP
    assert page.shape == (HEADER + 19 * step, MARGIN + 6 * step, 3)
    for row, kind in enumerate(KINDS):
        versions = [corrupt(image, kind, s, generator(4, kind, s, 0), crystals) for s in SEVERITIES]
        for column, expected in enumerate([image, *versions]):
            top, left = HEADER + row * step, MARGIN + column * step
            tile = page[top : top + TILE : TILE // 32, left : left + TILE : TILE // 32]
            np.testing.assert_array_equal(tile, np.broadcast_to(expected, (32, 32, 3)))
