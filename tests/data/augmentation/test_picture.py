"""The page that a person looks at."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from tf_dlth import commands
from tf_dlth.data.augmentation.__main__ import show
from tf_dlth.data.augmentation.operation import Operation
from tf_dlth.data.augmentation.picture import _SHOWN, draw_page


def test_command_writes_the_page_of_digits(tmp_path: Path, capsys) -> None:
    assert commands.main(show, ["--data", "digits", "--out", str(tmp_path / "page.png")]) == 0
    assert "8 images of digits" in capsys.readouterr().out
    with Image.open(tmp_path / "page.png") as page:
        assert page.mode == "RGB" and page.width > 8 * 96 and page.height > 30 * 96


@pytest.mark.parametrize("out", ["page.jpg", "nowhere/page.png"])
def test_a_wrong_file_is_one_line(tmp_path: Path, capsys, out: str) -> None:
    assert commands.main(show, ["--out", str(tmp_path / out)]) == 2
    error = capsys.readouterr().err
    assert "--out" in error and error.count("\n") == 1


def test_every_operation_is_shown() -> None:
    assert {operation for operation, _ in _SHOWN} == set(Operation) - {Operation.IDENTITY}


def test_another_seed_gives_another_page(noise: np.ndarray) -> None:
    pages = [np.asarray(draw_page(noise[:2], seed)) for seed in (0, 1, 0)]
    assert (pages[0] != pages[1]).any()
    np.testing.assert_array_equal(pages[0], pages[2])
