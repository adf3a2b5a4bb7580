from __future__ import annotations

from pathlib import Path

import numpy as np
import PIL.Image
import pytest

from tf_dlth.corruptions.frost import drawn_crystals, photographs
from tf_dlth.errors import UserError


def _write(path: Path, colour: tuple[int, int, int], size: tuple[int, int] = (200, 180)) -> None:
    PIL.Image.new("RGB", size, colour).save(path)


def test_the_first_five_photographs_by_name_are_made_smaller_by_a_fifth(tmp_path: Path) -> None:
    for number in range(6, 0, -1):
        _write(tmp_path / f"frost{number}.png", (10 * number, 0, 200))
    (tmp_path / "notes.txt").write_text("not a photograph")
    textures = photographs(tmp_path)
    assert [texture.shape for texture in textures] == [(36, 40, 3)] * 5
    assert [tuple(texture[0, 0]) for texture in textures] == [(10 * n, 0, 200) for n in range(1, 6)]


def test_pixels_are_read_between_the_middle_two_of_every_five(tmp_path: Path) -> None:
    pixels = np.random.default_rng(0).integers(0, 256, (200, 200, 3), dtype=np.uint8)
    PIL.Image.fromarray(pixels).save(tmp_path / "frost1.png")
    (texture,) = photographs(tmp_path)
    np.testing.assert_array_equal(texture, pixels[2::5, 2::5])


def test_transparency_is_left_out(tmp_path: Path) -> None:
    PIL.Image.new("RGBA", (200, 200), (10, 100, 200, 30)).save(tmp_path / "frost1.png")
    assert tuple(photographs(tmp_path)[0][0, 0]) == (10, 100, 200)


@pytest.mark.parametrize(
    ("content", "message"),
    [
        ("missing", "no folder"),
        ("empty", "holds no"),
        ("broken", r"broken\.png cannot be read"),
        ("small", "at least 165 px"),
    ],
)
def test_what_cannot_be_used_is_named(content: str, message: str, tmp_path: Path) -> None:
    folder = tmp_path / content
    if content != "missing":
        folder.mkdir()
    if content == "broken":
        (folder / "broken.png").write_bytes(b"not a PNG")
    if content == "small":
        _write(folder / "small.png", (0, 0, 0), (160, 300))
    with pytest.raises(UserError, match=message):
        photographs(folder)


def test_the_smallest_photograph_that_the_message_allows_is_allowed(tmp_path: Path) -> None:
    _write(tmp_path / "least.png", (0, 0, 0), (165, 165))
    assert photographs(tmp_path)[0].shape == (33, 33, 3)


def test_drawn_crystals_are_always_the_same_and_differ_from_each_other(
    crystals: tuple[np.ndarray, ...],
) -> None:
    again = drawn_crystals()
    assert len(crystals) == 5
    for first, second in zip(crystals, again, strict=True):
        np.testing.assert_array_equal(first, second)
    assert len({texture.tobytes() for texture in crystals}) == 5


def test_drawn_crystals_are_bluish_and_cover_the_pane_unevenly(crystals: tuple[np.ndarray, ...]) -> None:
    for texture in crystals:
        red, green, blue = texture.reshape(-1, 3).mean(axis=0)
        assert red < green < blue
        assert 80 < texture.mean() < 170
        assert texture.std() > 50
        crops = texture[:192, :192].reshape(6, 32, 6, 32, 3).swapaxes(1, 2)
        assert crops.reshape(36, -1).std(axis=1).min() > 5
