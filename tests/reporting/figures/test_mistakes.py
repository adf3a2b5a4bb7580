from __future__ import annotations

import numpy as np
import pytest

from tf_dlth.evaluation.confusion import Mistake
from tf_dlth.reporting.figures.mistakes import in_words, mistakes_grid
from tf_dlth.reporting.figures.rendering import rendered

WRONG = [Mistake(image, 0, 1, 0.97123) for image in range(5)]


def test_both_names_and_the_confidence():
    assert in_words(WRONG[0], ["cat", "dog"]) == "is cat\ntaken for dog\n97.1% sure"


@pytest.mark.parametrize("channels", [1, 3])
def test_every_photograph_as_it_is(channels: int):
    pixels = np.random.RandomState(0).randint(0, 256, (5, 8, 8, channels)).astype(np.uint8)
    figure = mistakes_grid(WRONG, pixels, ["cat", "dog"])
    assert len(figure.axes) == 5
    for axes, image in zip(figure.axes, pixels, strict=True):
        assert np.array_equal(np.asarray(axes.images[0].get_array()).reshape(image.shape), image)
        assert axes.get_title(loc="left") == "is cat\ntaken for dog\n97.1% sure"
        assert axes.images[0].get_clim() == (0, 255)


@pytest.mark.parametrize("name", ["$\\frac{", "a" * 200, "<b>&", "犬"])
def test_any_name_can_be_drawn_and_equal_figures_are_equal_bytes(name: str):
    pixels = np.zeros((1, 8, 8, 3), np.uint8)
    first, second = (rendered(mistakes_grid(WRONG[:1], pixels, [name, "dog"]), "png") for _ in range(2))
    assert first == second
